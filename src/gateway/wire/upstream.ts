/** Connections to model servers, kept per replica: the one used last is used next, so that those not needed grow old and go. */
import { ServerCall, ServerConnection } from './server-connection.ts'
import type { Upstream } from './wire.ts'

/** A model server on a machine that answers at all accepts far sooner. */
const connectMs = 2000
/** Shorter than what common model servers keep: an idle connection is closed by us, not under a request. */
const idleMs = 4000
const idlePerReplicaMax = 256
const sweepMs = 1000

export function openUpstream(): Upstream {
  const idle = new Map<string, ServerConnection[]>()
  const connecting = new Map<ServerConnection, { call: ServerCall; until: number }>()
  const clock = setInterval(sweep, sweepMs)
  clock.unref()

  return {
    call: (to, request, listener) =>
      new ServerCall(request, listener, (call) => {
        const key = `${to.host}:${to.port}`
        const kept = request.fresh || request.upgrade ? undefined : idle.get(key)?.pop()
        if (kept !== undefined) return kept.take(call)
        const connection = new ServerConnection(to, {
          left: (one) => leave(key, one),
          idle: (one) => keep(key, one),
        })
        connecting.set(connection, { call, until: performance.now() + connectMs })
        connection.take(call)
      }),
    close: () => {
      clearInterval(clock)
      for (const connection of [...idle.values()].flat()) connection.destroy()
    },
  }

  function keep(key: string, connection: ServerConnection): void {
    const connections = idle.get(key)
    connection.idleSince = performance.now()
    if (connections === undefined) idle.set(key, [connection])
    else if (connections.length < idlePerReplicaMax) connections.push(connection)
    else connection.destroy()
  }

  function leave(key: string, connection: ServerConnection): void {
    connecting.delete(connection)
    const connections = idle.get(key)
    const at = connections?.indexOf(connection) ?? -1
    if (at === -1) return
    connections!.splice(at, 1)
    if (connections!.length === 0) idle.delete(key)
  }

  /** One clock for all: no timer per connection. */
  function sweep(): void {
    const now = performance.now()
    for (const [connection, { call, until }] of connecting) {
      if (connection.isConnected) connecting.delete(connection)
      else if (now > until) call.expire(connectMs)
    }
    for (const connections of idle.values())
      for (const connection of connections.filter(({ idleSince }) => now - idleSince > idleMs))
        connection.destroy()
  }
}
