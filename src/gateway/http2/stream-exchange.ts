/** One stream of a client is one request and its answer. What is written is kept until `flush`, the head too. RFC 9113 §8.1. */
import { constants } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { Body, Bytes, Exchange, ExchangeListener, Fields, Lines } from '../wire/wire.ts'
import { grpcRefusal, isGrpc } from './grpc.ts'
import { bufferOf, headersOf, linesOf, pairsOf } from './lines.ts'
import type { StreamHead } from './request-head.ts'

/** What is left of a body that nobody wants is read up to here. */
const unwantedMaxBytes = 256 * 1024

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

export type StreamOwner = {
  readonly remoteAddress: string
  readonly secure: boolean
  left(exchange: StreamExchange): void
}

export class StreamExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  readonly body: Body
  readonly upgrade = false
  readonly remoteAddress: string
  readonly secure: boolean
  /** Since when (ms, monotonic) the client takes nothing of what was written; 0 while it does. */
  blockedSince = 0
  /** Since when it is answered in full while its client still sends; 0 otherwise. */
  lingersSince = 0
  private readonly stream: ServerHttp2Stream
  private readonly expectsContinue: boolean
  private listener: ExchangeListener | null = null
  private head: string[] | null = null
  private headSent = false
  private output = ''
  /** What the client sends behind its head has been heard to its end. */
  private whole: boolean
  private reading = false
  private requestTrailers: Lines = ''
  private answerTrailers: Lines = ''

  constructor(stream: ServerHttp2Stream, head: StreamHead, owner: StreamOwner) {
    this.stream = stream
    this.method = head.method
    this.target = head.target
    this.fields = head.fields
    this.body = head.body
    this.expectsContinue = head.expectsContinue
    this.remoteAddress = owner.remoteAddress
    this.secure = owner.secure
    this.whole = head.body === 'none'
    stream.on('error', () => {})
    stream.on('aborted', () => this.gone())
    stream.on('close', () => {
      this.gone()
      owner.left(this)
    })
    stream.on('drain', () => {
      this.blockedSince = 0
      this.listener?.clientDrained()
    })
    // They may be here long before the body before them is read.
    stream.on('trailers', (_headers: unknown, _flags: number, raw: string[]) => {
      const lines = linesOf(raw)
      this.requestTrailers = typeof lines === 'string' ? lines : ''
    })
    // An empty end behind a head without a body must be taken, or the stream never closes.
    if (this.whole) stream.resume()
  }

  hear(listener: ExchangeListener): void {
    this.listener = listener
  }

  readBody(): void {
    if (this.reading) return
    this.reading = true
    if (this.whole) return this.listener?.bodyEnd('')
    const { stream } = this
    if (this.expectsContinue && !this.headSent) stream.additionalHeaders({ ':status': 100 })
    stream.on('end', () => {
      // A stream that was reset ends too; only `aborted` tells the two apart.
      if (stream.aborted) return this.gone()
      this.whole = true
      this.listener?.bodyEnd(this.requestTrailers)
    })
    stream.on('data', (chunk: Buffer) => {
      this.listener?.body(chunk.toString('latin1'))
      this.listener?.bodyRead()
    })
  }

  pause(): void {
    this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  respond(status: number, _reason: string, lines: Lines, body: Body): void {
    this.head = [':status', String(status), ...pairsOf(lines)]
    if (body === 'none') this.sendHead(true)
  }

  interim(status: number, lines: Lines): void {
    // 100 is this gateway's own to say (RFC 9110 §10.1.1), and 101 has no place here (RFC 9113 §8.6).
    if (status <= 101 || this.head !== null || this.isOver) return
    this.stream.additionalHeaders({ ...headersOf(lines), ':status': status })
  }

  write(bytes: Bytes): void {
    this.output += bytes
  }

  flush(): boolean {
    if (this.isOver) return true
    this.sendHead(false)
    if (this.output === '') return this.blockedSince === 0
    const { output } = this
    this.output = ''
    const taken = this.stream.write(bufferOf(output))
    if (!taken && this.blockedSince === 0) this.blockedSince = performance.now()
    return taken
  }

  end(trailers: Lines): void {
    this.listener = null
    if (this.isOver) return
    // What the client does not take of its last bytes is given up in the end, like any other.
    this.blockedSince = performance.now()
    this.answerTrailers = trailers
    const wasSent = this.headSent
    this.sendHead(this.output === '' && trailers === '', trailers !== '')
    const { output } = this
    this.output = ''
    if (!this.stream.writableEnded) this.stream.end(bufferOf(output))
    if (!wasSent && trailers === '' && !this.whole)
      this.stream.once('finish', () => this.finished())
  }

  /** @param more trailers may follow the body */
  private sendHead(ends: boolean, more = true): void {
    if (this.headSent || this.head === null || this.isOver) return
    this.headSent = true
    const { stream } = this
    if (more && !ends)
      stream.once('wantTrailers', () => {
        stream.sendTrailers(headersOf(this.answerTrailers))
        this.finished()
      })
    stream.respond(this.head, {
      endStream: ends,
      waitForTrailers: more && !ends,
      sendDate: false,
    } as Parameters<ServerHttp2Stream['respond']>[1])
    if (ends && !this.whole) this.finished()
  }

  /**
   * Answered in full while its body still comes: the rest is thrown away, within a limit. A reset at once would be shorter
   * (RFC 9113 §8.1), but takes what was not sent yet of the answer with it.
   */
  private finished(): void {
    if (this.whole) return
    this.lingersSince = performance.now()
    let unwanted = 0
    this.stream.removeAllListeners('data')
    this.stream.on('data', (chunk: Buffer) => {
      unwanted += chunk.length
      if (unwanted > unwantedMaxBytes) this.stream.close(NGHTTP2_NO_ERROR)
    })
    this.stream.resume()
  }

  answer(status: number, lines: Lines, text: string): void {
    const date = `Date: ${new Date().toUTCString()}\r\n`
    if (isGrpc(this.fields.lines)) {
      const own = lines.replace(/^content-type:.*\r\n/im, '')
      this.respond(200, '', date + own + grpcRefusal(status, text), 'none')
      return this.end('')
    }
    const bytes = Buffer.from(text).toString('latin1')
    const bodyless = bytes === '' || this.method === 'HEAD'
    this.respond(
      status,
      '',
      `${date}${lines}Content-Length: ${bytes.length}\r\n`,
      bodyless ? 'none' : 'length',
    )
    if (!bodyless) this.output = bytes
    this.end('')
  }

  destroy(): void {
    this.listener = null
    this.stream.close(NGHTTP2_INTERNAL_ERROR)
  }

  /** By now the answer is there: the client may stop sending. */
  letGo(): void {
    this.stream.close(NGHTTP2_NO_ERROR)
  }

  /** The client takes nothing: whoever answers hears that it is gone. */
  giveUp(): void {
    this.gone()
    this.stream.close(NGHTTP2_CANCEL)
  }

  private get isOver(): boolean {
    return this.stream.destroyed || this.stream.closed
  }

  private gone(): void {
    const { listener } = this
    this.listener = null
    listener?.clientGone()
  }
}
