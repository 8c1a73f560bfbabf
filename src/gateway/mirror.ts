/**
 * Copies of live requests, to another environment and off the live path: a copy hears its request as it flows, is sent once it is
 * whole, and its answer is thrown away. Nothing here may wait, throw, or say anything to the live side (promise 8); when there is
 * too much, copies go first, and are counted.
 */
import { Bag } from './bag.ts'
import type { Observation } from './control.ts'
import { mayBeCopied, pointOf } from '../ipc/copyable.ts'
import type { Ended, Flight } from './forward.ts'
import type { Copying, Tapping } from './listeners.ts'
import { requestLines } from './headers.ts'
import { failureSaid } from './http2/grpc.ts'
import type { SlottedEnvironment, SlottedReplica } from './slotted.ts'
import { without } from './wire/body-reader.ts'
import type {
  Body,
  Bytes,
  Call,
  CallFailure,
  CallListener,
  Fields,
  Lines,
  Upstream,
} from './wire/wire.ts'

/** A larger request is not copied: half a request would be another one. */
export const copyMaxBytes = 1024 * 1024
/** Under way or being heard, in this worker. */
const copiesMax = 256
const heldMaxBytes = 32 * 1024 * 1024
/** From the moment it is sent: a candidate that hangs must not hold copies for ever. */
const copyMs = 60_000
/** An answer of a copy is of no use beyond this. */
const answerMaxBytes = 64 * 1024 * 1024
export const copyMark = 'Beryl-Copy: 1\r\n'

export type CopySeen = {
  flight: Flight
  environment: SlottedEnvironment
  /** Null where it was never sent. */
  replica: SlottedReplica | null
  /** As `Observation.heard`. */
  heard: boolean | undefined
} & Pick<Observation, 'outcome' | 'status' | 'firstByteMs' | 'totalMs'>

/** Who keeps a copy's answer, to be judged beside the one that the client got. */
export type CopyHearing = Omit<Tapping, 'request'> & {
  /** @returns was it handed on? Absent where there is nothing whole to hand on */
  ended(result: Ended): boolean | undefined
}

export type Mirror = ReturnType<typeof openMirror>

export function openMirror({
  upstream,
  count,
  hear,
  seen,
}: {
  upstream: Upstream
  /** Null: nobody wants to judge it. */
  hear: (
    flight: Flight,
    environment: SlottedEnvironment,
    replica: SlottedReplica,
  ) => CopyHearing | null
  /** What became of a copy: `sent`, or why it was not. */
  count: (service: string, what: string) => void
  seen: (one: CopySeen) => void
}) {
  const copies = new Bag<Copy>()
  const loads = new Map<number, number>()
  const hands: Hands = { upstream, hear, seen, count, take, leave, heldBytes: 0 }

  return {
    /** Called before anything of its body is heard. The copy of a request without one is sent after its original. */
    begin(flight: Flight): void {
      const { table, seq } = flight.claim
      const { copies: wanted, service } = table
      if (wanted === null || seq === null || !mayBeCopied(wanted, flight.exchange)) return
      // Never to where the original goes.
      if (wanted.to.environment === flight.claim.environment.environment) return
      if (pointOf(flight.requestId) >= wanted.share) return
      if (copies.size >= copiesMax || hands.heldBytes >= heldMaxBytes)
        return count(service, 'too-many')
      if (wanted.to.replicas.length === 0) return count(service, 'no-replica')
      const copy = new Copy(hands, flight, wanted.to)
      copies.add(copy)
      flight.copy = copy
      flight.copied = true
    },

    /** Nothing is left on its way to that environment after this. */
    forget(service: string, environment: string): void {
      for (const copy of copies.all())
        if (copy.service === service && copy.to.environment === environment) copy.drop('forgotten')
    },

    /** @param now monotonic, ms */
    expire(now: number): void {
      for (const copy of copies.all()) copy.expire(now)
    },
  }

  /** The replica with the fewest copies of this worker. */
  function take({ replicas }: SlottedEnvironment): SlottedReplica {
    const replica = replicas.reduce((best, one) => (loadOf(one) < loadOf(best) ? one : best))
    loads.set(replica.slot, loadOf(replica) + 1)
    return replica
  }

  function leave(copy: Copy, replica: SlottedReplica | null): void {
    copies.delete(copy)
    if (replica === null) return
    const load = loadOf(replica) - 1
    if (load === 0) loads.delete(replica.slot)
    else loads.set(replica.slot, load)
  }

  function loadOf({ slot }: SlottedReplica): number {
    return loads.get(slot) ?? 0
  }
}

type Hands = {
  upstream: Upstream
  hear: Parameters<typeof openMirror>[0]['hear']
  seen: (one: CopySeen) => void
  count: (service: string, what: string) => void
  take: (from: SlottedEnvironment) => SlottedReplica
  leave: (copy: Copy, replica: SlottedReplica | null) => void
  heldBytes: number
}

class Copy implements Copying, CallListener {
  readonly to: SlottedEnvironment
  readonly service: string
  place = -1
  private readonly hands: Hands
  private readonly flight: Flight
  private held: Bytes = ''
  private heldLength = 0
  private replica: SlottedReplica | null = null
  private call: Call | null = null
  private begun = 0
  private firstAt = 0
  private status = 0
  private answered = 0
  private hearing: CopyHearing | null = null
  private over = false

  constructor(hands: Hands, flight: Flight, to: SlottedEnvironment) {
    this.hands = hands
    this.flight = flight
    this.to = to
    this.service = flight.claim.table.service
  }

  body(bytes: Bytes): void {
    if (this.over || this.call !== null) return
    this.heldLength += bytes.length
    this.hands.heldBytes += bytes.length
    if (this.heldLength > copyMaxBytes) return this.drop('too-large')
    if (this.hands.heldBytes > heldMaxBytes) return this.drop('too-many')
    this.held += bytes
  }

  send(): void {
    if (this.over || this.call !== null) return
    this.begun = performance.now()
    this.replica = this.hands.take(this.to)
    this.hearing = this.hands.hear(this.flight, this.to, this.replica)
    this.dial(false)
  }

  private dial(fresh: boolean): void {
    const { exchange } = this.flight
    const { method, target } = exchange
    // What came in chunks is whole now: its length is known.
    const body: Body = exchange.body === 'none' ? 'none' : 'length'
    const framed = exchange.body === 'open' ? `Content-Length: ${this.heldLength}\r\n` : ''
    const lines = `${requestLines(exchange)}${framed}${copyMark}`
    const request = { method, target, lines, body, upgrade: false, fresh }
    this.call = this.hands.upstream.call(this.replica!, request, this)
    this.call.begin()
  }

  orphaned(): void {
    if (this.call === null) this.drop('not-whole')
  }

  expire(now: number): void {
    if (this.call === null || now - this.begun <= copyMs) return
    if (this.firstAt === 0) return this.done('deadline')
    // As its original: a stream that goes on is good so far (`openMs`). Half an answer is none to be judged.
    this.hearing?.ended({ outcome: 'deadline', status: this.status, firstByteMs: 0, totalMs: 0 })
    this.hearing = null
    this.done(this.status >= 500 ? 'error-status' : 'ok')
  }

  drop(why: string): void {
    this.finish(why, 'void')
  }

  connected(): void {
    if (this.over) return
    this.call!.write(this.held)
    this.call!.end('')
    this.letGo()
  }

  interim(): void {}
  serverDrained(): void {}

  head(status: number, _reason: string, fields: Fields): void {
    this.status = failureSaid(this.replica!, fields.lines) ?? status
    this.firstAt = performance.now()
    this.hearing?.head(without(fields.lines, fields.dropped))
  }

  data(bytes: Bytes): void {
    this.answered += bytes.length
    this.hearing?.answer(bytes)
  }

  dataRead(): void {
    if (this.answered > answerMaxBytes) this.done('cut')
  }

  answerEnd(trailers: Lines): void {
    if (trailers !== '') this.hearing?.trailers(trailers)
    this.status = failureSaid(this.replica!, trailers) ?? this.status
    this.done(this.status >= 500 ? 'error-status' : 'ok')
  }

  failed(how: CallFailure): void {
    // Only where there is no body: nothing of it was let go.
    if (how === 'stale') return this.dial(true)
    this.done(how === 'refused' ? 'connect-failed' : 'cut')
  }

  switched(): void {
    this.done('cut')
  }

  private done(outcome: Observation['outcome']): void {
    this.finish('sent', outcome)
  }

  /** Whoever was told that there is a copy is told what became of it. */
  private finish(what: string, outcome: Observation['outcome']): void {
    if (this.over) return
    this.call?.destroy()
    const { flight, to: environment, replica, begun, firstAt, status } = this
    const firstByteMs = firstAt === 0 ? 0 : firstAt - begun
    const totalMs = begun === 0 ? 0 : performance.now() - begun
    const heard = this.hearing?.ended({ outcome, status, firstByteMs, totalMs })
    this.hands.count(this.service, what)
    this.close()
    this.hands.seen({
      flight,
      environment,
      replica,
      heard,
      outcome,
      status,
      firstByteMs,
      totalMs,
    })
  }

  private close(): void {
    this.over = true
    this.flight.copy = null
    this.letGo()
    this.hands.leave(this, this.replica)
  }

  private letGo(): void {
    this.hands.heldBytes -= this.heldLength
    this.held = ''
    this.heldLength = 0
  }
}
