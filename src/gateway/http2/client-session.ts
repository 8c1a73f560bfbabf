/** A client's connection in HTTP/2: streams side by side, each an exchange. What a client may cost is bounded here. RFC 9113 §5, §10.5. */
import { constants, performServerHandshake } from 'node:http2'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { isUnreadable } from '../wire/fields.ts'
import type { Unreadable } from '../wire/fields.ts'
import { headMaxBytes } from '../wire/heads.ts'
import type { Exchange } from '../wire/wire.ts'
import { bufferOf } from './lines.ts'
import { readHead } from './request-head.ts'
import { StreamExchange } from './stream-exchange.ts'

export type SessionOwner = {
  handle(exchange: Exchange): void
  left(session: ClientSession): void
  /** Its next stream is its last one. */
  isLeaving(): boolean
  refused(refusal: Unreadable): void
}

export type SessionLimits = {
  headMs: number
  idleMs: number
  blockedMs: number
  lingerMs: number
}

/** Requests at once on one connection; RFC 9113 §6.5.2 advises against fewer than 100. */
const streamsMax = 128
/** What one stream may send before it is read. */
const streamWindowBytes = 64 * 1024
/** So large that streams which wait to be read never hold up their neighbours. */
const sessionWindowBytes = streamsMax * streamWindowBytes
/** Whole of a session: a full window of each stream, and as much again for heads and answers. */
const sessionMemoryMiB = (2 * sessionWindowBytes) / 1024 / 1024
/** As many fields as over HTTP/1.1, the pseudo-header fields with them. */
const fieldsMax = 204
/** Frames that make no sense, and streams beyond the limit, until the connection ends. */
const invalidFramesMax = 100
const rejectedStreamsMax = 100
/** Resets that are forgiven at once, and per second: clients with short deadlines cancel many, a rapid reset attack far more. */
const resetBurst = 500
const resetsPerSecond = 100
/** A client that does not answer our ping, or does not close its side, is waited for so long. */
const farewellMs = 1000
/** The largest id: "no more, and what is under way is served". RFC 9113 §6.8. */
const anyStream = 2 ** 31 - 1

export class ClientSession {
  readonly remoteAddress: string
  readonly secure: boolean
  /** Since when (ms, monotonic) nothing is open on it. */
  private idleSince = performance.now()
  private used = false
  private leaving: Promise<void> | null = null
  private emptied: (() => void) | null = null
  private readonly streams = new Set<StreamExchange>()
  private readonly session: ServerHttp2Session
  private readonly owner: SessionOwner

  /** @param socket nobody else listens to it any more; what was read of it already was put back */
  constructor(socket: Socket, secure: boolean, owner: SessionOwner) {
    this.owner = owner
    this.secure = secure
    this.remoteAddress = socket.remoteAddress ?? ''
    // Each of its streams has an end of its own: a client that closes its half is gone.
    socket.allowHalfOpen = false
    this.session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: streamsMax,
        initialWindowSize: streamWindowBytes,
        maxHeaderListSize: headMaxBytes,
        enablePush: false,
      },
      maxHeaderListPairs: fieldsMax,
      maxSessionMemory: sessionMemoryMiB,
      maxSessionInvalidFrames: invalidFramesMax,
      maxSessionRejectedStreams: rejectedStreamsMax,
      streamResetBurst: resetBurst,
      streamResetRate: resetsPerSecond,
      // What one side says twice is for the other side to judge, as over HTTP/1.1.
      strictSingleValueFields: false,
    })
    this.session.setLocalWindowSize(sessionWindowBytes)
    this.session.on('error', () => {})
    this.session.on('close', () => owner.left(this))
    this.session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: string[]) =>
        this.begin(stream, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, raw),
    )
  }

  private begin(stream: ServerHttp2Stream, ended: boolean, raw: string[]): void {
    this.used = true
    const head = readHead(raw, ended)
    if (isUnreadable(head)) return this.refuse(stream, head)
    const exchange = new StreamExchange(stream, head, {
      remoteAddress: this.remoteAddress,
      secure: this.secure,
      left: (one) => {
        this.streams.delete(one)
        if (this.streams.size > 0) return
        this.idleSince = performance.now()
        this.emptied?.()
      },
    })
    this.streams.add(exchange)
    this.owner.handle(exchange)
    if (this.owner.isLeaving()) void this.leave()
  }

  /** What cannot be read as a request is never forwarded, and its stream ends with it; the others go on. */
  private refuse(stream: ServerHttp2Stream, refusal: Unreadable): void {
    this.owner.refused(refusal)
    stream.on('error', () => {})
    stream.respond({ ':status': refusal.status, 'content-type': 'text/plain' })
    stream.end(bufferOf(`${refusal.because}\n`))
  }

  /** No more streams; those that are open go on. Resolves once the client cannot have sent one that it takes for begun. */
  leave(): Promise<void> {
    this.leaving ??= this.farewell()
    return this.leaving
  }

  /**
   * With streams open: first "begin nothing new", and after a round trip which one was the last; what is under way
   * meanwhile is served. With none open Node reads no more after a GOAWAY: then one must do, and clients ask again elsewhere.
   */
  private async farewell(): Promise<void> {
    const { session } = this
    if (session.destroyed || session.closed) return
    if (this.streams.size > 0) {
      session.goaway(constants.NGHTTP2_NO_ERROR, anyStream)
      await within(farewellMs, (done) => {
        this.emptied = done
        session.once('close', done)
        if (!session.ping(done)) done()
      })
    }
    if (session.destroyed) return
    session.close()
    if (this.streams.size === 0)
      await within(farewellMs, (done) => void session.once('close', done))
  }

  /** Ends what keeps the gateway waiting. */
  sweep(now: number, { headMs, idleMs, blockedMs, lingerMs }: SessionLimits): void {
    for (const exchange of this.streams)
      if (exchange.blockedSince > 0 && now - exchange.blockedSince > blockedMs) exchange.giveUp()
      else if (exchange.lingersSince > 0 && now - exchange.lingersSince > lingerMs) exchange.letGo()
    if (this.streams.size > 0) return
    const waited = now - this.idleSince
    if (!this.used && waited > headMs) this.session.destroy()
    else if (waited > idleMs + farewellMs) this.session.destroy()
    else if (waited > idleMs) void this.leave()
  }
}

function within(ms: number, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, ms)
    begin(() => {
      clearTimeout(late)
      resolve()
    })
  })
}
