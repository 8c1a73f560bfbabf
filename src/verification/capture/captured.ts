/** One recorded exchange, and how it stands in a file: `crc32 JSON`, one a line. */
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import type { Tapped } from '../../ipc/exchanges.ts'
import { inPlainWords } from '../grpc/tapped.ts'
import { decoded } from './decode.ts'
import { headerOf, headersIn } from './headers.ts'
import { piecesAfter } from './lines.ts'
import type { Header, Redactor } from './redact.ts'

const header = z.tuple([z.string().max(64 * 1024), z.string().max(64 * 1024)])
const headers = z.array(header).max(1000)
const count = z.number().min(0)
/** Text where it is UTF-8, else base64; null: none. */
const body = z
  .union([z.strictObject({ text: z.string() }), z.strictObject({ base64: z.base64() })])
  .nullable()

/** What `export` writes and `import` reads. */
const captured = z.strictObject({
  service: z.string(),
  /** What answered. */
  version: z.string(),
  release: z.string(),
  requestId: z.string().max(1000),
  /** Wall time, ms. */
  at: count,
  request: z.strictObject({
    method: z.string().regex(/^[A-Z]{1,20}$/),
    /** Path and query. */
    target: z
      .string()
      .regex(/^\/[^\s#]*$/)
      .max(64 * 1024),
    headers,
    body,
  }),
  answer: z.strictObject({
    status: z.int().min(100).max(999),
    headers,
    body,
    firstByteMs: count,
    totalMs: count,
    /** Flat pairs: when a piece came (ms), and its bytes. */
    pieces: z.array(count).max(20_000),
  }),
})

export type Captured = z.output<typeof captured>
export type Body = z.output<typeof body>

/** Headers that speak of the bytes on the wire, and no longer of what is kept. */
const ofTheWire = new Set(['content-length', 'content-encoding', 'accept-encoding'])

/** Redacted, or null where the rules cannot be followed in it: then nothing of it may be kept. */
export function capturedOf(heard: Tapped, redactor: Redactor): Captured | null {
  const tapped = inPlainWords(heard)
  const [asked, answered] = [headersIn(tapped.lines), headersIn(tapped.answerLines)]
  const [before, request] = cleaned(tapped.request, asked, redactor)
  const [answerBefore, answer] = cleaned(tapped.answer, answered, redactor)
  if (before === null || request === null || answerBefore === null || answer === null) return null
  const { service, version, release, requestId, at, method, target } = tapped
  const { status, firstByteMs, totalMs } = tapped
  const isPacked = !answerBefore.equals(tapped.answer)
  const pieces = isPacked
    ? [totalMs, answer.length]
    : piecesAfter(answerBefore, answer, tapped.pieces)
  const kept = (all: readonly Header[]) =>
    redactor.headers(all.filter(([name]) => !ofTheWire.has(name.toLowerCase()))) as [
      string,
      string,
    ][]
  return {
    service,
    version,
    release,
    requestId,
    at,
    request: {
      method,
      target: redactor.target(target),
      headers: kept(asked),
      body: bodyOf(request),
    },
    answer: {
      status,
      headers: kept(answered),
      body: bodyOf(answer),
      firstByteMs,
      totalMs,
      pieces: answer.length === 0 ? [] : [...pieces],
    },
  }
}

/** One that was exported goes through the rules of today before it is kept. */
export function redactedAgain(one: Captured, redactor: Redactor): Captured | null {
  const [request, answer] = [bytesOf(one.request.body), bytesOf(one.answer.body)]
  const lines = (all: readonly Header[]) =>
    all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const { status, firstByteMs, totalMs, pieces } = one.answer
  return capturedOf(
    {
      ...one,
      ...one.request,
      environment: 'blue',
      point: 0,
      lines: lines(one.request.headers),
      status,
      answerLines: lines(one.answer.headers),
      firstByteMs,
      totalMs,
      pieces,
      request,
      answer,
    },
    redactor,
  )
}

export function lineOf(one: Captured): string {
  const json = JSON.stringify(one)
  return `${checksum(json)} ${json}\n`
}

/** Null for a line that was torn, or changed since it was written. */
export function readLine(line: string): Captured | null {
  const json = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(json)) return null
  return JSON.parse(json) as Captured
}

/** @returns the record, or what is wrong with it */
export function readCaptured(value: unknown): Captured | { wrong: string } {
  const read = captured.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  return { wrong: `${issue!.path.join('.') || 'the line'}: ${issue!.message}` }
}

export function bytesOf(body: Body): Buffer {
  if (body === null) return Buffer.alloc(0)
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64')
}

/** As it was before it was packed for the wire, and what may be kept of that. */
function cleaned(
  bytes: Buffer,
  all: readonly Header[],
  redactor: Redactor,
): [Buffer | null, Buffer | null] {
  const plain = decoded(bytes, headerOf(all, 'content-encoding'))
  return [plain, plain && redactor.body(plain, headerOf(all, 'content-type'))]
}

function bodyOf(bytes: Buffer): Body {
  if (bytes.length === 0) return null
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}
