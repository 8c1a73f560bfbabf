/** A request's claim on a replica: chosen and counted in one synchronous step. */
import { chooseReplica } from './choose.ts'
import { inFlightOf, replicaSlotsMax } from './shared.ts'
import type { Shared } from './shared.ts'
import type { SlottedEnvironment, SlottedReplica, SlottedTable } from './slotted.ts'

export type Claim = {
  table: SlottedTable
  environment: SlottedEnvironment
  replica: SlottedReplica
  /** Assignment order over all workers; null on the preview listener, which is no evidence. */
  seq: number | null
  at: number
  /** Ends the claim. Calling it again does nothing. */
  release(): void
  /** Another replica of the same environment, for a request that no replica has seen; false when there is none. */
  moveOn(): boolean
}

let turn = 0

/**
 * No `await` may ever stand between reading the generation, choosing and counting: a switch could slip through, and
 * something that is being taken down could still be chosen.
 */
export function claim(
  shared: Shared,
  worker: number,
  table: SlottedTable,
  environment: SlottedEnvironment,
  observed: boolean,
): Claim | null {
  const tried = new Set<number>()
  const first = choose(shared, environment, tried)
  if (first === null) return null
  let replica = first
  let held = true
  count(shared, worker, replica.slot, 1)
  return {
    table,
    environment,
    get replica() {
      return replica
    },
    seq: observed ? Atomics.add(shared.assigned, table.serviceSlot, 1) >>> 0 : null,
    at: Date.now(),
    release: () => {
      if (!held) return
      held = false
      count(shared, worker, replica.slot, -1)
    },
    moveOn: () => {
      tried.add(replica.slot)
      const next = choose(shared, environment, tried)
      if (next === null || !held) return false
      count(shared, worker, next.slot, 1)
      count(shared, worker, replica.slot, -1)
      replica = next
      return true
    },
  }
}

function choose(
  shared: Shared,
  { replicas }: SlottedEnvironment,
  tried: ReadonlySet<number>,
): SlottedReplica | null {
  const left = tried.size === 0 ? replicas : replicas.filter(({ slot }) => !tried.has(slot))
  const index = chooseReplica(
    left,
    ({ slot }) => inFlightOf(shared, slot),
    ({ slot }) => Atomics.load(shared.ejected, slot) === 0,
    turn++ >>> 0,
  )
  return left[index] ?? null
}

function count({ inFlight }: Shared, worker: number, slot: number, by: 1 | -1): void {
  Atomics.add(inFlight, worker * replicaSlotsMax + slot, by)
}
