/** A gateway of one worker without its main thread: real sockets in front, a scripted model server behind, the real walk between. */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import type { Peer } from '../../tls/peer.ts'
import { openBudget } from '../budget.ts'
import type { Claim } from '../claim.ts'
import { forward } from '../forward.ts'
import { openUpstreams } from '../upstreams.ts'
import type { Ended, Flight } from '../forward.ts'
import { usualRules } from '../rules.ts'
import { accept } from '../wire/accept.ts'
import type { Limits } from '../wire/accept.ts'
import type { Tls } from '../wire/certificates.ts'
import type { Kept } from '../wire/wire.ts'

/** A model server over TLS: how it is, and how it must prove who it is. */
export type Behind = { server: TlsOptions; peer: Peer }

export type Pair = Awaited<ReturnType<typeof openPair>>

/** @param serve what the model server does with each connection @param speaks what the gateway takes it to speak */
export async function openPair(
  serve: (socket: Socket) => void,
  limits: Partial<Limits> = {},
  speaks?: 'http2' | 'grpc',
  tls: Tls | null = null,
  behind: Behind | null = null,
  kept?: Kept,
) {
  const sockets = new Set<Socket>()
  const all = new Set<Socket>()
  const accepted = (socket: Socket) => {
    sockets.add(socket)
    all.add(socket)
    socket.on('error', () => {})
    socket.on('end', () => sockets.delete(socket))
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  }
  const server = (
    behind === null
      ? createServer({ allowHalfOpen: true }, accepted)
      : createTlsServer({ allowHalfOpen: true, handshakeTimeout: 200, ...behind.server }, accepted)
  ).listen(0, '127.0.0.1')
  // Whoever did not like what it was shown has gone, and is noticed by the time limit.
  server.on('tlsClientError', (_: Error, socket: Socket) => socket.destroy())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const upstream = openUpstreams()
  const ended: Ended[] = []
  let waiting: (() => void)[] = []
  const flights = new Set<Flight>()
  const handlers = {
    upstream,
    headers: 'full' as const,
    failed: () => {},
    answered: () => {},
    budget: openBudget(),
    mirror: () => {},
    tap: { isOn: false, begin: () => {} },
    tracing: { isOn: false, begin: () => null },
    wait: () => {},
    ended: (_: Flight, result: Ended) => {
      ended.push(result)
      for (const wake of waiting) wake()
    },
  }
  const acceptor = await accept(
    { host: '127.0.0.1', port: 0, reusePort: false },
    (exchange) => {
      const replica = { id: 'r', host: '127.0.0.1', port, slot: 0, speaks, tls: behind?.peer, kept }
      const claim = {
        environment: { environment: 'blue', version: 'v1', release: 'r1', replicas: [replica] },
        replica,
        rules: usualRules,
        table: { service: 's', rules: usualRules, copies: null },
        release: () => {},
        moveOn: () => false,
      } as unknown as Claim
      flights.add(forward(exchange, claim, 'id', handlers))
    },
    limits,
    { tls },
  )
  const clients = new Set<Socket>()

  return {
    port: acceptor.port,
    ended,
    acceptor,
    /** Open connections to the model server. */
    behind: sockets,
    /** Waits until so many exchanges have ended. */
    settled: async (count: number) => {
      while (ended.length < count) await new Promise<void>((resolve) => (waiting = [resolve]))
      return ended
    },
    /** A raw connection: what it is told, as text with one character a byte. */
    dial: async () => {
      const socket = connect({
        port: acceptor.port,
        host: '127.0.0.1',
        allowHalfOpen: true,
        noDelay: true,
      })
      clients.add(socket)
      let said = ''
      let closed = false
      let wake = () => {}
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1')
        wake()
      })
      for (const event of ['end', 'close', 'error'] as const)
        socket.on(event, () => {
          closed = true
          wake()
        })
      await new Promise((resolve) => socket.once('connect', resolve))
      const until = async (what: (said: string) => boolean) => {
        while (!what(said)) {
          if (closed) throw new Error(`closed after: ${JSON.stringify(said)}`)
          await new Promise<void>((resolve) => (wake = resolve))
        }
        return said
      }
      return {
        socket,
        said: () => said,
        send: (bytes: string) => socket.write(bytes, 'latin1'),
        until,
        /** All that is said until the gateway closes the connection. */
        rest: async () => {
          while (!closed) await new Promise<void>((resolve) => (wake = resolve))
          return said
        },
      }
    },
    close: async () => {
      for (const socket of clients) socket.destroy()
      await acceptor.stop()
      upstream.close()
      for (const socket of all) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Reads whole requests (by Content-Length or chunks) and answers each with what `answer` says, raw. */
export function answering(answer: (request: string, socket: Socket) => string | null) {
  return (socket: Socket) => {
    let held = ''
    socket.on('data', (chunk) => {
      held += chunk.toString('latin1')
      for (;;) {
        const end = endOf(held)
        if (end === -1) return
        const request = held.slice(0, end)
        held = held.slice(end)
        const text = answer(request, socket)
        if (text !== null) socket.write(text, 'latin1')
      }
    })
    socket.on('end', () => socket.end())
  }
}

function endOf(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return -1
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head))
  if (length !== null) {
    const end = head + 4 + Number(length[1])
    return text.length >= end ? end : -1
  }
  if (!/^transfer-encoding: *chunked/im.test(text.slice(0, head))) return head + 4
  const last = /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(head + 2))
  return last === null ? -1 : head + 2 + last.index + last[0].length
}

export function ok(body: string, lines = ''): string {
  return `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`
}
