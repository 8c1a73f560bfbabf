/** The walk of one claimed request: to the replica and back, both ways with backpressure. The only file that talks to an upstream. */
import type { Claim } from './claim.ts'
import type { Observation } from './control.ts'
import { answerLines, ownLines, requestLines, switchedLines } from './headers.ts'
import type { Own } from './headers.ts'
import { problemText } from './problems.ts'
import { without } from './wire/body-reader.ts'
import type { Call, CallListener, Exchange, ExchangeListener, Upstream } from './wire/wire.ts'

export type Outcome = Observation['outcome']

export type Ended = { outcome: Outcome; status: number; firstByteMs: number; totalMs: number }

export type Forwarding = {
  upstream: Upstream
  headers: 'full' | 'id'
  /** A replica refused the connection, or cut it before the first byte: health hears of it at once. */
  failed(slot: number): void
  answered(slot: number): void
}

export type Flight = { cut(): void }

/** From the end of the connection to the first byte of the answer. */
export const firstByteMs = 60_000
/** Between two pieces of an answer. */
const silenceMs = 300_000

/** Calls `ended` exactly once, and the claim is released before. */
export function forward(
  exchange: Exchange,
  claim: Claim,
  requestId: string,
  with_: Forwarding,
  ended: (result: Ended) => void,
): Flight {
  const { upstream, headers: say } = with_
  const begun = performance.now()
  const own: Own = {
    version: claim.environment.version,
    environment: claim.environment.environment,
    requestId,
  }
  let call: Call
  let status = 0
  let firstAt = 0
  let over = false
  let reading = false
  let tunnel: { destroy(): void } | null = null
  let limit: NodeJS.Timeout | null = null

  const end = (outcome: Outcome) => {
    if (over) return
    over = true
    if (limit !== null) clearTimeout(limit)
    claim.release()
    const now = performance.now()
    ended({
      outcome,
      status,
      firstByteMs: firstAt === 0 ? 0 : firstAt - begun,
      totalMs: now - begun,
    })
  }
  const expectWithin = (ms: number, late: () => void) => {
    if (limit !== null) clearTimeout(limit)
    limit = setTimeout(late, ms)
  }
  /** The model's failure, told to the client in the gateway's words: nothing of an answer has been sent yet. */
  const fail = (outcome: Outcome, code: number, title: string) => {
    if (over) return
    status = code
    exchange.answer(
      code,
      `Content-Type: application/problem+json\r\n${ownLines(own, say)}`,
      problemText(code, 'upstream-failed', title, 'beryl status shows the replica and why'),
    )
    end(outcome)
  }
  const server: CallListener = {
    connected: () => {
      expectWithin(firstByteMs, () => {
        call.destroy()
        fail('deadline', 504, `${claim.replica.id} sent nothing in ${firstByteMs / 1000} s`)
      })
      if (exchange.body === 'none' || reading) return
      reading = true
      exchange.readBody()
    },
    interim: (code, { lines, dropped }) => exchange.interim(code, without(lines, dropped)),
    head: (code, reason, fields, body) => {
      if (over) return
      status = code
      firstAt = performance.now()
      with_.answered(claim.replica.slot)
      expectWithin(silenceMs, () => cutShort('deadline'))
      exchange.respond(code, reason, answerLines(fields, own, say), body)
    },
    data: (chunk) => {
      if (over) return
      exchange.write(chunk)
    },
    dataRead: () => {
      if (over) return
      limit?.refresh()
      if (!exchange.flush()) call.pause()
    },
    end: (trailers) => {
      if (over) return
      exchange.end(trailers)
      end(status >= 500 ? 'error-status' : 'ok')
    },
    failed: (how, error) => {
      if (over) return
      if (firstAt > 0) return cutShort('cut')
      // A server may close a kept connection whenever it likes: that says nothing about its health.
      if (how === 'stale') return dial(true)
      with_.failed(claim.replica.slot)
      // No byte of the request has left this machine: another replica of the same environment may have it.
      if (how === 'refused' && claim.moveOn()) return dial(false)
      fail(
        how === 'refused' ? 'connect-failed' : 'cut',
        502,
        `${claim.replica.id} ${how === 'refused' ? 'accepts no connection' : 'closed the connection without an answer'} (${error.message})`,
      )
    },
    serverDrained: () => exchange.resume(),
    switched: (fields, joined) => {
      if (over) return
      status = 101
      firstAt = performance.now()
      if (limit !== null) clearTimeout(limit)
      with_.answered(claim.replica.slot)
      exchange.respond(101, 'Switching Protocols', switchedLines(fields, own, say), 'none')
      tunnel = joined.join(exchange, (how) => end(how === 'ended' ? 'ok' : 'cut'))
    },
  }

  /** The client must see that its answer is not whole. */
  function cutShort(outcome: Outcome): void {
    if (over) return
    call.destroy()
    exchange.destroy()
    end(outcome)
  }

  function dial(fresh: boolean): void {
    const { method, target, upgrade, body } = exchange
    const request = { method, target, lines: requestLines(exchange), body, upgrade, fresh }
    call = upstream.call(claim.replica, request, server)
    call.begin()
  }

  const client: ExchangeListener = {
    body: (chunk) => {
      if (!over) call.write(chunk)
    },
    bodyRead: () => {
      if (over) return
      limit?.refresh()
      if (!call.flush()) exchange.pause()
    },
    bodyEnd: (trailers) => {
      if (!over) call.end(trailers)
    },
    clientDrained: () => {
      if (!over) call.resume()
    },
    clientGone: () => {
      // Two joined halves end by themselves, and say how.
      if (over || tunnel !== null) return
      call.destroy()
      end('client-gone')
    },
  }

  exchange.hear(client)
  dial(false)
  return {
    cut: () => {
      if (over) return
      call.destroy()
      tunnel?.destroy()
      exchange.destroy()
      end('void')
    },
  }
}
