/** What is sent to a replica, what is received, and the shape of every way there (`http1.ts`, `http2.ts`). */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Peer } from '../../tls/peer.ts'

export type Sent = {
  method: string
  /** Path and query. */
  target: string
  headers: OutgoingHttpHeaders
  body: string | Buffer
}

/** Times in ms from the first byte sent. */
export type Received = {
  status: number
  /** Where a protocol has words of its own for how it ended. */
  says?: string
  headers: IncomingHttpHeaders
  /** Behind the body; HTTP/2 only. */
  trailers?: IncomingHttpHeaders
  chunks: readonly { bytes: Buffer; ms: number }[]
  ms: number
}

export type To = {
  host: string
  port: number
  /** How it proves who it is; undefined: nothing is encrypted. */
  tls: Peer | undefined
  timeoutS: number
}

/** Kept connections to any number of addresses. */
export type Way = {
  /** @throws NoAnswer */
  exchange(sent: Sent, to: To): Promise<Received>
  /** What is under way fails with this. */
  cut(why: Error): void
  close(): void
}

export class NoAnswer extends Error {
  override name = 'NoAnswer'
  /** It did not fail; it took too long. */
  readonly late: boolean
  constructor(message: string, late: boolean, options?: { cause?: unknown }) {
    super(message, options)
    this.late = late
  }
}

export const answerMaxBytes = 16 * 1024 * 1024

/**
 * An idle connection is closed before common servers do it (5 s and more): a request on one that the server closes at
 * the same moment would be lost, and counted against a model that did nothing wrong. A retry would hide real cuts.
 */
export const idleMs = 1000

export function tooLate(timeoutS: number): NoAnswer {
  return new NoAnswer(`no whole answer in ${timeoutS} s`, true)
}

export function tooLarge(): NoAnswer {
  return new NoAnswer(`the answer is larger than ${answerMaxBytes} bytes`, false)
}
