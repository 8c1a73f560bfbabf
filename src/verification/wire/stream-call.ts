/** One request and its answer, as a stream of HTTP/2. */
import { constants } from 'node:http2'
import type {
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
} from 'node:http2'
import { peerTrouble } from '../../tls/peer.ts'
import { timerMs } from '../timer-ms.ts'
import { answerMaxBytes, NoAnswer, tooLarge, tooLate } from './exchange.ts'
import type { Received, Sent, To } from './exchange.ts'
import type { Session } from './session.ts'

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants
/** Meant for one connection of HTTP/1.1; malformed in HTTP/2 (RFC 9113 §8.2.2). */
const ofConnections = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

export class StreamCall {
  /** Rejects with `NoAnswer`, or a TypeError where it cannot be sent as it is. */
  readonly answer: Promise<Received>
  repeats = 0
  private readonly sent: Sent
  private readonly to: To
  private readonly begun = performance.now()
  private readonly limit: NodeJS.Timeout
  private readonly resolve: (received: Received) => void
  private readonly reject: (why: Error) => void
  private stream: ClientHttp2Stream | null = null
  private session: Session | null = null
  private startedAt = 0
  private over = false
  /** Its place on the connection is free. */
  private release: (() => void) | null = null

  constructor(sent: Sent, to: To) {
    this.sent = sent
    this.to = to
    const { promise, resolve, reject } = Promise.withResolvers<Received>()
    this.answer = promise
    this.resolve = resolve
    this.reject = reject
    this.limit = setTimeout(() => this.late(), timerMs(to.timeoutS))
  }

  /** @param session ready, and with room @param ended called once, whatever becomes of it */
  start(session: Session, again: () => void, ended: () => void): void {
    if (this.over) return ended()
    this.release = ended
    const body = Buffer.from(this.sent.body)
    let stream: ClientHttp2Stream
    try {
      stream = session.request(headOf(this.sent, this.to), body.length === 0)
    } catch (error) {
      this.leave()
      return this.fail(error as Error)
    }
    this.session = session
    this.stream = stream
    this.startedAt = performance.now()
    stream.once('close', () => this.leave())
    this.hear(stream, session, again)
    // A buffer, never text: gateway/http2/lines.ts says why.
    if (body.length > 0) stream.end(body)
  }

  /** Nothing comes of it any more. */
  fail(why: Error): void {
    if (this.over) return
    this.over = true
    clearTimeout(this.limit)
    this.stream?.close(NGHTTP2_CANCEL)
    const isTold = why instanceof NoAnswer || why instanceof TypeError
    this.reject(isTold ? why : new NoAnswer(peerTrouble(why), false, { cause: why }))
  }

  private hear(stream: ClientHttp2Stream, session: Session, again: () => void): void {
    const chunks: { bytes: Buffer; ms: number }[] = []
    let [size, failure] = [0, null as Error | null]
    let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | null = null
    let trailers: IncomingHttpHeaders = {}
    const heard = () => (session.heardAt = performance.now())
    stream.on('response', (headers) => {
      heard()
      head = headers
    })
    stream.on('data', (bytes: Buffer) => {
      heard()
      size += bytes.length
      if (size > answerMaxBytes) this.fail(tooLarge())
      else chunks.push({ bytes, ms: performance.now() - this.begun })
    })
    stream.on('trailers', (fields: IncomingHttpHeaders) => (trailers = fields))
    stream.on('end', () => {
      // A stream that was reset ends too.
      if (head === null || stream.aborted || stream.rstCode !== NGHTTP2_NO_ERROR) return
      const { ':status': status = 0, ...headers } = head
      const missing = Number(headers['content-length'] ?? size) - size
      if (missing !== 0 && this.sent.method !== 'HEAD')
        return this.fail(new Error(`${missing} bytes of the answer did not come`))
      this.done({ status, headers, trailers, chunks, ms: performance.now() - this.begun })
    })
    stream.on('error', (error: Error) => (failure = error))
    stream.on('close', () => {
      if (this.over) return
      const beyond = session.lastStream !== null && (stream.id ?? 0) > session.lastStream
      if (head === null && (stream.rstCode === NGHTTP2_REFUSED_STREAM || beyond)) {
        this.stream = null
        return again()
      }
      const where = head === null ? 'without an answer' : 'in the middle of the answer'
      const reset = new Error(`it reset the stream ${where} (${stream.rstCode})`)
      this.fail(session.error ?? failure ?? reset)
    })
  }

  private done(received: Received): void {
    if (this.over) return
    this.over = true
    clearTimeout(this.limit)
    this.leave()
    // Answered before it had the whole request: nobody wants the rest.
    if (this.stream?.writableFinished === false) this.stream.close(NGHTTP2_CANCEL)
    this.resolve(received)
  }

  private leave(): void {
    this.release?.()
    this.release = null
  }

  private late(): void {
    // Nothing at all was heard on that connection since: whoever comes next takes another.
    if (this.session !== null && this.session.heardAt < this.startedAt) this.session.leave()
    this.fail(tooLate(this.to.timeoutS))
  }
}

function headOf({ method, target, headers }: Sent, { host, port, tls }: To): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (!ofConnections.has(key) && key !== 'host' && value !== undefined) fields[key] = value
  }
  const named = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host')?.[1]
  return {
    ':method': method,
    ':scheme': tls === undefined ? 'http' : 'https',
    ':authority': String(named ?? `${host.includes(':') ? `[${host}]` : host}:${port}`),
    ':path': target,
    ...fields,
    // Whatever comes behind an answer is heard; servers of gRPC insist on knowing so.
    te: 'trailers',
  }
}
