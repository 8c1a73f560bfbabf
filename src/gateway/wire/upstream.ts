/** Connections to model servers, kept per replica: the one used last is used next, so that those not needed grow old and go. */
import { peerKey } from '../../tls/peer.ts'
import { ServerCall, ServerConnection } from './server-connection.ts'
import type { Kept, Server, Upstream } from './wire.ts'

/** A model server on a machine that answers at all accepts far sooner. */
const connectMs = 2000
/** Shorter than what common model servers keep: an idle connection is closed by us, not under a request. */
const idleMs = 4000
const idlePerReplicaMax = 256
const usual: Kept = { idleMax: idlePerReplicaMax, idleMs, requestsMax: null }
const sweepMs = 1000

export function openUpstream(): Upstream {
  /** By address (an empty list stays: there are no more than ports), and by a table's own word for it, which costs no look-up of text. */
  const idle = new Map<string, ServerConnection[]>()
  const idleOf = new WeakMap<object, ServerConnection[]>()
  const connecting = new Map<ServerConnection, { call: ServerCall; until: number }>()
  const clock = setInterval(sweep, sweepMs)
  clock.unref()

  return {
    call: (to, request, listener) =>
      new ServerCall(request, listener, (call) => {
        const here = idleOf.get(to) ?? find(to)
        const kept = request.fresh || request.upgrade ? undefined : here.pop()
        if (kept !== undefined) return kept.take(call)
        const connection = new ServerConnection(to, {
          left: (one) => leave(here, one),
          idle: (one) => keep(here, one, to.kept ?? usual),
        })
        connecting.set(connection, { call, until: performance.now() + connectMs })
        connection.take(call)
      }),
    close: () => {
      clearInterval(clock)
      for (const connection of [...idle.values()].flat()) connection.destroy()
    },
  }

  function find(to: Server): ServerConnection[] {
    const key = `${to.host}:${to.port}${peerKey(to.tls)}`
    const here = idle.get(key) ?? []
    idle.set(key, here)
    idleOf.set(to, here)
    return here
  }

  function keep(here: ServerConnection[], connection: ServerConnection, kept: Kept): void {
    connection.idleUntil = performance.now() + (kept.idleMs ?? idleMs)
    const isWorn = kept.requestsMax !== null && connection.carried >= kept.requestsMax
    if (isWorn || here.length >= kept.idleMax) connection.destroy()
    else here.push(connection)
  }

  function leave(here: ServerConnection[], connection: ServerConnection): void {
    connecting.delete(connection)
    const at = here.indexOf(connection)
    if (at !== -1) here.splice(at, 1)
  }

  /** One clock for all: no timer per connection. */
  function sweep(): void {
    const now = performance.now()
    for (const [connection, { call, until }] of connecting) {
      if (connection.isConnected) connecting.delete(connection)
      else if (now > until) call.expire(connectMs)
    }
    for (const connections of idle.values())
      for (const connection of connections.filter(({ idleUntil }) => now > idleUntil))
        connection.destroy()
  }
}
