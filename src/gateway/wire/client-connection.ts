/**
 * A client's connection: one request after the other, each an exchange. Input that comes before its turn (pipelining) waits here,
 * and beyond a limit in the kernel. RFC 9112 §9.
 */
import type { Socket } from 'node:net'
import { ClientExchange, statusLine } from './client-exchange.ts'
import { isUnreadable } from './fields.ts'
import type { Unreadable } from './fields.ts'
import { headMaxBytes, parseRequestHead, targetMaxBytes } from './heads.ts'
import { linkOf } from './link.ts'
import type { Link, LinkListener } from './link.ts'
import type { Bytes, Exchange } from './wire.ts'

export type Acceptance = {
  handle(exchange: Exchange): void
  /** No more requests after the present one. */
  readonly stopping: boolean
  /** Each client is told with its next answer to come back on a new connection; until then it may ask on this one. */
  readonly leaving: boolean
  left(connection: ClientConnection): void
  refused(refusal: Unreadable): void
  /** It began as HTTP/2 does: from here on it is not this connection's. */
  http2(socket: Socket, secure: boolean): void
}

/** How HTTP/2 by prior knowledge begins, up to where a head of HTTP/1.1 would end. RFC 9113 §3.4. */
const prefaceOfHttp2 = 'PRI * HTTP/2.0\r\n'

type Phase = 'head' | 'exchange' | 'tunnel' | 'closing'

export class ClientConnection implements LinkListener {
  readonly link: Link
  /** Since when (ms, monotonic) it is where it is: for deadlines, which one clock looks after for all connections. */
  since = performance.now()
  /** Since when the client takes nothing of what was written. */
  blockedSince = 0
  /** Since when the client sends no more, and waits for its answer or is gone: both look the same. */
  halfClosedSince = 0
  private phase: Phase = 'head'
  private tunnelled: LinkListener | null = null
  private input = ''
  /** Where the search for the end of the head goes on. */
  private searched = 0
  private exchange: ClientExchange | null = null
  private forgiven = false
  private inputEnded = false
  private looping = false
  /** No request was read of it yet. */
  private fresh = true
  readonly secure: boolean
  private readonly acceptance: Acceptance

  constructor(socket: Socket, acceptance: Acceptance, secure = false) {
    this.acceptance = acceptance
    this.secure = secure
    this.link = linkOf(socket, this)
  }

  /** The answer that begins now is said to be the last one. */
  get saysGoodbye(): boolean {
    return this.acceptance.stopping || this.acceptance.leaving
  }

  /** All is said; what the client still sends is thrown away, for a while. */
  get lingers(): boolean {
    return (this.phase === 'closing' || this.exchange?.discards === true) && this.link.waiting === 0
  }

  /** The client has closed its half, and nothing of its answer is there yet. */
  get mayBeGone(): boolean {
    return this.halfClosedSince > 0 && this.exchange?.isAnswered === false
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
    // What was answered before may still wait in the socket: it goes out first.
    if (this.phase === 'head') return this.close()
    this.halfClosedSince = performance.now()
    this.exchange?.noMoreInput()
  }

  drained(): void {
    this.blockedSince = 0
    this.since = performance.now()
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
    this.link.watch()
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
    if (this.phase === 'head' && this.inputEnded) this.close()
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
      const line = this.input.indexOf('\r\n')
      const isLine = line === -1 || line > targetMaxBytes
      const what = isLine
        ? `a request line of more than ${targetMaxBytes}`
        : `a head of more than ${headMaxBytes}`
      this.refuse({ status: isLine ? 414 : 431, because: `${what} bytes` })
      return false
    }
    if (end === -1) {
      this.searched = Math.max(0, this.input.length - 3)
      return false
    }
    const text = this.input.slice(0, end + 2)
    const head = parseRequestHead(text)
    if (isUnreadable(head)) {
      if (this.fresh && text === prefaceOfHttp2) this.giveAway()
      else this.refuse(head)
      return false
    }
    const rest = this.input.slice(end + 4)
    this.fresh = false
    this.input = ''
    this.searched = 0
    this.forgiven = false
    this.phase = 'exchange'
    this.exchange = new ClientExchange(this, head, rest)
    this.acceptance.handle(this.exchange)
    return true
  }

  private giveAway(): void {
    const early = this.input
    this.phase = 'closing'
    this.input = ''
    this.acceptance.left(this)
    this.acceptance.http2(this.link.release(early), this.secure)
  }
}
