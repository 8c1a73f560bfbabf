/** Two connections that changed protocols together: bytes flow both ways, each side waits for the other. */
import { ClientExchange } from './client-exchange.ts'
import type { Link, LinkListener } from './link.ts'
import type { ServerConnection } from './server-connection.ts'
import type { Bytes, Tunnel } from './wire.ts'

/** Once one side has said its last word, the other gets this long. */
const lingerMs = 30_000

export function tunnelTo(server: ServerConnection, early: Bytes): Tunnel {
  return {
    join(exchange, closed) {
      if (!(exchange instanceof ClientExchange))
        throw new Error('this exchange did not ask to change protocols; this is a bug in Beryl')
      let broke = false
      let open = 2
      let linger: NodeJS.Timeout | null = null
      const lastWord = () => (linger ??= setTimeout(destroy, lingerMs))
      const half = (own: () => Link, other: () => Link, isServer: boolean): LinkListener => ({
        data: (bytes) => {
          if (!other().write(bytes)) own().pause()
        },
        drained: () => other().resume(),
        ended: () => {
          other().end()
          lastWord()
        },
        closed: (error) => {
          if (isServer && error !== null) broke = true
          if (error === null) other().end()
          else other().destroy()
          lastWord()
          if (--open > 0) return
          clearTimeout(linger!)
          closed(broke ? 'cut' : 'ended')
        },
      })
      const serverLink = server.becomeTunnel(
        half(
          () => serverLink,
          () => client.link,
          true,
        ),
      )
      const client = exchange.becomeTunnel(
        half(
          () => client.link,
          () => serverLink,
          false,
        ),
      )
      if (early !== '') client.link.write(early)
      if (client.early !== '') serverLink.write(client.early)
      return { destroy }

      function destroy(): void {
        serverLink.destroy()
        client.link.destroy()
      }
    },
  }
}
