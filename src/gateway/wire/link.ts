/**
 * One connection as bytes: all that the framing knows of sockets. Reads come as text (one character a byte); writes are tried at
 * once and kept by the system's socket where it is full.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { withOwnBuffer } from './door.ts'
import type { Bytes } from './wire.ts'

export type Link = {
  /** False when the other side is slow: wait for `drained`. */
  write(bytes: Bytes): boolean
  pause(): void
  resume(): void
  /** After what was written. The other side may go on sending. */
  end(): void
  destroy(): void
  /** As `destroy`, and the other side sees an error rather than an end. */
  reset(): void
  /** From here on the system asks now and then whether the other side is still there. */
  watch(): void
  readonly remoteAddress: string
  /** Written and not yet taken by the system. */
  readonly waiting: number
}

export type LinkListener = {
  data(bytes: Bytes): void
  /** The other side will send no more. */
  ended(): void
  drained(): void
  /** Called once, last of all. */
  closed(error: Error | null): void
}

/** A peer that vanished without a word is noticed by the kernel's probes, which begin after this silence. */
const probeAfterMs = 60_000

/** Reads of all connections of a thread go through one buffer: each is turned into text before the next one comes. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** @param heard at once, even while it connects */
export function linkTo(
  { host, port }: { host: string; port: number },
  listener: LinkListener,
  connected: () => void,
): Link {
  const socket = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback: (length, buffer) => {
        listener.data((buffer as Buffer).toString('latin1', 0, length))
        return true
      },
    },
  })
  socket.once('connect', connected)
  return wrap(socket, listener)
}

/** An accepted connection, paused. */
export function linkOf(socket: Socket, listener: LinkListener): Link {
  const own = withOwnBuffer(socket, readBuffer, (length) =>
    listener.data(readBuffer.toString('latin1', 0, length)),
  )
  if (own !== null) return wrap(own, listener)
  socket.on('data', (chunk: Buffer) => listener.data(chunk.toString('latin1')))
  const link = wrap(socket, listener)
  socket.resume()
  return link
}

function wrap(socket: Socket, listener: LinkListener): Link {
  let failure: Error | null = null
  socket.on('end', () => listener.ended())
  socket.on('drain', () => listener.drained())
  socket.on('error', (error) => (failure = error))
  socket.on('close', () => listener.closed(failure))
  return {
    write: (bytes) => socket.write(bytes, 'latin1'),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    reset: () => void socket.resetAndDestroy(),
    watch: () => void socket.setKeepAlive(true, probeAfterMs),
    remoteAddress: socket.remoteAddress ?? '',
    get waiting() {
      return socket.writableLength
    },
  }
}
