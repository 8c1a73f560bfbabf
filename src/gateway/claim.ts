/** A request's claim on a replica: chosen and counted in one synchronous step. */
import { chooseReplica } from './choose.ts'
import type { Sight } from './choose.ts'
import type { RequestRules } from './control.ts'
import { inFlightOf, replicaSlotsMax } from './shared.ts'
import type { Shared } from './shared.ts'
import type { SlottedEnvironment, SlottedReplica, SlottedTable } from './slotted.ts'

export type Claims = ReturnType<typeof openClaims>

export type Asked = {
  table: SlottedTable
  environment: SlottedEnvironment
  /** Of this request. */
  rules: RequestRules
  /** False on the preview listener, which is no evidence. */
  observed: boolean
  /** Hash of what the client's requests have in common. */
  key: number | null
  /** What the version was drawn for; see split.ts. Null: it was not drawn. */
  drawn: { share: number; client: number } | null
}

/** @param worker whose row of the counts is added to */
export function openClaims(shared: Shared, worker: number) {
  const sight: Sight<SlottedReplica> = {
    load: ({ slot }) => inFlightOf(shared, slot),
    usable: ({ slot }) => Atomics.load(shared.ejected, slot) === 0,
    hash: ({ hash }) => hash,
    random: Math.random,
  }
  const room: Room = { shared, sight, count }

  /**
   * No `await` may ever stand between reading the generation, choosing and counting: a switch could slip through, and
   * something that is being taken down could still be chosen.
   *
   * @returns `none` where there is no replica, `full` where each is at its limit and the queue is too
   */
  return function claim({
    table,
    environment,
    rules,
    observed,
    key,
    drawn,
  }: Asked): Claim | 'none' | 'full' {
    const replica = first(table, environment, key)
    if (typeof replica === 'string') return replica
    const seq = observed ? Atomics.add(shared.assigned, table.serviceSlot, 1) >>> 0 : null
    return new Claim(room, { table, environment, rules, key, drawn, seq, replica })
  }

  /** Where there is a limit, nobody overtakes those who wait. */
  function first(
    { rules }: SlottedTable,
    environment: SlottedEnvironment,
    key: number | null,
  ): SlottedReplica | 'none' | 'full' {
    const { queue, replicas } = environment
    if (rules.concurrentMax === null) return take(room, replicas, Infinity, key)
    const waiting = inFlightOf(shared, queue.slot)
    const taken = waiting > 0 ? 'full' : take(room, replicas, rules.concurrentMax, key)
    if (taken !== 'full') return taken
    if (waiting >= rules.queueMax) return 'full'
    count(queue.slot, 1)
    return queue
  }

  function count(slot: number, by: 1 | -1): void {
    Atomics.add(shared.inFlight, worker * replicaSlotsMax + slot, by)
  }
}

type Room = {
  shared: Shared
  sight: Sight<SlottedReplica>
  count: (slot: number, by: 1 | -1) => void
}

export class Claim {
  readonly table: SlottedTable
  readonly environment: SlottedEnvironment
  readonly rules: RequestRules
  /** Assignment order over all workers; null on the preview listener. */
  readonly seq: number | null
  readonly drawn: Asked['drawn']
  /** Wall time, ms. */
  readonly at = Date.now()
  replica: SlottedReplica
  /** False where its outcome falls into a gap. */
  noted = true
  private readonly room: Room
  private readonly key: number | null
  private held = true
  private tried: Set<number> | null = null

  constructor(
    room: Room,
    {
      table,
      environment,
      rules,
      key,
      drawn,
      seq,
      replica,
    }: Omit<Asked, 'observed'> & { seq: number | null; replica: SlottedReplica },
  ) {
    this.room = room
    this.table = table
    this.environment = environment
    this.rules = rules
    this.key = key
    this.drawn = drawn
    this.seq = seq
    this.replica = replica
  }

  /** It waits for a replica: counted, and nothing may be sent yet. */
  get waits(): boolean {
    return this.replica === this.environment.queue
  }

  /** A place for one that waits; false where there is still none. */
  enter(): boolean {
    return this.held && this.move(this.environment.replicas)
  }

  /** Ends the claim. Calling it again does nothing. */
  release(): void {
    if (!this.held) return
    this.held = false
    this.leave(this.replica)
  }

  /** Another replica of the same environment; false when there is none that has room. */
  moveOn(): boolean {
    this.tried ??= new Set()
    this.tried.add(this.replica.slot)
    const left = this.environment.replicas.filter(({ slot }) => !this.tried!.has(slot))
    return this.held && this.move(left)
  }

  private move(to: readonly SlottedReplica[]): boolean {
    const next = take(this.room, to, this.table.rules.concurrentMax ?? Infinity, this.key)
    if (typeof next === 'string') return false
    this.leave(this.replica)
    this.replica = next
    return true
  }

  private leave({ slot }: SlottedReplica): void {
    this.room.count(slot, -1)
    const { queue } = this.environment
    if (queue.slot !== -1 && slot !== queue.slot) tellWaiting(this.room.shared, queue.slot)
  }
}

/** Chosen and counted. Where two workers took the last place at once, both step back. */
function take(
  { shared, sight, count }: Room,
  replicas: readonly SlottedReplica[],
  limit: number,
  key: number | null,
): SlottedReplica | 'none' | 'full' {
  const index = chooseReplica(replicas, sight, { limit, key })
  if (typeof index === 'string') return index
  const replica = replicas[index]!
  count(replica.slot, 1)
  if (limit === Infinity || inFlightOf(shared, replica.slot) <= limit) return replica
  count(replica.slot, -1)
  return 'full'
}

function tellWaiting({ freed }: Shared, queueSlot: number): void {
  Atomics.add(freed, queueSlot, 1)
  Atomics.notify(freed, queueSlot)
}
