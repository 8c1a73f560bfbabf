/** Sends requests to replicas and hears whole answers: kept connections, a time limit, a bounded answer, and always an end. */
import { Agent, request } from 'node:http'
import type { ClientRequest, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { timerMs } from './timer-ms.ts'

export type Sent = {
  method: string
  /** Path and query. */
  target: string
  headers: OutgoingHttpHeaders | readonly string[]
  body: string | Buffer
}

/** Times in ms from the first byte sent. */
export type Received = {
  status: number
  headers: IncomingHttpHeaders
  chunks: readonly { bytes: Buffer; ms: number }[]
  ms: number
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

const answerMaxBytes = 16 * 1024 * 1024

/**
 * An idle connection is closed before common servers do it (5 s and more): a request on one that the server closes at
 * the same moment would be lost, and counted against a model that did nothing wrong. A retry would hide real cuts.
 */
const idleMs = 1000

export type Line = ReturnType<typeof lineOf>

/** @param connections at most so many to one address; further requests wait */
export function lineOf({ connections, signal }: { connections: number; signal: AbortSignal }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, timeout: idleMs })
  // One listener for all: an AbortSignal that lives long must not collect one for each request.
  const open = new Set<ClientRequest>()
  const cutAll = () => {
    for (const outgoing of open) outgoing.destroy(new Error('the gate is over'))
  }
  signal.addEventListener('abort', cutAll, { once: true })
  let closed = false
  return {
    /** @throws NoAnswer: no connection, no whole answer in time, cut, too large. The reason of `signal` once that is aborted. */
    async send(sent: Sent, address: string, timeoutS: number): Promise<Received> {
      signal.throwIfAborted()
      if (closed) throw new NoAnswer('the gate is over', false)
      try {
        return await exchange(agent, sent, { address, timeoutS, open })
      } catch (error) {
        signal.throwIfAborted()
        throw error
      }
    },
    /** Cuts what is under way. */
    close(): void {
      closed = true
      signal.removeEventListener('abort', cutAll)
      cutAll()
      agent.destroy()
    },
  }
}

function exchange(
  agent: Agent,
  { method, target, headers, body }: Sent,
  { address, timeoutS, open }: { address: string; timeoutS: number; open: Set<ClientRequest> },
): Promise<Received> {
  const begun = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  const { hostname, port } = new URL(`http://${address}`)
  const outgoing = request({ hostname, port, path: target, method, agent, headers })
  const limit = setTimeout(
    () => outgoing.destroy(new NoAnswer(`no whole answer in ${timeoutS} s`, true)),
    timerMs(timeoutS),
  )
  const broken = (cause: Error) =>
    reject(cause instanceof NoAnswer ? cause : new NoAnswer(cause.message, false, { cause }))
  open.add(outgoing)
  let answering = false
  outgoing.on('close', () => {
    // An upgrade that nobody asked for ends so, without an error. Where an answer has begun, this may come before its end.
    if (!answering) broken(new Error('the connection was closed without an answer'))
  })
  outgoing.on('error', broken)
  outgoing.on('response', (incoming) => {
    answering = true
    const chunks: { bytes: Buffer; ms: number }[] = []
    let size = 0
    incoming.on('data', (bytes: Buffer) => {
      size += bytes.length
      if (size <= answerMaxBytes) chunks.push({ bytes, ms: performance.now() - begun })
      else
        outgoing.destroy(new NoAnswer(`the answer is larger than ${answerMaxBytes} bytes`, false))
    })
    // Destroyed by us or cut by the other side: `outgoing` knows which.
    incoming.on('error', () =>
      broken(
        outgoing.errored ?? new Error('the connection was closed in the middle of the answer'),
      ),
    )
    incoming.on('end', () => {
      const { statusCode: status = 0, headers: answered } = incoming
      resolve({ status, headers: answered, chunks, ms: performance.now() - begun })
    })
  })
  outgoing.end(body)
  return promise.finally(() => {
    clearTimeout(limit)
    open.delete(outgoing)
  })
}
