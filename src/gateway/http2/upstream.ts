/** Connections to model servers that speak HTTP/2, by prior knowledge or over TLS by ALPN: few per replica, each with many calls. */
import { peerKey } from '../../tls/peer.ts'
import type { Server, Upstream } from '../wire/wire.ts'
import { ServerSession } from './server-session.ts'
import type { SessionHooks } from './server-session.ts'
import { StreamCall } from './stream-call.ts'

/** From the beginning to the server's first word. A model server on a machine that answers at all is far quicker. */
const connectMs = 2000
/** With 100 calls on each: far more than a model server works on at once. */
const sessionsPerReplicaMax = 16
const sweepMs = 1000

export function openHttp2Upstream(): Upstream {
  const sessions = new Map<string, ServerSession[]>()
  const clock = setInterval(sweep, sweepMs)
  clock.unref()

  return {
    call: (to, request, listener) =>
      new StreamCall(to, request, listener, (call, fresh) => find(to, call, fresh)),
    close: () => {
      clearInterval(clock)
      for (const session of [...sessions.values()].flat()) session.destroy()
    },
  }

  function find(to: Server, call: StreamCall, fresh: boolean): void {
    const key = `${to.host}:${to.port}${peerKey(to.tls)}`
    const here = sessions.get(key) ?? []
    const kept = fresh ? undefined : here.find(({ room }) => room > 0)
    if (kept?.isReady === true) return call.start(kept)
    if (kept !== undefined) return void kept.waiting.push(call)
    // Those that end what they carry, and take no more, are nobody's room.
    const open = here.filter(({ isLeaving }) => !isLeaving).length
    if (open >= sessionsPerReplicaMax)
      return call.fail('refused', new Error(`its ${open} connections are full`))
    const session = dial(to, call, {
      left: (one) => leave(key, one),
      ready: (one) => {
        const { waiting } = one
        one.waiting = []
        // More may wait than the server takes on one connection.
        for (const each of waiting)
          if (one.room > 0) each.start(one)
          else find(to, each, false)
      },
    })
    if (session === null) return
    session.waiting.push(call)
    sessions.set(key, [...here, session])
  }

  function leave(key: string, session: ServerSession): void {
    const left = (sessions.get(key) ?? []).filter((one) => one !== session)
    if (left.length === 0) sessions.delete(key)
    else sessions.set(key, left)
    const why = session.error ?? new Error('it closed the connection')
    const hint = session.isReady ? why : hinted(why)
    for (const call of session.waiting.splice(0)) call.fail('refused', hint)
  }

  function sweep(): void {
    const now = performance.now()
    for (const session of [...sessions.values()].flat())
      if (!session.isReady && now - session.begunAt > connectMs)
        session.destroy(new Error(`no word of HTTP/2 in ${connectMs} ms`))
      else if (session.isStale(now)) session.close()
  }
}

function dial(to: Server, call: StreamCall, hooks: SessionHooks): ServerSession | null {
  try {
    return new ServerSession(to, hooks)
  } catch (error) {
    call.fail('refused', error as Error)
    return null
  }
}

/** What a server of HTTP/1.1 says is no frame. */
function hinted(why: Error): Error {
  if ((why as NodeJS.ErrnoException).code !== 'ERR_HTTP2_ERROR') return why
  return new Error(
    `${why.message}: does it speak HTTP/2, as the manifest says (upstream: http2)?`,
    { cause: why },
  )
}
