/** A connection to a replica in HTTP/2. RFC 9113 §5.1.2, §6.8. */
import { connect as connectHttp2, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { connectPeer } from '../../tls/peer.ts'
import { idleMs } from './exchange.ts'
import type { To } from './exchange.ts'
import type { StreamCall } from './stream-call.ts'

/** Calls at once on one connection, where the server allows as many or does not say. */
const streamsMax = 100
/** Whole answers are read at once, whatever their neighbours do. */
const streamWindowBytes = 1024 * 1024
const sessionWindowBytes = 32 * 1024 * 1024
/** Of bodies that wait to be sent, and of heads: a hundred large requests side by side. */
const sessionMemoryMiB = 256
/** From the beginning to the server's first word. */
const connectMs = 10_000

export type SessionHooks = {
  /** It takes calls now, or has room again. */
  changed(): void
  /** It takes no more. @param why it never took one; null: it did */
  gone(why: Error | null): void
}

export class Session {
  isReady = false
  /** The last stream that the server will have looked at, once it said so. */
  lastStream: number | null = null
  error: Error | null = null
  heardAt = 0
  private leaving = false
  private open = 0
  private idle: NodeJS.Timeout | null = null
  private readonly hooks: SessionHooks
  private readonly session: ClientHttp2Session

  /** @throws Error where it must prove who it is, and nobody can say to whom */
  constructor(to: To, hooks: SessionHooks) {
    this.hooks = hooks
    const { host, port, tls } = to
    const socket = dial(to)
    const scheme = tls === undefined ? 'http' : 'https'
    this.session = connectHttp2(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory: sessionMemoryMiB,
    })
    const late = setTimeout(
      () => this.destroy(new Error(`no word of HTTP/2 in ${connectMs} ms`)),
      connectMs,
    )
    this.session.once('connect', () => {
      if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2')
        return this.destroy(new Error('it does not offer HTTP/2 when hands are shaken (ALPN)'))
      this.session.setLocalWindowSize(sessionWindowBytes)
    })
    // Its first word: a server that says something else does not speak HTTP/2, and no request has left yet.
    this.session.once('remoteSettings', () => {
      clearTimeout(late)
      this.isReady = true
      this.rest()
      hooks.changed()
    })
    this.session.on('goaway', (_code: number, lastStream: number) => {
      this.lastStream = Math.min(lastStream, this.lastStream ?? lastStream)
      this.leave()
    })
    this.session.on('error', (error: Error) => (this.error ??= this.hinted(error)))
    this.session.on('close', () => {
      clearTimeout(late)
      if (this.idle !== null) clearTimeout(this.idle)
      this.leaving = true
      const why = this.error ?? new Error('it closed the connection')
      hooks.gone(this.isReady ? null : why)
    })
  }

  /** How many more calls it may carry. While it connects: one, so that nobody dials beside it. */
  get room(): number {
    if (this.leaving || this.session.closed || this.session.destroyed) return 0
    if (!this.isReady) return 1
    const { maxConcurrentStreams = streamsMax } = this.session.remoteSettings
    return Math.min(maxConcurrentStreams, streamsMax) - this.open
  }

  /** @param again called in place of an end where the server says that it never looked at it */
  carry(call: StreamCall, again: () => void): void {
    if (this.idle !== null) clearTimeout(this.idle)
    this.idle = null
    this.open++
    call.start(this, again, () => {
      this.open--
      this.rest()
      this.hooks.changed()
    })
  }

  /** @throws what `node:http2` says where the head cannot be sent */
  request(head: OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream {
    return this.session.request(head, { endStream })
  }

  /** No further calls; those under way go on. */
  leave(): void {
    this.leaving = true
    if (!this.session.closed && !this.session.destroyed) this.session.close()
  }

  destroy(error?: Error): void {
    this.error ??= error ?? null
    this.leaving = true
    if (!this.session.destroyed) this.session.destroy(error, constants.NGHTTP2_NO_ERROR)
  }

  private rest(): void {
    if (this.open === 0) this.idle ??= setTimeout(() => this.leave(), idleMs)
  }

  private hinted(error: Error): Error {
    if (this.isReady || (error as NodeJS.ErrnoException).code !== 'ERR_HTTP2_ERROR') return error
    return new Error(
      `${error.message}: does it speak HTTP/2, as the manifest says (upstream: http2)?`,
      { cause: error },
    )
  }
}

function dial({ host, port, tls }: To): Socket {
  const options = { host, port, noDelay: true }
  if (tls === undefined) return connect(options)
  return connectPeer(tls, { ...options, ALPNProtocols: ['h2'] })
}
