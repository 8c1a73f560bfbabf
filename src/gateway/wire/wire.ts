/**
 * The narrow waist between the gateway and HTTP on the wire, both sides. Everything above knows only this; everything that
 * parses or frames lies in this folder. One object per exchange, one listener that hears both sides, plain method calls.
 *
 * Bytes travel as text with one character for each byte (latin1): they survive exactly, V8 slices them without copying, and a head
 * and the first part of its body are one write. What is written is kept until `flush`, so that one read makes one write.
 */
import type { Peer } from '../../tls/peer.ts'

export type Bytes = string

/** Header lines, each `Name: value\r\n`, without the empty line that ends a head. */
export type Lines = string

/** Header lines as they came, checked, with what somebody asks of them. */
export type Fields = {
  readonly lines: Lines
  /** Flat pairs [from, to) of what must not go on: meant for one connection, or for Beryl to set. Rising. */
  readonly dropped: readonly number[]
  /** The first of its name; null where there is none. */
  readonly host: string | null
  readonly upgrade: string | null
  /** All of its lines, joined with `, `; empty where there is none. */
  readonly forwardedFor: string
}

/** How a body is delimited: by its length, in chunks or by the end of the connection (`open`), or there is none. */
export type Body = 'none' | 'length' | 'open'

/** One request of a client, and the way to answer it. */
export type Exchange = {
  readonly method: string
  /** Origin-form, e.g. `/v1/chat?x=1`, or `*`. */
  readonly target: string
  readonly fields: Fields
  readonly remoteAddress: string
  readonly secure: boolean
  /** The client asks to change protocols (WebSocket). */
  readonly upgrade: boolean
  readonly body: Body

  /** Who hears of this exchange from now on; called once, in the turn in which the exchange was handed over. */
  hear(listener: ExchangeListener): void
  /** The body is read only once somebody asks for it. What is here already is heard before this returns. */
  readBody(): void
  pause(): void
  resume(): void

  /** @param body `open`: its end is said by `end`; `length`: the lines say how long it is */
  respond(status: number, reason: string, lines: Lines, body: Body): void
  /** An interim answer (1xx). */
  interim(status: number, lines: Lines): void
  /** @param framed the same as one chunk of HTTP/1.1, where it came as one */
  write(bytes: Bytes, framed?: Bytes): void
  /** False when the client's side is full: wait for `clientDrained`. */
  flush(): boolean
  end(trailers: Lines): void
  /** The whole answer at once, for the gateway's own words. */
  answer(status: number, lines: Lines, text: string): void
  /** Ends the connection in the middle: the client sees that something is missing. */
  destroy(): void
}

export type ExchangeListener = {
  body(bytes: Bytes): void
  bodyEnd(trailers: Lines): void
  /** What one read brought has been heard. */
  bodyRead(): void
  clientDrained(): void
  /** The client went away before its answer was complete. */
  clientGone(): void
}

/** One request to a model server. Nothing is heard of it before `begin`. */
export type Call = {
  begin(): void
  write(bytes: Bytes): void
  /** False when the server's side is full: wait for `serverDrained`. */
  flush(): boolean
  end(trailers: Lines): void
  pause(): void
  resume(): void
  /** Nothing is heard of this call after it. */
  destroy(): void
}

/**
 * `refused`: no byte of the request left this machine. `stale`: a kept connection was closed under a request without a
 * body that may be repeated (RFC 9110 §9.2.2). `cut`: the connection ended before the answer did, or the answer cannot be read.
 */
export type CallFailure = 'refused' | 'stale' | 'cut'

export type CallListener = {
  /** Connected: the body may flow. Until here no byte of the request has left. */
  connected(): void
  interim(status: number, fields: Fields): void
  head(status: number, reason: string, fields: Fields, body: Body): void
  /** @param framed as in `Exchange.write` */
  data(bytes: Bytes, framed?: Bytes): void
  /** What one read brought has been heard. */
  dataRead(): void
  /** The answer is complete. */
  answerEnd(trailers: Lines): void
  serverDrained(): void
  failed(how: CallFailure, error: Error): void
  /** 101, only where `upgrade` was asked for: from here on bytes flow both ways. */
  switched(fields: Fields, tunnel: Tunnel): void
}

/** The server's half of a changed protocol, to be joined to the client's half. */
export type Tunnel = {
  /** `closed` is called once, when both halves are closed; `cut` when the server's broke. */
  join(exchange: Exchange, closed: (how: 'ended' | 'cut') => void): { destroy(): void }
}

export type CallRequest = {
  method: string
  target: string
  /** All that goes out, but what frames the body in chunks. */
  lines: Lines
  body: Body
  upgrade: boolean
  /** Not over a kept connection. */
  fresh: boolean
}

/** Where a model server answers, and in what: HTTP/1.1 where `speaks` says nothing. */
export type Server = {
  host: string
  port: number
  speaks?: 'http2' | 'grpc' | undefined
  /** How it proves who it is; without it nothing is encrypted. */
  tls?: Peer | undefined
  /** How connections to it are kept; as usual where it stands not. */
  kept?: Kept | undefined
}

/** Of each worker, to one replica. */
export type Kept = {
  /** So many wait for the next request; in HTTP/2 a few carry all. */
  idleMax: number
  /** For so long; null: 4 s, in HTTP/2 60 s. */
  idleMs: number | null
  /** Requests that one carries before it is closed; null: no limit. */
  requestsMax: number | null
}

export type Upstream = {
  call(to: Server, request: CallRequest, listener: CallListener): Call
  close(): void
}

export type Acceptor = {
  /** Where it listens. */
  port: number
  /** From here on new connections are shown this; those that stand keep what they were shown. */
  renew(pairs: readonly { cert: string; key: string }[]): void
  /**
   * No new connections; idle ones are closed, the others after the answer they wait for. Resolves once each client of
   * HTTP/2 knows which of its streams was the last: until then one may still begin.
   */
  stop(): Promise<void>
  /**
   * No new connections. Those that stand are told with their next answer that it is the last one (in HTTP/2 by GOAWAY), and
   * closed without one once they are quiet: a request is never cut off by our closing. Resolves once none is left.
   */
  leave(): Promise<void>
}
