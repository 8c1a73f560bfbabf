/** The walk of one claimed request: to the replica and back, both ways with backpressure. The only file that talks to an upstream. */
import type { Claim } from './claim.ts'
import type { Observation } from './control.ts'
import { answerLines, ownLines, requestLines, switchedLines } from './headers.ts'
import type { Own } from './headers.ts'
import { grpcFailure } from './http2/grpc.ts'
import { problemText } from './problems.ts'
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
  /** Called exactly once for each flight, after its claim was released. */
  ended(flight: Flight, result: Ended): void
}

/** From the end of the connection, or the last piece of the request, to the first byte of the answer. */
export const firstByteMs = 60_000
/** Between two pieces of an answer. */
const silenceMs = 300_000

export function forward(
  exchange: Exchange,
  claim: Claim,
  requestId: string,
  forwarding: Forwarding,
): Flight {
  const flight = new Flight(exchange, claim, requestId, forwarding)
  exchange.hear(flight)
  flight.dial(false)
  return flight
}

/** One object hears both sides: no closure and no timer per request; `expire` is asked by a clock for all of them. */
export class Flight implements CallListener, ExchangeListener {
  readonly exchange: Exchange
  readonly claim: Claim
  readonly requestId: string
  private readonly forwarding: Forwarding
  private readonly begun = performance.now()
  private call: Call | null = null
  private status = 0
  private firstAt = 0
  private over = false
  private reading = false
  private tunnel: { destroy(): void } | null = null
  /** Monotonic, ms; nothing is waited for at Infinity. */
  private dueAt = Infinity

  constructor(exchange: Exchange, claim: Claim, requestId: string, forwarding: Forwarding) {
    this.exchange = exchange
    this.claim = claim
    this.requestId = requestId
    this.forwarding = forwarding
  }

  /** @param fresh not over a kept connection */
  dial(fresh: boolean): void {
    const { method, target, upgrade, body } = this.exchange
    const request = { method, target, lines: requestLines(this.exchange), body, upgrade, fresh }
    this.call = this.forwarding.upstream.call(this.claim.replica, request, this)
    this.call.begin()
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
    if (now < this.dueAt || this.over) return
    if (this.firstAt > 0) return this.cutShort('deadline')
    this.call?.destroy()
    this.fail('deadline', 504, `${this.claim.replica.id} sent nothing in ${firstByteMs / 1000} s`)
  }

  connected(): void {
    this.dueAt = performance.now() + firstByteMs
    if (this.exchange.body === 'none' || this.reading) return
    this.reading = true
    this.exchange.readBody()
  }

  interim(status: number, { lines, dropped }: Fields): void {
    this.exchange.interim(status, without(lines, dropped))
  }

  head(status: number, reason: string, fields: Fields, body: Body): void {
    if (this.over) return
    this.begin(this.said(fields.lines) ?? status)
    this.dueAt = this.firstAt + silenceMs
    const lines = answerLines(fields, this.own(), this.forwarding.headers)
    this.exchange.respond(status, reason, lines, body)
  }

  data(bytes: Bytes): void {
    if (!this.over) this.exchange.write(bytes)
  }

  dataRead(): void {
    if (this.over) return
    this.dueAt = performance.now() + silenceMs
    if (!this.exchange.flush()) this.call!.pause()
  }

  /** The answer is complete. */
  answerEnd(trailers: Lines): void {
    if (this.over) return
    this.exchange.end(trailers)
    this.status = this.said(trailers) ?? this.status
    this.end(this.status >= 500 ? 'error-status' : 'ok')
  }

  /** gRPC says 200, and then, behind the answer or in place of it, that it failed. */
  private said(lines: Lines): number | null {
    return this.claim.replica.speaks === 'grpc' ? grpcFailure(lines) : null
  }

  serverDrained(): void {
    this.exchange.resume()
  }

  failed(how: CallFailure, error: Error): void {
    if (this.over) return
    if (this.firstAt > 0) return this.cutShort('cut')
    // A server may close a kept connection whenever it likes: that says nothing about its health.
    if (how === 'stale') return this.dial(true)
    const { replica } = this.claim
    this.forwarding.failed(replica.slot)
    if (how === 'cut') {
      const title = `${replica.id} closed the connection without an answer (${error.message})`
      return this.fail('cut', 502, title)
    }
    // No byte of the request has left this machine: another replica of the same environment may have it.
    if (this.claim.moveOn()) return this.dial(false)
    this.fail('connect-failed', 502, `${replica.id} accepts no connection (${error.message})`)
  }

  switched(fields: Fields, joined: Tunnel): void {
    if (this.over) return
    this.begin(101)
    this.dueAt = Infinity
    const lines = switchedLines(fields, this.own(), this.forwarding.headers)
    this.exchange.respond(101, 'Switching Protocols', lines, 'none')
    this.tunnel = joined.join(this.exchange, (how) => this.end(how === 'ended' ? 'ok' : 'cut'))
  }

  body(bytes: Bytes): void {
    if (!this.over) this.call!.write(bytes)
  }

  bodyRead(): void {
    if (this.over) return
    if (this.firstAt === 0) this.dueAt = performance.now() + firstByteMs
    if (!this.call!.flush()) this.exchange.pause()
  }

  bodyEnd(trailers: Lines): void {
    if (!this.over) this.call!.end(trailers)
  }

  clientDrained(): void {
    if (!this.over) this.call!.resume()
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
    this.status = status
    this.exchange.answer(
      status,
      `Content-Type: application/problem+json\r\n${ownLines(this.own(), this.forwarding.headers)}`,
      problemText(status, 'upstream-failed', title, 'beryl status shows the replica and why'),
    )
    this.end(outcome)
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
    const { begun, firstAt, status } = this
    this.forwarding.ended(this, {
      outcome,
      status,
      firstByteMs: firstAt === 0 ? 0 : firstAt - begun,
      totalMs: performance.now() - begun,
    })
  }
}
