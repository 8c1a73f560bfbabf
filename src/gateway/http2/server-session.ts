/** A connection to a model server in HTTP/2: calls side by side, as many as the server allows. RFC 9113 §5.1.2, §6.8. */
import { connect as connectHttp2, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { connectPeer, peerError } from '../../tls/peer.ts'
import type { Server } from '../wire/wire.ts'
import type { StreamCall } from './stream-call.ts'

/** Calls at once on one connection, where the server allows as many or does not say. */
const streamsMax = 100
/** What one answer may bring before it is read. */
const streamWindowBytes = 64 * 1024
/** So large that answers which wait for a slow client never hold up their neighbours. */
const sessionWindowBytes = streamsMax * streamWindowBytes
const sessionMemoryMiB = 32
/** A server that vanished without a word is noticed by the kernel's probes, which begin after this silence. */
const probeAfterMs = 60_000
/** After a call that was given up in silence, the server must answer a ping in this time. */
const pingMs = 2000
/** A connection without calls. */
const usualIdleMs = 60_000
/** Servers of gRPC end connections that ping often. */
const pingAgainMs = 10_000

export type SessionHooks = {
  left(session: ServerSession): void
  /** It takes calls, and how many is known. */
  ready(session: ServerSession): void
}

export class ServerSession {
  readonly begunAt = performance.now()
  private idleSince = performance.now()
  /** The last stream that the server will have looked at, once it said so. */
  lastStream: number | null = null
  /** It has carried a call to its end. */
  used = false
  heardAt = 0
  isReady = false
  /** Calls that wait until it is ready. */
  waiting: StreamCall[] = []
  error: Error | null = null
  private open = 0
  private carried = 0
  private leaving = false
  private pingedAt = 0
  private readonly session: ClientHttp2Session

  private readonly requestsMax: number
  private readonly idleMs: number

  /** @throws Error where it must prove who it is, and nobody can say to whom */
  constructor(to: Server, hooks: SessionHooks) {
    const { host, port, tls, kept } = to
    this.requestsMax = kept?.requestsMax ?? Infinity
    this.idleMs = kept?.idleMs ?? usualIdleMs
    const socket = dial(to)
    const scheme = tls === undefined ? 'http' : 'https'
    this.session = connectHttp2(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory: sessionMemoryMiB,
    })
    this.session.once('connect', () => {
      if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2')
        return this.destroy(new Error('it does not offer HTTP/2 when hands are shaken (ALPN)'))
      this.session.setLocalWindowSize(sessionWindowBytes)
    })
    // Its first word: a server that says something else does not speak HTTP/2, and no request has left yet.
    this.session.once('remoteSettings', () => {
      this.isReady = true
      hooks.ready(this)
    })
    this.session.on('goaway', (_code: number, lastStream: number) => {
      this.leaving = true
      this.lastStream = Math.min(lastStream, this.lastStream ?? lastStream)
    })
    this.session.on('error', (error: Error) => (this.error ??= peerError(error)))
    this.session.on('close', () => {
      this.leaving = true
      hooks.left(this)
    })
  }

  /** How many more calls it may carry. */
  get room(): number {
    if (this.leaving || this.session.closed || this.session.destroyed) return 0
    const allowed = this.isReady
      ? (this.session.remoteSettings.maxConcurrentStreams ?? streamsMax)
      : streamsMax
    return (
      Math.min(allowed - this.open, streamsMax - this.open, this.requestsMax - this.carried) -
      this.waiting.length
    )
  }

  /** Without calls for too long. */
  isStale(now: number): boolean {
    return this.open === 0 && this.waiting.length === 0 && now - this.idleSince > this.idleMs
  }

  /** It takes no more calls. */
  get isLeaving(): boolean {
    return this.leaving || this.isWorn
  }

  private get isWorn(): boolean {
    return this.carried >= this.requestsMax
  }

  get isGone(): boolean {
    return this.session.destroyed
  }

  /** @throws what `node:http2` says where the head cannot be sent */
  request(head: readonly string[], options: { endStream: boolean; waitForTrailers: boolean }) {
    const stream = this.session.request(head, options)
    this.open++
    this.carried++
    stream.once('close', () => {
      this.open--
      if (this.open === 0) this.idleSince = performance.now()
      // Not before: some servers refuse what was begun right before a farewell.
      if (this.open === 0 && this.isWorn) this.close()
    })
    return stream satisfies ClientHttp2Stream
  }

  /** Nothing was heard since a call began that was given up: is anybody there? */
  suspect(): void {
    const now = performance.now()
    if (now - this.pingedAt < pingAgainMs || this.session.destroyed || !this.isReady) return
    this.pingedAt = now
    const late = setTimeout(() => {
      this.destroy(new Error(`no answer to a ping in ${pingMs} ms`))
    }, pingMs)
    late.unref()
    this.session.ping(() => clearTimeout(late))
  }

  /** Its server will send it no more, or nobody needs it. */
  close(): void {
    this.leaving = true
    this.session.close()
  }

  destroy(error?: Error): void {
    this.error ??= error ?? null
    this.leaving = true
    if (!this.session.destroyed) this.session.destroy(error, constants.NGHTTP2_NO_ERROR)
  }
}

function dial({ host, port, tls }: Server): Socket {
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: probeAfterMs,
  }
  if (tls === undefined) return connect(options)
  return connectPeer(tls, { ...options, ALPNProtocols: ['h2'] })
}
