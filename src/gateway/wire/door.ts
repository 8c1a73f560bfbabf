/**
 * The private door: accepted connections that read into a buffer of ours. Node offers `onread` only where we connect; an accepted
 * socket brings a new buffer of 64 KB with each read, which costs a tenth of a request. Wrapping its handle again is undocumented,
 * so everything passes without it too: `BERYL_PUBLIC_SOCKETS=1` keeps to Node's public API.
 */
import { Socket } from 'node:net'

type Handle = { useUserBuffer?: unknown }

const isOpen = process.env['BERYL_PUBLIC_SOCKETS'] !== '1'

/** @param socket accepted and paused; it is of no further use @returns null where the door is closed */
export function withOwnBuffer(
  socket: Socket,
  buffer: Buffer,
  read: (length: number) => void,
): Socket | null {
  const held = socket as unknown as { _handle: Handle | null }
  const handle = held._handle
  if (!isOpen || typeof handle?.useUserBuffer !== 'function') return null
  held._handle = null
  socket.destroy()
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (length: number) => {
        read(length)
        return true
      },
    },
  }
  return new Socket(options as never)
}
