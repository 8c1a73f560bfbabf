/** Sends requests to replicas and hears whole answers: kept connections, a time limit, a bounded answer, and always an end. */
import { renamed } from '../protocols/renamed.ts'
import type { Renames } from '../protocols/renamed.ts'
import type { Target } from './gate.ts'
import { fromCall, toCall } from './grpc/sending.ts'
import { NoAnswer } from './wire/exchange.ts'
import type { Received, Sent, Way } from './wire/exchange.ts'
import { openHttp1 } from './wire/http1.ts'
import { openHttp2 } from './wire/http2.ts'

export type Line = ReturnType<typeof lineOf>

export type LineOptions = {
  /** At most so many requests to one address; further ones wait. */
  connections: number
  signal: AbortSignal
  /** Whose addresses are asked, and how each is spoken to; others are in plain HTTP/1.1. */
  targets?: readonly Target[]
}

export function lineOf({ connections, signal, targets = [] }: LineOptions) {
  const http1 = openHttp1(connections)
  const http2 = openHttp2(connections)
  const known = new Map(
    targets.flatMap((target) => target.addresses.map((one) => [one, target] as const)),
  )
  // One listener for all: an AbortSignal that lives long must not collect one for each request.
  const cutAll = () => {
    const why = new Error('the gate is over')
    http1.cut(why)
    http2.cut(why)
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
        const asked = other ?? sent
        const way: Way = reach?.speaks === undefined ? http1 : http2
        const to = { ...placeOf(address), tls: reach?.tls, timeoutS }
        if (reach?.speaks !== 'grpc') return await way.exchange(asked, to)
        return fromCall(await way.exchange(toCall(asked), to), asked.target)
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
      http1.close()
      http2.close()
    },
  }
}

function placeOf(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(`http://${address}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) }
}

/** Null where it names nothing that this version calls otherwise. */
function inOtherWords(sent: Sent, renames: Renames): Sent | null {
  const other = renamed({ target: sent.target, body: Buffer.from(sent.body) }, renames)
  if (other === null) return null
  return { ...sent, ...other, headers: { ...sent.headers, 'content-length': other.body.length } }
}
