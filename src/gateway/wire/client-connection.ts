/**
 * A client's connection: one request after the other, each an exchange. Input that comes before its turn (pipelining) waits here,
 * and beyond a limit in the kernel. RFC 9112 §9.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { BodyReader, chunkOf, lastChunk } from './body-reader.ts'
import type { BodySink } from './body-reader.ts'
import { isUnreadable } from './fields.ts'
import type { Unreadable } from './fields.ts'
import { headMaxBytes, parseRequestHead } from './heads.ts'
import type { RequestHead } from './heads.ts'
import { linkOf } from './link.ts'
import type { Link, LinkListener } from './link.ts'
import type { Body, Bytes, Exchange, ExchangeListener, Fields, Lines } from './wire.ts'

/** Bytes that may wait for their turn in this process; more stays with the client. */
const waitingMaxBytes = 64 * 1024
/** What is left of a body that nobody wants is read and thrown away up to here, so that an early answer arrives. */
const unwantedMaxBytes = 256 * 1024

export type Acceptance = {
  handle(exchange: Exchange): void
  /** No more requests after the present one. */
  readonly stopping: boolean
  left(connection: ClientConnection): void
  refused(refusal: Unreadable): void
}

type Phase = 'head' | 'exchange' | 'tunnel' | 'closing'

export class ClientConnection implements LinkListener {
  readonly link: Link
  /** Since when (ms, monotonic) it is where it is: for deadlines, which one clock looks after for all connections. */
  since = performance.now()
  /** Since when the client takes nothing of what was written. */
  blockedSince = 0
  private phase: Phase = 'head'
  private tunnelled: LinkListener | null = null
  private input = ''
  /** Where the search for the end of the head goes on. */
  private searched = 0
  private exchange: ClientExchange | null = null
  private forgiven = false
  private inputEnded = false
  private looping = false
  private readonly acceptance: Acceptance

  constructor(socket: Socket, acceptance: Acceptance) {
    this.acceptance = acceptance
    this.link = linkOf(socket, this)
  }

  get stopping(): boolean {
    return this.acceptance.stopping
  }

  get lingers(): boolean {
    return this.phase === 'closing'
  }

  /** Where its client is expected to send a head, and has or has not begun. */
  get waitsFor(): 'request' | 'head' | null {
    if (this.phase !== 'head') return null
    return this.input === '' ? 'request' : 'head'
  }

  data(bytes: Bytes): void {
    switch (this.phase) {
      case 'exchange':
        return this.exchange!.input(bytes)
      case 'tunnel':
        return this.tunnelled?.data(bytes)
      case 'closing':
        return
      case 'head':
        if (this.input === '') this.since = performance.now()
        this.input = this.input === '' ? bytes : this.input + bytes
        this.readHeads()
    }
  }

  ended(): void {
    this.inputEnded = true
    if (this.phase === 'tunnel') return this.tunnelled?.ended()
    if (this.phase === 'head') return this.link.destroy()
    this.exchange?.noMoreInput()
  }

  drained(): void {
    this.blockedSince = 0
    if (this.phase === 'tunnel') return this.tunnelled?.drained()
    this.exchange?.drained()
  }

  closed(error: Error | null): void {
    this.acceptance.left(this)
    if (this.phase === 'tunnel') return this.tunnelled?.closed(error)
    this.phase = 'closing'
    this.exchange?.gone()
  }

  write(bytes: Bytes): boolean {
    const taken = this.link.write(bytes)
    if (!taken && this.blockedSince === 0) this.blockedSince = performance.now()
    return taken
  }

  /** The answer is complete, and so is the request, or nobody will read the rest of it. */
  finished(keep: boolean, rest: string): void {
    this.exchange = null
    if (!keep || this.acceptance.stopping || (this.inputEnded && rest === '')) return this.close()
    this.phase = 'head'
    this.since = performance.now()
    this.input = rest
    this.searched = 0
    this.link.resume()
    if (rest !== '') this.readHeads()
  }

  /** From here on bytes go to `listener`. */
  becomeTunnel(listener: LinkListener): void {
    this.phase = 'tunnel'
    this.exchange = null
    this.tunnelled = listener
    this.link.resume()
    if (this.inputEnded) listener.ended()
  }

  /** Ends it after what was written. What the client still sends is not looked at. */
  close(): void {
    this.phase = 'closing'
    this.since = performance.now()
    this.link.end()
    if (this.inputEnded) return
    this.link.resume()
  }

  /** What cannot be read as a request is never forwarded, and the connection ends with it. */
  refuse(refusal: Unreadable): void {
    this.acceptance.refused(refusal)
    const text = `${refusal.because}\n`
    this.write(
      `${statusLine(refusal.status, '')}Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    )
    this.input = ''
    this.close()
  }

  /** One after the other, never one inside the other: an answer at once ends in `finished`, which must not dig deeper. */
  private readHeads(): void {
    if (this.looping) return
    this.looping = true
    while (this.phase === 'head' && this.input !== '' && this.readHead());
    this.looping = false
    if (this.phase === 'head' && this.inputEnded) this.link.destroy()
  }

  /** @returns false while the head is not whole */
  private readHead(): boolean {
    // One empty line before a request is forgiven (RFC 9112 §2.2).
    if (!this.forgiven && this.input.startsWith('\r\n')) {
      this.forgiven = true
      this.input = this.input.slice(2)
    }
    const end = this.input.indexOf('\r\n\r\n', this.searched)
    if (end > headMaxBytes || (end === -1 && this.input.length > headMaxBytes)) {
      this.refuse({ status: 431, because: `a head of more than ${headMaxBytes} bytes` })
      return false
    }
    if (end === -1) {
      this.searched = Math.max(0, this.input.length - 3)
      return false
    }
    const head = parseRequestHead(this.input.slice(0, end))
    if (isUnreadable(head)) {
      this.refuse(head)
      return false
    }
    const rest = this.input.slice(end + 4)
    this.input = ''
    this.searched = 0
    this.forgiven = false
    this.phase = 'exchange'
    this.exchange = new ClientExchange(this, head, rest)
    this.acceptance.handle(this.exchange)
    return true
  }
}

export class ClientExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  readonly upgrade: boolean
  readonly body: Body
  readonly secure = false
  private readonly connection: ClientConnection
  private readonly reader: BodyReader | null
  private readonly sink: BodySink = {
    data: (bytes) => {
      if (this.answered === 'done') this.unwanted += bytes.length
      else this.listener?.body(bytes)
    },
    end: (trailers) => {
      if (this.answered !== 'done') this.listener?.bodyEnd(trailers)
    },
  }
  private readonly keep: boolean
  private readonly modern: boolean
  private readonly expectsContinue: boolean
  private listener: ExchangeListener | null = null
  /** Came and was not read: body before `readBody`, then whatever follows this request. */
  private unread: Bytes
  private reading = false
  private paused = false
  /** Written and kept until `flush`. */
  private output = ''
  private answered: 'no' | 'begun' | 'done' = 'no'
  private chunked = false
  private closesAfter = false
  private inputEnded = false
  private unwanted = 0

  constructor(connection: ClientConnection, head: RequestHead, rest: Bytes) {
    this.connection = connection
    this.method = head.method
    this.target = head.target
    this.fields = head.fields
    this.upgrade = head.upgrade
    this.body = head.body
    this.keep = head.keep
    this.modern = head.modern
    this.expectsContinue = head.expectsContinue
    this.reader =
      head.body === 'none'
        ? null
        : new BodyReader(head.body === 'open' ? -1 : head.fields.contentLength)
    this.unread = rest
  }

  get remoteAddress(): string {
    return this.connection.link.remoteAddress
  }

  get bodyMissing(): boolean {
    return this.reader !== null && !this.reader.done
  }

  hear(listener: ExchangeListener): void {
    this.listener = listener
  }

  readBody(): void {
    if (this.reading) return
    this.reading = true
    if (this.reader === null) return this.listener?.bodyEnd('')
    if (this.expectsContinue && this.unread === '')
      this.connection.write('HTTP/1.1 100 Continue\r\n\r\n')
    const early = this.unread
    this.unread = ''
    if (early !== '') this.consume(early)
    if (!this.paused) this.connection.link.resume()
  }

  pause(): void {
    this.paused = true
    this.connection.link.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.connection.link.resume()
  }

  /** Bytes behind the head: of the body, or of the next request. */
  input(bytes: Bytes): void {
    if (this.bodyMissing && (this.reading || this.answered === 'done')) return this.consume(bytes)
    this.unread = this.unread === '' ? bytes : this.unread + bytes
    if (this.unread.length > waitingMaxBytes) this.connection.link.pause()
  }

  private consume(bytes: Bytes): void {
    const end = this.reader!.read(bytes, 0, this.sink)
    if (end === -1) return this.unreadableBody()
    if (end < bytes.length) this.unread = bytes.slice(end)
    if (this.inputEnded && this.bodyMissing) return this.connection.link.destroy()
    if (this.answered === 'done') return this.afterAnswer()
    this.listener?.bodyRead()
  }

  /** A client may close its half and still wait for the answer; one that breaks off its request does not. */
  noMoreInput(): void {
    this.inputEnded = true
    if (this.bodyMissing && (this.reading || this.answered === 'done'))
      this.connection.link.destroy()
  }

  private unreadableBody(): void {
    const { listener } = this
    this.listener = null
    if (this.answered === 'no')
      this.connection.refuse({
        status: 400,
        because: 'the chunks of the body cannot be read (RFC 9112 §7.1)',
      })
    else this.connection.link.destroy()
    listener?.clientGone()
  }

  respond(status: number, reason: string, lines: Lines, body: Body): void {
    this.answered = 'begun'
    this.output += statusLine(status, reason) + lines
    if (status !== 101) this.frame(body)
    this.output += '\r\n'
  }

  private frame(body: Body): void {
    this.chunked = body === 'open' && this.modern
    this.closesAfter =
      !this.keep ||
      this.connection.stopping ||
      (body === 'open' && !this.modern) ||
      // Whether its body still comes is up to the client: what follows could be read as either.
      (this.expectsContinue && !this.reading)
    if (this.chunked) this.output += 'Transfer-Encoding: chunked\r\n'
    if (this.closesAfter) this.output += 'Connection: close\r\n'
  }

  interim(status: number, lines: Lines): void {
    // 100 is this gateway's own to say (RFC 9110 §10.1.1); HTTP/1.0 knows no interim answers.
    if (!this.modern || status === 100 || this.answered !== 'no') return
    this.output += `${statusLine(status, '')}${lines}\r\n`
    this.flush()
  }

  write(bytes: Bytes): void {
    this.output += this.chunked ? chunkOf(bytes) : bytes
  }

  flush(): boolean {
    if (this.output === '') return this.connection.blockedSince === 0
    const { output } = this
    this.output = ''
    return this.connection.write(output)
  }

  end(trailers: Lines): void {
    if (this.chunked) this.output += lastChunk(trailers)
    this.flush()
    this.answered = 'done'
    this.listener = null
    this.afterAnswer()
  }

  /** The rest of an unwanted body is read, within a limit; then the connection goes on, or ends. */
  private afterAnswer(): void {
    const whole = !this.bodyMissing
    if (whole || this.closesAfter || this.unwanted > unwantedMaxBytes) {
      const rest = this.unread
      this.unread = ''
      return this.connection.finished(whole && !this.closesAfter, rest)
    }
    const early = this.unread
    this.unread = ''
    this.paused = false
    this.connection.link.resume()
    if (early !== '') this.consume(early)
  }

  answer(status: number, lines: Lines, text: string): void {
    const bytes = Buffer.from(text).toString('latin1')
    this.respond(
      status,
      '',
      `Date: ${new Date().toUTCString()}\r\n${lines}Content-Length: ${bytes.length}\r\n`,
      bytes === '' ? 'none' : 'length',
    )
    if (this.method !== 'HEAD') this.output += bytes
    this.end('')
  }

  destroy(): void {
    this.listener = null
    this.connection.link.destroy()
  }

  drained(): void {
    this.listener?.clientDrained()
  }

  gone(): void {
    const { listener } = this
    this.listener = null
    listener?.clientGone()
  }

  /** Gives the client's half of a changed protocol away, with what came behind the request. */
  becomeTunnel(listener: LinkListener): { link: Link; early: Bytes } {
    this.flush()
    this.listener = null
    this.connection.becomeTunnel(listener)
    return { link: this.connection.link, early: this.unread }
  }
}

export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason === '' ? (STATUS_CODES[status] ?? '') : reason}\r\n`
}
