/** The walk of one claimed request: to the replica and back, both ways with backpressure. The only file that talks to an upstream. */
import type { Budget } from './budget.ts'
import type { Claim } from './claim.ts'
import type { Observation } from './control.ts'
import { answerLines, ownLines, requestLines, switchedLines } from './headers.ts'
import type { Own } from './headers.ts'
import { failureSaid } from './http2/grpc.ts'
import { bodyTooLarge, bodyTooSlow, noReplicaInTime, problemText } from './problems.ts'
import type { Refusal } from './problems.ts'
import type { Copying, Tapping } from './listeners.ts'
import { targetOf } from './pooled.ts'
import type { Waiting } from './queue.ts'
import type { Trace, Tracing } from './tracing.ts'
import { without } from './wire/body-reader.ts'
import type { Body, Bytes, Call, CallFailure, CallListener, Fields, Lines } from './wire/wire.ts'
import type { Exchange, ExchangeListener, Tunnel, Upstream } from './wire/wire.ts'

export type Outcome = Observation['outcome']

export type Ended = { outcome: Outcome; status: number; firstByteMs: number; totalMs: number }

export type Forwarding = {
  upstream: Upstream
  headers: 'full' | 'id'
  /** A replica refused the connection, or cut it before the first byte: health hears of it at once. */
  failed(slot: number): void
  answered(slot: number): void
  budget: Budget
  /** Gives it a copy, where one is wanted. */
  mirror(flight: Flight): void
  /** Nothing is asked of it while it is off. */
  tap: { isOn: boolean; begin(flight: Flight): void }
  tracing: Pick<Tracing, 'isOn' | 'begin'>
  /** Its claim waits for a replica; `dial` is called once it has one. */
  wait(flight: Flight): void
  /** Called exactly once for each flight, after its claim was released. */
  ended(flight: Flight, result: Ended): void
}

/** A request that may be sent twice is kept up to here; a longer one is sent once. */
const keptMaxBytes = 64 * 1024
/** A stream that is still open after this is judged as it stands: whoever waits for the ends of streams never judges anything. */
export const openMs = 60_000
/** Replicas that see one request, the first one included. */
const triesMax = 3
/** Answers that go on as long as they like. */
const streamed =
  /^content-type:[ \t]*(?:text\/event-stream|application\/(?:x-ndjson|grpc|jsonl|stream\+json))/im

export function forward(
  exchange: Exchange,
  claim: Claim,
  requestId: string,
  forwarding: Forwarding,
): Flight {
  const flight = new Flight(exchange, claim, requestId, forwarding)
  // Before anything of the body is heard: a copy that missed its beginning would be another request.
  if (claim.table.copies !== null) forwarding.mirror(flight)
  if (forwarding.tap.isOn) forwarding.tap.begin(flight)
  if (forwarding.tracing.isOn) flight.trace = forwarding.tracing.begin(exchange.fields.lines)
  exchange.hear(flight)
  if (claim.waits) forwarding.wait(flight)
  else flight.dial(false)
  if (exchange.body === 'none') flight.copy?.send()
  return flight
}

/** One object hears both sides: no closure and no timer per request; `expire` is asked by a clock for all of them. */
export class Flight implements CallListener, ExchangeListener, Waiting {
  readonly exchange: Exchange
  readonly claim: Claim
  readonly requestId: string
  private readonly forwarding: Forwarding
  readonly begun = performance.now()
  /** Bytes of bodies, without their framing. */
  bytesIn = 0
  bytesOut = 0
  /** Replicas that were asked. */
  tries = 0
  /** The same request for another environment, on its own way. */
  copy: Copying | null = null
  /** It was given one, whatever became of it. */
  copied = false
  tapping: Tapping | null = null
  /** It is recorded, and its model server told so. */
  trace: Trace | null = null
  /** Among those in flight; see bag.ts. */
  place = -1
  /** What was seen of it was noted before its end. */
  isNoted = false
  /** It is one of those whose answers are judged. */
  judged = false
  /** Whether its answer was handed on for that; see `Observation.heard`. */
  heard: boolean | undefined = undefined
  private call: Call | null = null
  private status = 0
  private firstAt = 0
  private over = false
  private reading = false
  /** Its present replica takes the body; until then what comes is kept, and nothing of it is written. */
  private isConnected = false
  private tunnel: { destroy(): void } | null = null
  /** Monotonic, ms; nothing is waited for at Infinity. */
  private dueAt: number
  private totalDueAt: number
  /** More of its answer came since a clock asked: whatever else a token touches is one more miss in the caches. */
  private hasMoved = false
  /** What is waited for until then is more of the request: whoever is late, it is not the model server. */
  private forClient = false
  /** What came of a body that may have to be sent again; null once it may not. */
  private kept: Bytes | null
  private ended: Lines | null = null
  private tooLarge = false

  constructor(exchange: Exchange, claim: Claim, requestId: string, forwarding: Forwarding) {
    this.exchange = exchange
    this.claim = claim
    this.requestId = requestId
    this.forwarding = forwarding
    const { totalMs, retryMethods } = claim.rules
    this.dueAt = claim.waits ? this.begun + claim.table.rules.queueMs : Infinity
    this.totalDueAt = totalMs === null ? Infinity : this.begun + totalMs
    this.kept = retryMethods.includes(exchange.method) ? '' : null
  }

  /** @param fresh not over a kept connection */
  dial(fresh: boolean): void {
    const { method, target, upgrade, body } = this.exchange
    const request = {
      method,
      target: targetOf(target, this.claim.replica.model),
      lines: requestLines(this.exchange, this.trace),
      body,
      upgrade,
      fresh,
    }
    // Until it is connected the wire's own limit holds.
    this.dueAt = Infinity
    this.isConnected = false
    if (this.reading && this.ended === null) this.exchange.pause()
    this.tries++
    this.call = this.forwarding.upstream.call(this.claim.replica, request, this)
    this.call.begin()
  }

  get isOver(): boolean {
    return this.over
  }

  /** An answer that has begun and goes on for long, as it stands now; null while it may be waited for. @param now monotonic, ms */
  soFar(now: number): Ended | null {
    const { begun, firstAt, status } = this
    if (this.over || firstAt === 0 || now - begun < openMs) return null
    const outcome = status >= 500 ? 'error-status' : 'ok'
    return { outcome, status, firstByteMs: firstAt - begun, totalMs: now - begun }
  }

  /** Ends it now: the client sees that its answer is not whole. */
  cut(): void {
    if (this.over) return
    this.call?.destroy()
    this.tunnel?.destroy()
    this.exchange.destroy()
    this.end('void')
  }

  /** @param now monotonic, ms */
  expire(now: number): void {
    if (this.over) return
    if (this.hasMoved) this.dueAt = now + this.claim.rules.idleMs
    this.hasMoved = false
    if (now < this.dueAt && now < this.totalDueAt) return
    if (this.firstAt > 0) return this.cutShort('deadline')
    const { table, replica, rules, waits } = this.claim
    const { service } = table
    if (waits) return this.refuse(noReplicaInTime(service, table.rules.queueMs))
    if (this.forClient && now < this.totalDueAt)
      return this.refuse(bodyTooSlow(service, rules.bodySilenceMs))
    this.call?.destroy()
    const limitMs = now < this.dueAt ? rules.totalMs! : rules.firstByteMs
    this.fail('deadline', 504, `${replica.id} sent nothing in ${limitMs / 1000} s`)
  }

  connected(): void {
    this.isConnected = true
    this.awaitAnswer()
    if (this.exchange.body === 'none') return
    if (!this.reading) {
      this.reading = true
      this.awaitBody()
      return this.exchange.readBody()
    }
    this.call!.write(this.kept!)
    if (this.ended !== null) return this.call!.end(this.ended)
    this.awaitBody()
    this.call!.flush()
    this.exchange.resume()
  }

  private awaitAnswer(): void {
    this.forClient = false
    this.dueAt = performance.now() + this.claim.rules.firstByteMs
  }

  private awaitBody(): void {
    this.forClient = true
    this.dueAt = performance.now() + this.claim.rules.bodySilenceMs
  }

  interim(status: number, { lines, dropped }: Fields): void {
    this.exchange.interim(status, without(lines, dropped))
  }

  head(status: number, reason: string, fields: Fields, body: Body): void {
    if (this.over) return
    this.begin(failureSaid(this.claim.replica, fields.lines) ?? status)
    this.dueAt = this.firstAt + this.claim.rules.idleMs
    if (this.totalDueAt !== Infinity && streamed.test(fields.lines)) this.totalDueAt = Infinity
    const lines = answerLines(fields, this.own(), this.forwarding.headers)
    this.exchange.respond(status, reason, lines, body)
    this.tapping?.head(without(fields.lines, fields.dropped))
  }

  data(bytes: Bytes, framed?: Bytes): void {
    if (this.over) return
    this.bytesOut += bytes.length
    this.exchange.write(bytes, framed)
    this.tapping?.answer(bytes)
  }

  dataRead(): void {
    if (this.over) return
    this.hasMoved = true
    if (!this.exchange.flush()) this.call!.pause()
  }

  /** The answer is complete. */
  answerEnd(trailers: Lines): void {
    if (this.over) return
    this.exchange.end(trailers)
    if (trailers !== '') this.tapping?.trailers(trailers)
    this.status = failureSaid(this.claim.replica, trailers) ?? this.status
    this.end(this.status >= 500 ? 'error-status' : 'ok')
  }

  serverDrained(): void {
    if (this.firstAt === 0 && this.ended === null) this.awaitBody()
    this.exchange.resume()
  }

  failed(how: CallFailure, error: Error): void {
    if (this.over) return
    if (this.firstAt > 0) return this.cutShort('cut')
    // A server may close a kept connection whenever it likes: that says nothing about its health.
    if (how === 'stale') return this.dial(true)
    const { replica } = this.claim
    this.forwarding.failed(replica.slot)
    // Refused: no byte of the request has left this machine. Else another replica may have it only where its service says so.
    if ((how === 'refused' || this.mayRepeat) && this.moveOn()) return this.dial(false)
    if (how === 'refused')
      return this.fail(
        'connect-failed',
        502,
        `${replica.id} accepts no connection (${error.message})`,
      )
    this.fail(
      'cut',
      502,
      `${replica.id} closed the connection without an answer (${error.message})`,
    )
  }

  private get mayRepeat(): boolean {
    return this.kept !== null && !this.exchange.upgrade
  }

  private moveOn(): boolean {
    const { service } = this.claim.table
    return this.tries < triesMax && this.forwarding.budget.spend(service) && this.claim.moveOn()
  }

  switched(fields: Fields, joined: Tunnel): void {
    if (this.over) return
    this.begin(101)
    this.dueAt = Infinity
    this.totalDueAt = Infinity
    const lines = switchedLines(fields, this.own(), this.forwarding.headers)
    this.exchange.respond(101, 'Switching Protocols', lines, 'none')
    this.tunnel = joined.join(this.exchange, (how) => this.end(how === 'ended' ? 'ok' : 'cut'))
  }

  body(bytes: Bytes): void {
    if (this.over) return
    this.bytesIn += bytes.length
    const { bodyMaxBytes } = this.claim.rules
    if (bodyMaxBytes !== null && this.bytesIn > bodyMaxBytes) this.tooLarge = true
    if (this.tooLarge) return
    if (this.kept !== null)
      // What came before it could be stopped is kept, too: nobody has it yet.
      this.kept = this.isConnected && this.bytesIn > keptMaxBytes ? null : this.kept + bytes
    if (this.isConnected) this.call!.write(bytes)
    this.copy?.body(bytes)
    this.tapping?.request(bytes)
  }

  bodyRead(): void {
    if (this.over) return
    const { rules, table } = this.claim
    if (this.tooLarge) return this.refuse(bodyTooLarge(table.service, rules.bodyMaxBytes))
    if (!this.isConnected) return this.exchange.pause()
    const isTaken = this.call!.flush()
    if (!isTaken) this.exchange.pause()
    if (this.firstAt > 0) return
    // A client that must wait is not late.
    if (isTaken && this.ended === null) this.awaitBody()
    else this.awaitAnswer()
  }

  bodyEnd(trailers: Lines): void {
    if (this.over || this.tooLarge) return
    this.ended = trailers
    if (this.isConnected) {
      if (this.firstAt === 0) this.awaitAnswer()
      this.call!.end(trailers)
    }
    this.copy?.send()
  }

  clientDrained(): void {
    if (!this.over) this.call?.resume()
  }

  clientGone(): void {
    // Two joined halves end by themselves, and say how.
    if (this.over || this.tunnel !== null) return
    this.call?.destroy()
    this.end('client-gone')
  }

  private begin(status: number): void {
    this.status = status
    this.firstAt = performance.now()
    this.forwarding.answered(this.claim.replica.slot)
  }

  private own(): Own {
    const { version, environment } = this.claim.environment
    return { version, environment, requestId: this.requestId }
  }

  /** The model's failure, told to the client in the gateway's words: nothing of an answer has been sent yet. */
  private fail(outcome: Outcome, status: number, title: string): void {
    if (this.over) return
    const hint = 'beryl status shows the replica and why'
    this.tell({ status, code: 'upstream-failed', title, hint }, '')
    this.end(outcome)
  }

  /** The gateway's own no, by the service's rules. */
  private refuse(refusal: Refusal): void {
    this.call?.destroy()
    if (this.firstAt > 0) return this.cutShort('refused')
    this.tell(refusal, refusal.status === 503 ? 'Retry-After: 1\r\n' : '')
    this.end('refused')
  }

  private tell({ status, code, title, hint }: Refusal, more: Lines): void {
    this.status = status
    this.exchange.answer(
      status,
      `Content-Type: application/problem+json\r\n${more}${ownLines(this.own(), this.forwarding.headers)}`,
      problemText(status, code, title, hint),
    )
  }

  /** The client must see that its answer is not whole. */
  private cutShort(outcome: Outcome): void {
    this.call?.destroy()
    this.exchange.destroy()
    this.end(outcome)
  }

  private end(outcome: Outcome): void {
    if (this.over) return
    this.over = true
    this.claim.release()
    this.copy?.orphaned()
    const { begun, firstAt, status } = this
    this.forwarding.ended(this, {
      outcome,
      status,
      firstByteMs: firstAt === 0 ? 0 : firstAt - begun,
      totalMs: performance.now() - begun,
    })
  }
}
