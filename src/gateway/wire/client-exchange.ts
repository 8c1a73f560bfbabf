/** One request of a client and its answer. What is written is kept until `flush`: one read makes one write. */
import { STATUS_CODES } from 'node:http'
import { BodyReader, chunkOf, lastChunk } from './body-reader.ts'
import type { BodySink } from './body-reader.ts'
import type { ClientConnection } from './client-connection.ts'
import type { RequestHead } from './heads.ts'
import type { Link, LinkListener } from './link.ts'
import type { Body, Bytes, Exchange, ExchangeListener, Fields, Lines } from './wire.ts'

/** Bytes that may wait for their turn in this process; more stays with the client. */
const waitingMaxBytes = 64 * 1024
/** What is left of a body that nobody wants is read and thrown away up to here, so that an early answer arrives. */
const unwantedMaxBytes = 256 * 1024

export class ClientExchange implements Exchange, BodySink {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  readonly upgrade: boolean
  readonly body: Body
  readonly secure: boolean
  private readonly connection: ClientConnection
  private readonly reader: BodyReader | null
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
  private endsWithConnection = false
  private inputEnded = false
  private unwanted = 0

  constructor(connection: ClientConnection, head: RequestHead, rest: Bytes) {
    this.connection = connection
    this.secure = connection.secure
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

  get isAnswered(): boolean {
    return this.answered !== 'no'
  }

  /** Answered in full, while the rest of its body still comes. */
  get discards(): boolean {
    return this.answered === 'done'
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
    const end = this.reader!.read(bytes, 0, this)
    if (end === -1) return this.unreadableBody()
    if (end < bytes.length) this.unread = bytes.slice(end)
    if (this.inputEnded && this.bodyMissing) return this.connection.link.destroy()
    if (this.answered === 'done') return this.afterAnswer()
    this.listener?.bodyRead()
  }

  bodyData(bytes: Bytes): void {
    if (this.answered === 'done') this.unwanted += bytes.length
    else this.listener?.body(bytes)
  }

  bodyEnd(trailers: Lines): void {
    if (this.answered !== 'done') this.listener?.bodyEnd(trailers)
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
    this.endsWithConnection = body === 'open' && !this.modern
    this.closesAfter =
      !this.keep ||
      this.connection.saysGoodbye ||
      this.endsWithConnection ||
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

  write(bytes: Bytes, framed?: Bytes): void {
    this.output += this.chunked ? (framed ?? chunkOf(bytes)) : bytes
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
    if (this.unwanted === 0) this.connection.since = performance.now()
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
    // An answer that its connection ends would look whole if the connection just ended.
    if (this.endsWithConnection) this.connection.link.reset()
    else this.connection.link.destroy()
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
