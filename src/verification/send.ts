/** Sends requests to replicas and hears whole answers: kept connections, a time limit, a bounded answer, and always an end. */
import { Agent, request } from 'node:http'
import type { ClientRequest, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'
import { renamed } from '../protocols/renamed.ts'
import type { Renames } from '../protocols/renamed.ts'
import { peerOptions, peerTrouble } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'
import type { Target } from './gate.ts'
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

export type LineOptions = {
  /** At most so many to one address; further requests wait. */
  connections: number
  signal: AbortSignal
  /** Whose addresses are asked, and how each is spoken to; others are in plain HTTP/1.1. */
  targets?: readonly Target[]
}

export function lineOf({ connections, signal, targets = [] }: LineOptions) {
  const options = { keepAlive: true, maxSockets: connections, timeout: idleMs }
  const agents = { plain: new Agent(options), secure: new SecureAgent(options) }
  const known = new Map(
    targets.flatMap((target) => target.addresses.map((one) => [one, target] as const)),
  )
  // One listener for all: an AbortSignal that lives long must not collect one for each request.
  const open = new Set<ClientRequest>()
  const cutAll = () => {
    for (const outgoing of open) outgoing.destroy(new Error('the gate is over'))
  }
  signal.addEventListener('abort', cutAll, { once: true })
  let closed = false
  let renamedCount = 0
  return {
    /** Requests that named the other version, and were sent with the name that this one goes by. */
    get renamed() {
      return renamedCount
    },
    /** @throws NoAnswer: no connection, no whole answer in time, cut, too large. The reason of `signal` once that is aborted. */
    async send(sent: Sent, address: string, timeoutS: number): Promise<Received> {
      signal.throwIfAborted()
      if (closed) throw new NoAnswer('the gate is over', false)
      try {
        const { reach, renames } = known.get(address) ?? {}
        const other = renames === undefined ? null : inOtherWords(sent, renames)
        if (other !== null) renamedCount++
        return await exchange(agents, other ?? sent, { address, tls: reach?.tls, timeoutS, open })
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
      agents.plain.destroy()
      agents.secure.destroy()
    },
  }
}

/** Null where it names nothing that this version calls otherwise. */
function inOtherWords(sent: Sent, renames: Renames): Sent | null {
  const other = renamed({ target: sent.target, body: Buffer.from(sent.body) }, renames)
  if (other === null) return null
  const { headers } = sent
  // A body's length is the only header that changes with it; a list is written by hand, length and all.
  if (isList(headers)) return null
  return { ...sent, ...other, headers: { ...headers, 'content-length': other.body.length } }
}

function isList(headers: Sent['headers']): headers is readonly string[] {
  return Array.isArray(headers)
}

function exchange(
  agents: { plain: Agent; secure: SecureAgent },
  { method, target, headers, body }: Sent,
  {
    address,
    tls,
    timeoutS,
    open,
  }: { address: string; tls: Peer | undefined; timeoutS: number; open: Set<ClientRequest> },
): Promise<Received> {
  const begun = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  const { hostname, port } = new URL(`http://${address}`)
  const asked = { host: hostname.replace(/^\[|\]$/g, ''), port, path: target, method, headers }
  const outgoing =
    tls === undefined
      ? request({ ...asked, agent: agents.plain })
      : requestSecurely({ ...asked, agent: agents.secure, ...peerOptions(tls, asked.host) })
  const limit = setTimeout(
    () => outgoing.destroy(new NoAnswer(`no whole answer in ${timeoutS} s`, true)),
    timerMs(timeoutS),
  )
  const broken = (cause: Error) =>
    reject(cause instanceof NoAnswer ? cause : new NoAnswer(peerTrouble(cause), false, { cause }))
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
