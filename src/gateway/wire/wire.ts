/**
 * The narrow waist between the gateway and HTTP on the wire, both sides. Everything above knows only this; everything that
 * parses or frames lies in this folder. One object per exchange, plain method calls, headers as flat name-value lists.
 */
export type Headers = readonly string[]

/** One request of a client, and the way to answer it. */
export type Exchange = {
  readonly method: string
  /** Origin-form, e.g. `/v1/chat?x=1`. */
  readonly target: string
  readonly headers: Headers
  readonly remoteAddress: string
  readonly secure: boolean
  /** The client asks to change protocols (WebSocket). */
  readonly upgrade: boolean
  /** The request has a body, whatever its length. */
  readonly hasBody: boolean

  /** The body is read only once somebody asks for it. */
  readBody(sink: BodySink): void
  pause(): void
  resume(): void

  respond(status: number, reason: string, headers: Headers): void
  /** An interim answer (1xx). */
  interim(status: number, headers: Headers): void
  /** False when the client's side is full: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean
  end(trailers: Headers): void
  /** The whole answer at once, for the gateway's own words. */
  answer(status: number, headers: Headers, body: string): void
  /** Ends the connection in the middle: the client sees that something is missing. */
  destroy(): void
  onDrain(act: () => void): void
  /** The client went away before its answer was complete. */
  onGone(act: () => void): void
}

export type BodySink = { data(chunk: Uint8Array): void; end(trailers: Headers): void }

/** One request to a model server. */
export type Call = {
  /** False when the server's side is full: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean
  end(trailers: Headers): void
  pause(): void
  resume(): void
  destroy(): void
  onDrain(act: () => void): void
}

export type CallEvents = {
  /** Connected: the body may flow. Until here no byte of the request has left. */
  connected(): void
  interim(status: number, headers: Headers): void
  head(status: number, reason: string, headers: Headers): void
  data(chunk: Uint8Array): void
  end(trailers: Headers): void
  /** `connect`: no byte of the request was processed. `cut`: the connection ended before the answer did. */
  failed(how: 'connect' | 'cut', error: Error): void
  /** 101: from here on bytes flow both ways. */
  switched(headers: Headers, tunnel: Tunnel): void
}

/** The server's half of a changed protocol, to be joined to the client's half. */
export type Tunnel = {
  join(exchange: Exchange, closed: (how: 'ended' | 'cut') => void): { destroy(): void }
}

export type Upstream = {
  call(
    to: { host: string; port: number },
    request: {
      method: string
      target: string
      headers: Headers
      hasBody: boolean
      upgrade: boolean
    },
    events: CallEvents,
  ): Call
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
