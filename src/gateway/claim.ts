/** A request's claim on a replica: chosen and counted in one synchronous step. */
import { chooseReplica } from './choose.ts'
import { inFlightOf, replicaSlotsMax } from './shared.ts'
import type { Shared } from './shared.ts'
import type { SlottedEnvironment, SlottedReplica, SlottedTable } from './slotted.ts'

let turn = 0

/**
 * No `await` may ever stand between reading the generation, choosing and counting: a switch could slip through, and
 * something that is being taken down could still be chosen.
 *
 * @param observed false on the preview listener, which is no evidence
 */
export function claim(
  shared: Shared,
  worker: number,
  table: SlottedTable,
  environment: SlottedEnvironment,
  observed: boolean,
): Claim | null {
  const replica = choose(shared, environment.replicas)
  if (replica === null) return null
  count(shared, worker, replica.slot, 1)
  const seq = observed ? Atomics.add(shared.assigned, table.serviceSlot, 1) >>> 0 : null
  return new Claim(shared, worker, table, environment, replica, seq)
}

export class Claim {
  readonly table: SlottedTable
  readonly environment: SlottedEnvironment
  /** Assignment order over all workers; null on the preview listener. */
  readonly seq: number | null
  /** Wall time, ms. */
  readonly at = Date.now()
  replica: SlottedReplica
  private readonly shared: Shared
  private readonly worker: number
  private held = true
  private tried: Set<number> | null = null

  constructor(
    shared: Shared,
    worker: number,
    table: SlottedTable,
    environment: SlottedEnvironment,
    replica: SlottedReplica,
    seq: number | null,
  ) {
    this.shared = shared
    this.worker = worker
    this.table = table
    this.environment = environment
    this.replica = replica
    this.seq = seq
  }

  /** Ends the claim. Calling it again does nothing. */
  release(): void {
    if (!this.held) return
    this.held = false
    count(this.shared, this.worker, this.replica.slot, -1)
  }

  /** Another replica of the same environment, for a request that no replica has seen; false when there is none. */
  moveOn(): boolean {
    this.tried ??= new Set()
    this.tried.add(this.replica.slot)
    const left = this.environment.replicas.filter(({ slot }) => !this.tried!.has(slot))
    const next = choose(this.shared, left)
    if (next === null || !this.held) return false
    count(this.shared, this.worker, next.slot, 1)
    count(this.shared, this.worker, this.replica.slot, -1)
    this.replica = next
    return true
  }
}

function choose(shared: Shared, replicas: readonly SlottedReplica[]): SlottedReplica | null {
  const index = chooseReplica(
    replicas,
    ({ slot }) => inFlightOf(shared, slot),
    ({ slot }) => Atomics.load(shared.ejected, slot) === 0,
    turn++ >>> 0,
  )
  return replicas[index] ?? null
}

function count({ inFlight }: Shared, worker: number, slot: number, by: 1 | -1): void {
  Atomics.add(inFlight, worker * replicaSlotsMax + slot, by)
}
