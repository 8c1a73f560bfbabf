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
    return new SocketLink(socket, listener, {})
  }
  const socket = dialPeer(tls, { ...options, ALPNProtocols: ['http/1.1'] })
  socket.once('secureConnect', connected)
  return new SocketLink(socket, listener, {})
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
  if (own !== null) return new SocketLink(own, listener, {})
  const data = (chunk: Buffer) => listener.data(chunk.toString('latin1'))
  const link = new SocketLink(socket, listener, { data })
  socket.resume()
  return link
}

/** One object with all that a write needs: with thousands of connections each further one is another miss in the caches. */
class SocketLink implements Link, Written {
  readonly remoteAddress: string
  private readonly socket: Socket
  private readonly heard: Record<string, (some: never) => void>
  private failure: Error | null = null
  /** Nobody but this link pauses its socket: what flows need not be told so again with each request. */
  private flows = false
  /** Written in this turn. */
  private written: Bytes = ''

  constructor(
    socket: Socket,
    listener: LinkListener,
    reads: Record<string, (chunk: Buffer) => void>,
  ) {
    this.socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.heard = {
      end: () => listener.ended(),
      drain: () => listener.drained(),
      error: (error: Error) => void (this.failure = peerError(error)),
      close: () => listener.closed(this.failure),
      ...reads,
    }
    for (const [event, listen] of Object.entries(this.heard)) socket.on(event, listen as () => void)
  }

  write(bytes: Bytes): boolean {
    const isFirst = this.written === ''
    this.written += bytes
    if (this.written.length > togetherMaxBytes || this.socket.writableLength > 0)
      return this.writeOut()
    if (isFirst) atEndOfTurn(this)
    return true
  }

  writeOut(): boolean {
    if (this.written === '') return true
    const bytes = this.written
    this.written = ''
    return this.socket.write(bytes, 'latin1')
  }

  pause(): void {
    this.flows = false
    this.socket.pause()
  }

  resume(): void {
    if (this.flows) return
    this.flows = true
    this.socket.resume()
  }

  end(): void {
    this.writeOut()
    this.socket.end()
  }

  destroy(): void {
    this.writeOut()
    this.socket.destroy()
  }

  reset(): void {
    this.writeOut()
    // A TLS connection that ends without its own last word looks cut as it is.
    if (this.socket instanceof TLSSocket) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  release(early: Bytes): Socket {
    const { socket, heard } = this
    this.writeOut()
    socket.pause()
    for (const [event, listen] of Object.entries(heard)) socket.off(event, listen as () => void)
    if (early !== '') socket.unshift(Buffer.from(early, 'latin1'))
    return socket
  }

  watch(): void {
    this.socket.setKeepAlive(true, probeAfterMs)
  }

  get waiting(): number {
    return this.written.length + this.socket.writableLength
  }
}
