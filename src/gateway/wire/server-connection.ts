/** A connection to a model server: one call after the other. RFC 9112 §9; a server's answer is read as strictly as a client's request. */
import { BodyReader, chunkOf, lastChunk } from './body-reader.ts'
import type { BodySink } from './body-reader.ts'
import { isUnreadable } from './fields.ts'
import { headMaxBytes, parseAnswerHead } from './heads.ts'
import type { AnswerHead } from './heads.ts'
import { linkTo } from './link.ts'
import type { Link, LinkListener } from './link.ts'
import { tunnelTo } from './tunnel.ts'
import type { Bytes, Call, CallListener, CallRequest, Lines, Server } from './wire.ts'

/** Answers before the answer (1xx): a server that sends more has lost its way. */
const interimMax = 20
/** Methods that a request without a body may be repeated with. RFC 9110 §9.2.2. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
/** Methods whose lack of a body goes without saying. RFC 9110 §8.6. */
const bodyless = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE', 'CONNECT'])

export class ServerConnection implements LinkListener {
  idleUntil = 0
  /** Calls, to their end. */
  carried = 0
  private readonly link: Link
  private readonly left: (connection: ServerConnection) => void
  private readonly idle: (connection: ServerConnection) => void
  private call: ServerCall | null = null
  private connected = false
  private used = false
  private tunnelled: LinkListener | null = null

  constructor(
    to: Server,
    hooks: { left: (one: ServerConnection) => void; idle: (one: ServerConnection) => void },
  ) {
    this.left = hooks.left
    this.idle = hooks.idle
    this.link = linkTo(to, this, () => {
      this.connected = true
      this.call?.start()
    })
  }

  take(call: ServerCall): void {
    this.call = call
    call.connection = this
    if (this.connected) call.start()
  }

  get isConnected(): boolean {
    return this.connected
  }

  /** It has carried a call before: its server may close it in the very moment it is used again. */
  get isKept(): boolean {
    return this.used
  }

  write(bytes: Bytes): boolean {
    return this.link.write(bytes)
  }

  pause(): void {
    this.link.pause()
  }

  resume(): void {
    this.link.resume()
  }

  /** @param keep false where it cannot carry another call */
  release(keep: boolean): void {
    this.call = null
    this.used = true
    this.carried++
    if (!keep) return this.destroy()
    this.link.resume()
    this.idle(this)
  }

  destroy(): void {
    this.call = null
    this.left(this)
    this.link.destroy()
  }

  becomeTunnel(listener: LinkListener): Link {
    this.tunnelled = listener
    this.call = null
    this.left(this)
    this.link.watch()
    this.link.resume()
    return this.link
  }

  data(bytes: Bytes): void {
    if (this.tunnelled !== null) return this.tunnelled.data(bytes)
    // Nobody asked: whatever it is, it must not be taken for the next answer.
    if (this.call === null) return this.destroy()
    this.call.input(bytes)
  }

  ended(): void {
    if (this.tunnelled !== null) return this.tunnelled.ended()
    if (this.call === null) return this.destroy()
    this.call.inputEnded()
  }

  drained(): void {
    if (this.tunnelled !== null) return this.tunnelled.drained()
    this.call?.drained()
  }

  closed(error: Error | null): void {
    this.left(this)
    if (this.tunnelled !== null) return this.tunnelled.closed(error)
    const { call } = this
    this.call = null
    call?.lost(error ?? new Error('the connection was closed'))
  }
}

export class ServerCall implements Call, BodySink {
  connection: ServerConnection | null = null
  private readonly request: CallRequest
  private readonly listener: CallListener
  private readonly find: (call: ServerCall) => void
  private output = ''
  private started = false
  private sent = false
  private over = false
  private head: AnswerHead | null = null
  private reader: BodyReader | null = null
  private held = ''
  private interims = 0
  private answered = false
  /** Set once the body is whole. */
  private trailers: Lines | null = null

  constructor(request: CallRequest, listener: CallListener, find: (call: ServerCall) => void) {
    this.request = request
    this.listener = listener
    this.find = find
  }

  begin(): void {
    this.find(this)
  }

  start(): void {
    if (this.over) return
    const { method, target, lines, body } = this.request
    const framing =
      body === 'open'
        ? 'Transfer-Encoding: chunked\r\n'
        : body === 'none' && !bodyless.has(method) && !/^content-length:/im.test(lines)
          ? 'Content-Length: 0\r\n'
          : ''
    this.started = true
    this.output = `${method} ${target} HTTP/1.1\r\n${lines}${framing}\r\n`
    if (body === 'none') this.sent = true
    this.listener.connected()
    // With a body the head goes out with its first part, or now where none has come yet.
    if (!this.over) this.flush()
  }

  write(bytes: Bytes): void {
    this.output += this.request.body === 'open' ? chunkOf(bytes) : bytes
  }

  flush(): boolean {
    if (this.output === '' || this.connection === null) return true
    const { output } = this
    this.output = ''
    return this.connection.write(output)
  }

  end(trailers: Lines): void {
    if (this.sent) return
    this.sent = true
    if (this.request.body === 'open') this.output += lastChunk(trailers)
    this.flush()
  }

  pause(): void {
    this.connection?.pause()
  }

  resume(): void {
    this.connection?.resume()
  }

  destroy(): void {
    if (this.over) return
    this.over = true
    this.connection?.destroy()
    this.connection = null
  }

  drained(): void {
    this.listener.serverDrained()
  }

  input(bytes: Bytes): void {
    this.answered = true
    let at = 0
    while (this.head === null) {
      const text = this.held === '' ? bytes : this.held + bytes
      const end = text.indexOf('\r\n\r\n', Math.max(0, this.held.length - 3))
      if (end > headMaxBytes || (end === -1 && text.length > headMaxBytes))
        return this.fail(new Error(`it sent a head of more than ${headMaxBytes} bytes`))
      if (end === -1) {
        this.held = text
        return
      }
      this.held = ''
      bytes = text
      at = end + 4
      const head = parseAnswerHead(text.slice(0, end + 2), this.request.method)
      if (isUnreadable(head))
        return this.fail(new Error(`its answer cannot be read: ${head.because}`))
      if (head.status === 101) return this.switched(head, text.slice(at))
      if (head.status < 200) {
        if (++this.interims > interimMax)
          return this.fail(new Error(`it sent more than ${interimMax} interim answers`))
        this.listener.interim(head.status, head.fields)
        bytes = text.slice(at)
        at = 0
        if (this.over) return
        if (bytes === '') return
        continue
      }
      this.begun(head)
      if (this.over) return
    }
    if (this.reader === null) return this.complete('', at === bytes.length)
    const end = this.reader.read(bytes, at, this)
    if (end === -1) return this.fail(new Error('the chunks of its answer cannot be read'))
    if (this.over) return
    if (this.trailers !== null) return this.complete(this.trailers, end === bytes.length)
    this.listener.dataRead()
  }

  bodyData(bytes: Bytes, framed?: Bytes): void {
    this.listener.data(bytes, framed)
  }

  bodyEnd(trailers: Lines): void {
    this.trailers = trailers
  }

  private begun(head: AnswerHead): void {
    this.head = head
    const { fields, body, untilClose } = head
    if (body !== 'none')
      this.reader = new BodyReader(body === 'length' ? fields.contentLength : untilClose ? -2 : -1)
    this.listener.head(head.status, head.reason, fields, body)
  }

  /** @param clean nothing came behind the answer: else nobody knows what comes next on that connection */
  private complete(trailers: Lines, clean: boolean): void {
    if (this.over) return
    this.over = true
    const { connection, head } = this
    this.connection = null
    // Answered before it had the whole request: that connection is of no further use (RFC 9112 §9.3).
    connection?.release(clean && this.sent && head!.keep && !head!.untilClose)
    this.listener.answerEnd(trailers)
  }

  private switched(head: AnswerHead, early: Bytes): void {
    const { connection, listener } = this
    if (!this.request.upgrade || connection === null)
      return this.fail(new Error('it changed protocols and was not asked to'))
    this.over = true
    this.connection = null
    listener.switched(head.fields, tunnelTo(connection, early))
  }

  inputEnded(): void {
    if (this.over) return
    if (this.reader?.close(this) === true) return this.complete('', true)
    this.fail(new Error('it closed the connection before its answer was complete'))
  }

  lost(error: Error): void {
    if (this.over) return
    // A reset is no end: what a server cuts so was not whole.
    this.fail(error)
  }

  private fail(error: Error): void {
    if (this.over) return
    this.over = true
    const { connection, started } = this
    this.connection = null
    const kept = connection?.isKept === true
    connection?.destroy()
    if (!started) return this.listener.failed('refused', error)
    const { method, body } = this.request
    const stale = kept && !this.answered && body === 'none' && repeatable.has(method)
    this.listener.failed(stale ? 'stale' : 'cut', error)
  }

  /** No connection in time. */
  expire(ms: number): void {
    this.fail(new Error(`no connection in ${ms} ms`))
  }
}
