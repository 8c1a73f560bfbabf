/** Two connections that changed protocols together: bytes flow both ways, each side waits for the other. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Exchange, Tunnel } from './wire.ts'

/** The client's half of each exchange that asked for it. */
export const clientSockets = new WeakMap<Exchange, { socket: Duplex; head: Buffer }>()

/** Once one side has said its last word, the other gets this long. */
const lingerMs = 30_000
/** A peer that vanished without a word is noticed by the kernel's probes, which begin after this silence. */
const probeAfterMs = 60_000

export function tunnelTo(server: Duplex, head: Buffer): Tunnel {
  return {
    join(exchange, closed) {
      const client = clientSockets.get(exchange)
      if (client === undefined)
        throw new Error('this exchange did not ask to change protocols; this is a bug in Beryl')
      const { socket } = client
      const destroy = () => {
        server.destroy()
        socket.destroy()
      }
      let broke = false
      let open = 2
      let linger: NodeJS.Timeout | null = null
      const shut = () => {
        if (--open > 0) return
        if (linger !== null) clearTimeout(linger)
        closed(broke ? 'cut' : 'ended')
      }
      const lastWord = () => (linger ??= setTimeout(destroy, lingerMs))
      server.on('error', () => (broke = true))
      for (const [from, to] of [
        [server, socket],
        [socket, server],
      ] as const) {
        if (from instanceof Socket) from.setKeepAlive(true, probeAfterMs)
        connect(from, to)
        from.once('end', lastWord)
        from.once('close', shut)
      }
      if (head.length > 0) socket.write(head)
      if (client.head.length > 0) server.write(client.head)
      // The client may have gone while the server made up its mind: then its `close` has been and will not come again.
      if (socket.destroyed) destroy()
      return { destroy }
    },
  }
}

function connect(from: Duplex, to: Duplex): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
  from.on('close', () => to.end())
}
