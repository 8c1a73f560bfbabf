/**
 * A body as it comes: by length, in chunks, or until the connection ends. Strict about chunks: RFC 9112 §7.1. Each read costs one
 * step per chunk in it, never one per byte.
 */
import { isUnreadable, parseFields } from './fields.ts'
import type { Bytes, Lines } from './wire.ts'

export type BodySink = {
  /** @param framed the same as one whole chunk, where it came as we would frame it ourselves: it may go on as it is */
  bodyData(bytes: Bytes, framed?: Bytes): void
  bodyEnd(trailers: Lines): void
}

/** A chunk's size, extensions and all. */
const sizeLineMaxBytes = 1024
const trailersMaxBytes = 16 * 1024
/** 2⁵² bytes in hexadecimal; more digits are an attack. */
const sizeDigitsMax = 13
/** Below 2²⁸ in hexadecimal. */
const plainDigitsMax = 7
const zero = 48

const sizeLine = /^([\dA-Fa-f]+)(?:;[\t -~\u0080-\u00ff]*)?$/

type State = 'length' | 'close' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'done' | 'broken'

export class BodyReader {
  /** What is read and does not make a whole yet: part of a size line, or of the trailers. */
  private held = ''
  private left: number
  private state: State

  /** @param length bytes; -1 for chunks, -2 until the connection ends */
  constructor(length: number) {
    this.left = length
    this.state = length >= 0 ? 'length' : length === -1 ? 'size' : 'close'
  }

  get done(): boolean {
    return this.state === 'done'
  }

  /** The connection has ended: right only where that is what ends the body. */
  close(sink: BodySink): boolean {
    if (this.state !== 'close') return false
    this.state = 'done'
    sink.bodyEnd('')
    return true
  }

  /**
   * @returns where in `bytes` the body ended, or its length when it goes on; -1 when it cannot be read
   */
  read(bytes: Bytes, from: number, sink: BodySink): number {
    let at = from
    while (at < bytes.length) {
      switch (this.state) {
        case 'length':
        case 'chunk': {
          const to = Math.min(bytes.length, at + this.left)
          this.left -= to - at
          sink.bodyData(at === 0 && to === bytes.length ? bytes : bytes.slice(at, to))
          at = to
          if (this.left > 0) return at
          if (this.state === 'chunk') this.state = 'chunk-end'
          else return this.finish('', at, sink)
          break
        }
        case 'close':
          sink.bodyData(at === 0 ? bytes : bytes.slice(at))
          return bytes.length
        case 'size': {
          const end = this.wholeChunk(bytes, at, sink)
          if (end === -1) at = this.line(bytes, at)
          else at = end
          if (this.isBroken()) return -1
          break
        }
        case 'chunk-end':
          at = this.line(bytes, at)
          if (this.isBroken()) return -1
          break
        case 'trailers':
          return this.trailers(bytes, at, sink)
        case 'done':
          return at
        case 'broken':
          return -1
      }
    }
    return at
  }

  private isBroken(): boolean {
    return this.state === 'broken'
  }

  /**
   * What a token of a stream nearly always is: one chunk, all of it here, its size without extensions or zeros in front.
   * @returns where it ended; -1: whatever it is, read it piece by piece
   */
  private wholeChunk(bytes: Bytes, from: number, sink: BodySink): number {
    if (this.held !== '' || bytes.charCodeAt(from) === zero) return -1
    const data = this.plainSize(bytes, from)
    if (data === -1) return -1
    const to = data + this.left
    const end = plainEnd(bytes, to)
    if (end === -1) return -1
    const isAll = from === 0 && end === bytes.length
    sink.bodyData(bytes.slice(data, to), isAll ? bytes : bytes.slice(from, end))
    return end
  }

  /** Reads the CR LF behind a chunk, or a size line. */
  private line(bytes: Bytes, from: number): number {
    if (this.held === '') {
      const end = this.state === 'size' ? this.plainSize(bytes, from) : plainEnd(bytes, from)
      if (end !== -1) {
        if (this.state === 'chunk-end') this.state = 'size'
        else this.state = this.left === 0 ? 'trailers' : 'chunk'
        return end
      }
    }
    const text = this.held + bytes.slice(from, from + sizeLineMaxBytes + 2)
    const already = this.held.length
    if (this.state === 'chunk-end') {
      if (text.length >= 2 ? !text.startsWith('\r\n') : text !== '\r') return this.breakOff()
      if (text.length < 2) return this.hold(text, bytes)
      this.held = ''
      this.state = 'size'
      return from + 2 - already
    }
    const end = text.indexOf('\r\n')
    if (end === -1) return text.length > sizeLineMaxBytes ? this.breakOff() : this.hold(text, bytes)
    const match = sizeLine.exec(text.slice(0, end))
    if (match === null || match[1]!.length > sizeDigitsMax) return this.breakOff()
    this.left = Number.parseInt(match[1]!, 16)
    this.held = ''
    this.state = this.left === 0 ? 'trailers' : 'chunk'
    return from + end + 2 - already
  }

  /** What nearly every size line is: a few digits and nothing else. @returns where it ended; -1: whatever it is, look closer */
  private plainSize(bytes: Bytes, from: number): number {
    let size = 0
    let at = from
    for (; at - from < plainDigitsMax; at++) {
      const code = bytes.charCodeAt(at)
      if (code >= 48 && code <= 57) size = size * 16 + code - 48
      else if ((code | 32) >= 97 && (code | 32) <= 102) size = size * 16 + (code | 32) - 87
      else break
    }
    if (at === from) return -1
    const end = plainEnd(bytes, at)
    if (end !== -1) this.left = size
    return end
  }

  private trailers(bytes: Bytes, from: number, sink: BodySink): number {
    const already = this.held.length
    const text = this.held + bytes.slice(from, from + trailersMaxBytes + 4)
    if (text.startsWith('\r\n')) return this.finish('', from + 2 - already, sink)
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) return text.length > trailersMaxBytes ? this.breakOff() : this.hold(text, bytes)
    const fields = parseFields(text.slice(0, end + 2))
    if (isUnreadable(fields) || framing(fields)) return this.breakOff()
    return this.finish(without(fields.lines, fields.dropped), from + end + 4 - already, sink)
  }

  private finish(trailers: Lines, at: number, sink: BodySink): number {
    this.state = 'done'
    sink.bodyEnd(trailers)
    return at
  }

  private hold(text: string, bytes: Bytes): number {
    this.held = text
    return bytes.length
  }

  private breakOff(): number {
    this.state = 'broken'
    return -1
  }
}

function plainEnd(bytes: Bytes, at: number): number {
  return bytes.charCodeAt(at) === 13 && bytes.charCodeAt(at + 1) === 10 ? at + 2 : -1
}

/** What frames a message may not come after it (RFC 9110 §6.5.1). */
function framing({
  contentLength,
  chunked,
  hosts,
}: {
  contentLength: number
  chunked: boolean
  hosts: number
}): boolean {
  return contentLength >= 0 || chunked || hosts > 0
}

/** Lines without those that must not go on: the runs between them, copied. */
export function without(lines: Lines, dropped: readonly number[]): Lines {
  if (dropped.length === 0) return lines
  let out = ''
  let at = 0
  for (let index = 0; index < dropped.length; index += 2) {
    if (dropped[index]! > at) out += lines.slice(at, dropped[index])
    at = dropped[index + 1]!
  }
  return at < lines.length ? out + lines.slice(at) : out
}

/** One chunk. */
export function chunkOf(bytes: Bytes): Bytes {
  return `${bytes.length.toString(16)}\r\n${bytes}\r\n`
}

export function lastChunk(trailers: Lines): Bytes {
  return `0\r\n${trailers}\r\n`
}
