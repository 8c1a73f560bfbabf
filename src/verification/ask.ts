/** Sends one test request to a replica: kept connections, a time limit, a bounded answer. */
import { Agent, request } from 'node:http'
import type { ClientRequest } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import type { RequestShape } from './gate.ts'
import { timerMs } from './timer-ms.ts'

/** `ms` is from the first byte sent to the last byte received, or to the last one of a piece of the body. */
export type Answered = {
  status: number
  body: string
  pieces: readonly { text: string; ms: number }[]
  ms: number
}

export type Asker = {
  /** @throws NoAnswer: no connection, no whole answer in time, cut, too large. The reason of `signal` once that is aborted. */
  ask(address: string, body: unknown, timeoutS?: number): Promise<Answered>
  /** Cuts what is under way. */
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

const answerMaxBytes = 16 * 1024 * 1024
/**
 * An idle connection is closed before common servers do it (5 s and more): a request on one that the server closes at
 * the same moment would be lost, and counted against a model that did nothing wrong. A retry would hide real cuts.
 */
const idleMs = 1000

/** @param purpose goes along as `Beryl-Test`, so that billing can leave the request out */
export function askerOf(
  shape: RequestShape,
  { purpose, connections, signal }: { purpose: string; connections: number; signal: AbortSignal },
): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, timeout: idleMs })
  // One listener for all: an AbortSignal that lives long must not collect one for each request.
  const open = new Set<ClientRequest>()
  const cutAll = () => {
    for (const outgoing of open) outgoing.destroy(new Error('the gate is over'))
  }
  signal.addEventListener('abort', cutAll, { once: true })
  let closed = false
  return {
    async ask(address, body, timeoutS = shape.timeoutS) {
      signal.throwIfAborted()
      if (closed) throw new NoAnswer('the gate is over', false)
      try {
        return await send(agent, shape, { purpose, address, body, timeoutS, open })
      } catch (error) {
        signal.throwIfAborted()
        throw error
      }
    },
    close() {
      closed = true
      signal.removeEventListener('abort', cutAll)
      cutAll()
      agent.destroy()
    },
  }
}

type Sending = {
  purpose: string
  address: string
  body: unknown
  timeoutS: number
  open: Set<ClientRequest>
}

function send(
  agent: Agent,
  { method, path, headers }: RequestShape,
  { purpose, address, body, timeoutS, open }: Sending,
): Promise<Answered> {
  const text = body === undefined || method === 'GET' ? '' : JSON.stringify(body)
  const begun = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const outgoing = request(`http://${address}${path}`, {
    method,
    agent,
    headers: {
      ...(text === '' ? {} : { 'content-type': 'application/json' }),
      ...headers,
      'content-length': Buffer.byteLength(text),
      'beryl-test': purpose,
    },
  })
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
    const pieces: { text: string; ms: number }[] = []
    const decoder = new StringDecoder()
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= answerMaxBytes)
        pieces.push({ text: decoder.write(chunk), ms: performance.now() - begun })
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
      const ms = performance.now() - begun
      pieces.push({ text: decoder.end(), ms })
      const body = pieces.map(({ text }) => text).join('')
      resolve({ status: incoming.statusCode ?? 0, body, pieces, ms })
    })
  })
  outgoing.end(text)
  return promise.finally(() => {
    clearTimeout(limit)
    open.delete(outgoing)
  })
}
