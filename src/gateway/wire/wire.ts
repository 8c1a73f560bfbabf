/**
 * The narrow waist between the gateway and HTTP on the wire, both sides. Everything above knows only this; everything that
 * parses or frames lies in this folder. One object per exchange, one listener that hears both sides, plain method calls,
 * headers as flat name-value lists: a framing of our own needs no stream and no closure per request to fit.
 */
export type Headers = readonly string[]

/** One request of a client, and the way to answer it. */
export type Exchange = {
  readonly method: string
  /** Origin-form, e.g. `/v1/chat?x=1`. */
  readonly target: string
  /** With exactly one Host, unless the client speaks HTTP/1.0. */
  readonly headers: Headers
  readonly remoteAddress: string
  readonly secure: boolean
  /** The client asks to change protocols (WebSocket). */
  readonly upgrade: boolean
  /** The request has a body, whatever its length. */
  readonly hasBody: boolean

  /** Who hears of this exchange from now on; called at most once, in the turn in which the exchange was handed over. */
  hear(listener: ExchangeListener): void
  /** The body is read only once somebody asks for it. */
  readBody(): void
  pause(): void
  resume(): void

  respond(status: number, reason: string, headers: Headers): void
  /** An interim answer (1xx). */
  interim(status: number, headers: Headers): void
  /** False when the client's side is full: wait for `clientDrained`. */
  write(chunk: Uint8Array): boolean
  end(trailers: Headers): void
  /** The whole answer at once, for the gateway's own words. */
  answer(status: number, headers: Headers, body: string): void
  /** Ends the connection in the middle: the client sees that something is missing. */
  destroy(): void
}

export type ExchangeListener = {
  body(chunk: Uint8Array): void
  bodyEnd(trailers: Headers): void
  clientDrained(): void
  /** The client went away before its answer was complete. */
  clientGone(): void
}

/** One request to a model server. */
export type Call = {
  /** False when the server's side is full: wait for `serverDrained`. */
  write(chunk: Uint8Array): boolean
  end(trailers: Headers): void
  pause(): void
  resume(): void
  /** Nothing is heard of this call after it. */
  destroy(): void
}

/**
 * `refused`: no byte of the request left this machine. `stale`: a kept connection was closed under a request without a
 * body that may be repeated (RFC 9110 §9.2.2). `cut`: the connection ended before the answer did.
 */
export type CallFailure = 'refused' | 'stale' | 'cut'

export type CallListener = {
  /** Connected: the body may flow. Until here no byte of the request has left. */
  connected(): void
  interim(status: number, headers: Headers): void
  head(status: number, reason: string, headers: Headers): void
  data(chunk: Uint8Array): void
  /** The answer is complete. */
  end(trailers: Headers): void
  serverDrained(): void
  failed(how: CallFailure, error: Error): void
  /** 101, only where `upgrade` was asked for: from here on bytes flow both ways. */
  switched(headers: Headers, tunnel: Tunnel): void
}

/** The server's half of a changed protocol, to be joined to the client's half. */
export type Tunnel = {
  /** `closed` is called once, when both halves are closed; `cut` when the server's broke. */
  join(exchange: Exchange, closed: (how: 'ended' | 'cut') => void): { destroy(): void }
}

export type CallRequest = {
  method: string
  target: string
  headers: Headers
  hasBody: boolean
  upgrade: boolean
  /** Not over a kept connection. */
  fresh: boolean
}

export type Upstream = {
  call(to: { host: string; port: number }, request: CallRequest, listener: CallListener): Call
  close(): void
}

export type Acceptor = {
  /** Where it listens. */
  port: number
  /** No new connections; idle ones are closed, the others after the answer they wait for. */
  stop(): void
}

export function headerOf(headers: Headers, name: string): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.length === name.length && headers[index]!.toLowerCase() === name)
      return headers[index + 1]!
  }
  return null
}

/** Every value of a header, as one list: `Connection` may stand in several lines. */
export function listOf(headers: Headers, name: string): string[] {
  const values: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.length === name.length && headers[index]!.toLowerCase() === name)
      values.push(...headers[index + 1]!.split(','))
  }
  return values.map((value) => value.trim().toLowerCase()).filter((value) => value !== '')
}

export function pairsOf(headers: Headers): [string, string][] {
  return Array.from({ length: headers.length / 2 }, (_, index) => [
    headers[2 * index]!,
    headers[2 * index + 1]!,
  ])
}
