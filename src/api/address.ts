import type { Context } from 'hono'

/** Of the socket: what a header says of it, anybody can write. */
export function addressOf(context: Context): string {
  const { incoming } = (context.env ?? {}) as { incoming?: { socket: { remoteAddress?: string } } }
  return incoming?.socket.remoteAddress ?? 'unknown'
}
