/** One request to a model server as a stream. One that the server says it never looked at is asked again, body and all. RFC 9113 §8.7. */
import { constants } from 'node:http2'
import type { ClientHttp2Stream } from 'node:http2'
import { isUnreadable, parseFields } from '../wire/fields.ts'
import type {
  Body,
  Bytes,
  Call,
  CallFailure,
  CallListener,
  CallRequest,
  Lines,
  Server,
} from '../wire/wire.ts'
import { isGrpc } from './grpc.ts'
import { bufferOf, headersOf, linesOf, pairsOf } from './lines.ts'
import type { ServerSession } from './server-session.ts'

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = constants
/** What was sent is kept until the answer begins, up to here; a larger body cannot be sent again. */
const keptMaxBytes = 64 * 1024
const repeatsMax = 2
/** Answers before the answer (1xx): a server that sends more has lost its way. */
const interimMax = 20
/** Methods that a request without a body may be repeated with. RFC 9110 §9.2.2. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export class StreamCall implements Call {
  readonly request: CallRequest
  private readonly to: Server
  private readonly listener: CallListener
  private readonly find: (call: StreamCall, fresh: boolean) => void
  private session: ServerSession | null = null
  private stream: ClientHttp2Stream | null = null
  private output = ''
  /** Of the body, what was sent; null once it is too much. */
  private kept: string | null = ''
  private trailers: Lines | null = null
  private answerTrailers: Lines = ''
  private connected = false
  private answered = false
  private over = false
  private paused = false
  private wasUsed = false
  private startedAt = 0
  private repeats = 0
  private interims = 0
  /** Bytes of its body that are still to come; null where nobody said how many. */
  private missing: number | null = null
  /** An answer of gRPC that has not said yet how it ended. */
  private owesStatus = false

  constructor(
    to: Server,
    request: CallRequest,
    listener: CallListener,
    find: (call: StreamCall, fresh: boolean) => void,
  ) {
    this.to = to
    this.request = request
    this.listener = listener
    this.find = find
  }

  begin(): void {
    this.find(this, this.request.fresh)
  }

  /** @param session ready, and with room */
  start(session: ServerSession): void {
    if (this.over) return
    const { body } = this.request
    let stream: ClientHttp2Stream
    try {
      stream = session.request(this.head(), {
        endStream: body === 'none',
        waitForTrailers: body === 'open',
      })
    } catch (error) {
      return this.fail('cut', error as Error)
    }
    this.session = session
    this.stream = stream
    this.wasUsed = session.used
    this.startedAt = performance.now()
    this.listen(stream, session)
    if (this.connected) return this.repeat()
    this.connected = true
    this.listener.connected()
  }

  private head(): string[] {
    const { method, target, lines } = this.request
    const pairs: string[] = []
    let authority = `${this.to.host}:${this.to.port}`
    const fields = pairsOf(lines)
    for (let at = 0; at < fields.length; at += 2)
      if (fields[at] === 'host') authority = fields[at + 1]!
      else if (fields[at] !== 'te') pairs.push(fields[at]!, fields[at + 1]!)
    const scheme = this.to.tls === undefined ? 'http' : 'https'
    const pseudo = [':method', method, ':scheme', scheme, ':authority', authority, ':path', target]
    // Whatever comes behind an answer is passed on; servers of gRPC insist on hearing so.
    return [...pseudo, ...pairs, 'te', 'trailers']
  }

  private listen(stream: ClientHttp2Stream, session: ServerSession): void {
    const current = () => !this.over && this.stream === stream
    const heard = () => (session.heardAt = performance.now())
    stream.on('headers', (_headers: unknown, _flags: number, raw: string[]) => {
      if (current()) this.interim(raw)
    })
    stream.on('response', (_headers: unknown, flags: number, raw: string[]) => {
      heard()
      if (current()) this.begun(raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0)
    })
    stream.on('data', (chunk: Buffer) => {
      heard()
      if (!current()) return
      if (this.missing !== null) this.missing -= chunk.length
      this.listener.data(chunk.toString('latin1'))
      this.listener.dataRead()
    })
    stream.on('trailers', (_headers: unknown, _flags: number, raw: string[]) => {
      const lines = linesOf(raw)
      this.answerTrailers = typeof lines === 'string' ? lines : ''
      if (saysStatus(this.answerTrailers)) this.owesStatus = false
    })
    stream.on('end', () => {
      // A stream that was reset ends too.
      if (current() && stream.rstCode === 0 && !stream.aborted) this.complete()
    })
    stream.on('drain', () => {
      if (current()) this.listener.serverDrained()
    })
    stream.on('wantTrailers', () => stream.sendTrailers(headersOf(this.trailers ?? '')))
    let failure: Error | null = null
    stream.on('error', (error: Error) => (failure = error))
    stream.on('close', () => {
      if (current()) this.closed(stream, session, failure)
    })
    if (this.paused) stream.pause()
  }

  private interim(raw: string[]): void {
    const status = Number(raw[1])
    const fields = fieldsOf(raw)
    if (++this.interims > interimMax)
      return this.fail('cut', new Error(`it sent more than ${interimMax} interim answers`))
    if (fields !== null) this.listener.interim(status, fields)
  }

  private begun(raw: string[], ended: boolean): void {
    const status = Number(raw[1])
    const fields = fieldsOf(raw)
    if (fields === null || !(status >= 200 && status <= 599))
      return this.fail('cut', new Error('the head of its answer cannot be read'))
    this.answered = true
    this.kept = null
    const bodyless = this.request.method === 'HEAD' || status === 204 || status === 304
    const body: Body = bodyless ? 'none' : fields.contentLength >= 0 ? 'length' : 'open'
    this.missing = body === 'length' ? fields.contentLength : null
    this.owesStatus = isGrpc(fields.lines) && !saysStatus(fields.lines)
    this.listener.head(status, '', fields, body)
    // An end that came with the head is said in the same turn: for gRPC such a head is the trailers too.
    if (ended && !this.over) this.complete()
    else if (!this.over) this.listener.dataRead()
  }

  write(bytes: Bytes): void {
    this.output += bytes
  }

  flush(): boolean {
    const { stream, output } = this
    if (output === '') return stream?.writableNeedDrain !== true
    // Between two tries it waits here, and whoever writes waits with it.
    if (stream === null) return output.length < keptMaxBytes
    this.output = ''
    this.keep(output)
    if (stream.destroyed || stream.closed) return true
    return stream.write(bufferOf(output))
  }

  private keep(bytes: Bytes): void {
    if (this.kept === null) return
    this.kept = this.kept.length + bytes.length > keptMaxBytes ? null : this.kept + bytes
  }

  end(trailers: Lines): void {
    if (this.trailers !== null || this.request.body === 'none') return
    this.trailers = trailers
    const { stream, output } = this
    if (stream === null) return
    this.output = ''
    this.keep(output)
    if (!stream.destroyed && !stream.closed) stream.end(bufferOf(output))
  }

  /** All that the first stream was given, to the next one. */
  private repeat(): void {
    const stream = this.stream!
    const all = (this.kept ?? '') + this.output
    this.output = ''
    this.kept = ''
    this.keep(all)
    if (this.trailers !== null) return void stream.end(bufferOf(all))
    if (all === '' || stream.write(bufferOf(all))) this.listener.serverDrained()
  }

  pause(): void {
    this.paused = true
    this.stream?.pause()
  }

  resume(): void {
    this.paused = false
    this.stream?.resume()
  }

  destroy(): void {
    if (this.over) return
    this.over = true
    const { session, stream } = this
    if (session !== null && session.heardAt < this.startedAt) session.suspect()
    stream?.close(NGHTTP2_CANCEL)
  }

  /** A stream that was reset without an error looks the same as one that ended: what says more is believed. */
  private complete(): void {
    if (this.over) return
    if (this.missing !== null && this.missing !== 0)
      return this.fail('cut', new Error(`${this.missing} bytes of its answer did not come`))
    if (this.owesStatus) return this.fail('cut', new Error('it ended without a grpc-status'))
    this.over = true
    this.session!.used = true
    const whole = this.request.body === 'none' || this.trailers !== null
    // Answered before it had the whole request: nobody wants the rest.
    if (!whole) this.stream!.close(NGHTTP2_CANCEL)
    this.listener.answerEnd(this.answerTrailers)
  }

  private closed(stream: ClientHttp2Stream, session: ServerSession, failure: Error | null): void {
    const { body, method } = this.request
    const beyond = session.lastStream !== null && (stream.id ?? 0) > session.lastStream
    const unseen = !this.answered && (stream.rstCode === NGHTTP2_REFUSED_STREAM || beyond)
    if (unseen && this.kept !== null && this.repeats++ < repeatsMax) {
      this.stream = null
      return this.find(this, false)
    }
    const error = session.error ?? failure ?? new Error(`it reset the stream (${stream.rstCode})`)
    if (unseen) return this.fail('refused', error)
    const mayRepeat = !this.answered && body === 'none' && repeatable.has(method)
    const stale = mayRepeat && this.wasUsed && session.isGone
    this.fail(stale ? 'stale' : 'cut', error)
  }

  /** @param how `refused` where no server has looked at it */
  fail(how: CallFailure, error: Error): void {
    if (this.over) return
    this.over = true
    this.stream?.close(NGHTTP2_CANCEL)
    // Whoever asks elsewhere has no body any more to send.
    const gone = how === 'refused' && this.connected && this.request.body !== 'none'
    this.listener.failed(gone ? 'cut' : how, error)
  }
}

function saysStatus(lines: Lines): boolean {
  return /^grpc-status:/im.test(lines)
}

/** @param raw its first pair is `:status` */
function fieldsOf(raw: readonly string[]) {
  const lines = raw[0] === ':status' ? linesOf(raw.slice(2)) : null
  if (typeof lines !== 'string') return null
  const fields = parseFields(lines)
  return isUnreadable(fields) ? null : fields
}
