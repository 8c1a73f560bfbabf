/** Accepts connections, and ends those whose clients keep it waiting. One clock for all of them: no timer per connection. */
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { log } from '../../log.ts'
import { ClientSession } from '../http2/client-session.ts'
import { certificatesOf } from './certificates.ts'
import type { Certificates, Tls } from './certificates.ts'
import { ClientConnection } from './client-connection.ts'
import type { Acceptance } from './client-connection.ts'
import type { Acceptor, Exchange } from './wire.ts'

/** `fds`: bound sockets, one at least; they are this acceptor's from here on, and closed with it. */
export type ListenOn =
  | { fds: readonly number[] }
  | { host: string; port: number; reusePort: boolean }

export type Limits = {
  /** From a head's first byte to its last. */
  headMs: number
  /** A kept connection without a request; longer than the 60 s after which common load balancers let go. */
  idleMs: number
  /** A client that takes nothing of its answer. */
  blockedMs: number
  /** From a client's last byte to the first of its answer. Who only closed its half gets an answer that is near; who is gone must not keep a model at work. */
  halfClosedMs: number
  /** After the last answer, until the client closes its half. */
  lingerMs: number
  connectionsMax: number
}

const usual: Limits = {
  headMs: 30_000,
  idleMs: 75_000,
  blockedMs: 60_000,
  halfClosedMs: 1000,
  lingerMs: 2000,
  connectionsMax: 100_000,
}
/** Deadlines are kept to this; it costs a walk over all connections. */
const sweepMs = 1000
/** While this gateway leaves to another: a kept connection on which nothing was asked for so long is closed. */
const quietMs = 3000
/** A client that has not shaken hands by then. */
const handshakeMs = 10_000
/** What clients may choose from, the best first. */
const protocols = ['h2', 'http/1.1']
/** Connections that wait in the kernel while a gateway restarts. */
const backlogMax = 1024

export async function accept(
  on: ListenOn,
  handle: (exchange: Exchange) => void,
  limits: Partial<Limits> = {},
  { tls = null, refused = () => {} }: { tls?: Tls | null; refused?: Acceptance['refused'] } = {},
): Promise<Acceptor> {
  const { headMs, idleMs, blockedMs, halfClosedMs, lingerMs, connectionsMax } = {
    ...usual,
    ...limits,
  }
  const connections = new Set<ClientConnection>()
  const sessions = new Set<ClientSession>()
  let stopping = false
  /** Since when (ms, monotonic). */
  let leavingSince: number | null = null
  let gone = () => {}
  const acceptance: Acceptance = {
    handle,
    get stopping() {
      return stopping
    },
    get leaving() {
      return leavingSince !== null
    },
    left: (connection) => {
      connections.delete(connection)
      gone()
    },
    refused,
    http2,
  }
  const certificates = tls === null ? null : certificatesOf(tls)
  const servers: Server[] = []
  for (const at of 'fds' in on ? on.fds.map((fd) => ({ fd })) : [on]) servers.push(await listen(at))
  certificates?.renewed((context) => {
    for (const server of servers) (server as TlsServer).setSecureContext(context)
  })
  const clock = setInterval(sweep, Math.min(sweepMs, ...Object.values(limits).map((ms) => ms / 2)))
  clock.unref()
  const address = servers[0]!.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    renew: (pairs) => certificates!.renew(pairs),
    stop: async () => {
      stopping = true
      void Promise.all(servers.map(closed)).then(() => clearInterval(clock))
      for (const connection of connections)
        if (connection.waitsFor === 'request') connection.close()
      await Promise.all([...sessions].map((session) => session.leave()))
    },
    leave: async () => {
      leavingSince = performance.now()
      for (const session of sessions) void session.leave()
      // Handshakes under way become connections yet.
      await Promise.all(servers.map(closed))
      while (connections.size + sessions.size > 0) await new Promise<void>((act) => (gone = act))
    },
  }

  async function listen(at: { fd: number } | { host: string; port: number }): Promise<Server> {
    const server = certificates === null ? openServer() : openTlsServer(certificates)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ ...at, backlog: backlogMax }, resolve)
    })
    server.removeAllListeners('error')
    // Too many descriptors, and the like: those who come later may find room.
    server.on('error', (error) =>
      log.error({ error: error.message }, 'a connection could not be accepted'),
    )
    return server
  }

  function openServer(): Server {
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true }
    return createServer(options, (socket: Socket) => {
      if (isFull()) socket.destroy()
      else connections.add(new ClientConnection(socket, acceptance))
    })
  }

  function openTlsServer(shown: Certificates): Server {
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      handshakeTimeout: handshakeMs,
      ALPNProtocols: protocols,
      ...shown.options,
    }
    const opened = createTlsServer(options, (socket: TLSSocket) => {
      if (isFull()) socket.destroy()
      else if (socket.alpnProtocol === 'h2') http2(socket, true)
      else connections.add(new ClientConnection(socket, acceptance, true))
    })
    // Whoever does not get through the handshake never was a client.
    opened.on('tlsClientError', () => {})
    // Handshakes under way count as well.
    opened.maxConnections = connectionsMax
    return opened
  }

  function isFull(): boolean {
    return connections.size + sessions.size >= connectionsMax
  }

  function http2(socket: Socket, secure: boolean): void {
    sessions.add(
      new ClientSession(socket, secure, {
        handle,
        left: (session) => {
          sessions.delete(session)
          gone()
        },
        isLeaving: () => leavingSince !== null,
        refused,
      }),
    )
  }

  function isQuiet(now: number, { since }: ClientConnection): boolean {
    return leavingSince !== null && now - Math.max(since, leavingSince) > quietMs
  }

  function sweep(): void {
    const now = performance.now()
    const patience =
      leavingSince === null
        ? { headMs, idleMs, blockedMs, lingerMs }
        : { headMs: quietMs, idleMs: quietMs, blockedMs, lingerMs }
    for (const session of sessions) session.sweep(now, patience)
    for (const connection of connections) {
      const waited = now - connection.since
      if (connection.blockedSince > 0 && now - connection.blockedSince > blockedMs)
        connection.link.destroy()
      else if (connection.waitsFor === 'head' && waited > headMs)
        connection.refuse({
          status: 408,
          because: `a head that took longer than ${headMs / 1000} s`,
        })
      else if (connection.waitsFor === 'request' && waited > idleMs) connection.close()
      else if (connection.waitsFor === 'request' && isQuiet(now, connection)) connection.close()
      else if (connection.lingers) {
        if (waited > lingerMs) connection.link.destroy()
      } else if (connection.mayBeGone && now - connection.halfClosedSince > halfClosedMs)
        connection.link.destroy()
    }
  }
}

/** Its connections, too. */
function closed(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve))
}
