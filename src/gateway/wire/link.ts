/**
 * One connection as bytes: all that the framing knows of sockets. Reads come as text (one character a byte); writes are tried at
 * the end of the turn, large ones at once, and kept by the system's socket where it is full.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { withOwnBuffer } from './door.ts'
import { dialPeer, peerError } from '../../tls/peer.ts'
import { atEndOfTurn } from './turn.ts'
import type { Written } from './turn.ts'
import type { Bytes, Server } from './wire.ts'

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
  /** Gives the socket away: nothing is heard of it here any more. @param early read already, and to be read there again */
  release(early: Bytes): Socket
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

/** Less than any socket of Node's takes without a word: whoever wrote it need not wait. More is worth a wake-up of its own. */
const togetherMaxBytes = 8 * 1024

/** Reads of all connections of a thread go through one buffer: each is turned into text before the next one comes. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** @param heard at once, even while it connects; over TLS, while hands are shaken */
export function linkTo(to: Server, listener: LinkListener, connected: () => void): Link {
  const { host, port, tls } = to
  const options = {
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback: (length: number, buffer: Uint8Array) => {
        listener.data((buffer as Buffer).toString('latin1', 0, length))
        return true
      },
    },
  }
  if (tls === undefined) {
    const socket = connect(options)
    socket.once('connect', connected)
    return wrap(socket, listener)
  }
  const socket = dialPeer(tls, { ...options, ALPNProtocols: ['http/1.1'] })
  socket.once('secureConnect', connected)
  return wrap(socket, listener)
}

/** An accepted connection, paused. */
export function linkOf(socket: Socket, listener: LinkListener): Link {
  // A TLS socket is more than its handle.
  const own =
    socket instanceof TLSSocket
      ? null
      : withOwnBuffer(socket, readBuffer, (length) =>
          listener.data(readBuffer.toString('latin1', 0, length)),
        )
  if (own !== null) return wrap(own, listener)
  const data = (chunk: Buffer) => listener.data(chunk.toString('latin1'))
  socket.on('data', data)
  const link = wrap(socket, listener, data)
  socket.resume()
  return link
}

function wrap(socket: Socket, listener: LinkListener, data?: (chunk: Buffer) => void): Link {
  let failure: Error | null = null
  /** Nobody but this link pauses its socket: what flows need not be told so again with each request. */
  let flows = false
  const heard = {
    end: () => listener.ended(),
    drain: () => listener.drained(),
    error: (error: Error) => (failure = peerError(error)),
    close: () => listener.closed(failure),
  }
  for (const [event, listen] of Object.entries(heard)) socket.on(event, listen)
  /** Written in this turn. */
  let written: Bytes = ''
  const writeOut = (): boolean => {
    if (written === '') return true
    const bytes = written
    written = ''
    return socket.write(bytes, 'latin1')
  }
  const turn: Written = { writeOut }
  return {
    write: (bytes) => {
      const isFirst = written === ''
      written += bytes
      if (written.length > togetherMaxBytes || socket.writableLength > 0) return writeOut()
      if (isFirst) atEndOfTurn(turn)
      return true
    },
    pause: () => {
      flows = false
      socket.pause()
    },
    resume: () => {
      if (flows) return
      flows = true
      socket.resume()
    },
    end: () => {
      writeOut()
      socket.end()
    },
    destroy: () => {
      writeOut()
      socket.destroy()
    },
    // A TLS connection that ends without its own last word looks cut as it is.
    reset: () => {
      writeOut()
      if (socket instanceof TLSSocket) socket.destroy()
      else socket.resetAndDestroy()
    },
    release: (early) => {
      writeOut()
      socket.pause()
      if (data !== undefined) socket.off('data', data)
      for (const [event, listen] of Object.entries(heard)) socket.off(event, listen)
      if (early !== '') socket.unshift(Buffer.from(early, 'latin1'))
      return socket
    },
    watch: () => void socket.setKeepAlive(true, probeAfterMs),
    remoteAddress: socket.remoteAddress ?? '',
    get waiting() {
      return written.length + socket.writableLength
    },
  }
}
