/** Two connections that changed protocols together: bytes flow both ways, each side waits for the other. */
import type { Duplex } from 'node:stream'
import type { Exchange, Tunnel } from './wire.ts'

/** The client's half of each exchange that asked for it. */
export const clientSockets = new WeakMap<Exchange, { socket: Duplex; head: Buffer }>()

export function tunnelTo(server: Duplex, head: Buffer): Tunnel {
  return {
    join(exchange, closed) {
      const client = clientSockets.get(exchange)
      if (client === undefined)
        throw new Error('this exchange did not ask to change protocols; this is a bug in Beryl')
      if (head.length > 0) client.socket.write(head)
      if (client.head.length > 0) server.write(client.head)
      let over = false
      const end = (how: 'ended' | 'cut') => {
        if (over) return
        over = true
        closed(how)
      }
      connect(server, client.socket, () => end('cut'))
      connect(client.socket, server, () => end('ended'))
      server.on('end', () => end('ended'))
      server.on('close', () => end('ended'))
      client.socket.on('close', () => end('ended'))
      return {
        destroy: () => {
          server.destroy()
          client.socket.destroy()
        },
      }
    },
  }
}

function connect(from: Duplex, to: Duplex, failed: () => void): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('error', () => {
    failed()
    to.destroy()
  })
  from.on('close', () => to.end())
}
