/** Reads a golden set line by line: JSON Lines of `{"request": body, "expected": value, "slice"?: name}`. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

export type GoldenLine = {
  /** From 1. */
  line: number
  request: unknown
  expected: unknown
  /** As the file gives it; null where it does not. */
  slice: string | null
}

export class GoldenSetError extends Error {
  override name = 'GoldenSetError'
}

const lineMaxBytes = 4 * 1024 * 1024
/** What is remembered of each line is small, but it is remembered. */
const linesMax = 250_000
const sliceMaxLength = 60

/**
 * Yields the lines, returns the `sha256:…` of the whole file. Memory holds one line.
 * @throws GoldenSetError naming file and line; the reason of `signal` once that is aborted
 */
export async function* goldenLines(
  file: string,
  signal: AbortSignal,
): AsyncGenerator<GoldenLine, string> {
  const hash = createHash('sha256')
  let line = 0
  let found = 0
  for await (const bytes of textLines(file, signal, hash)) {
    line++
    const text = decode(file, line, bytes)
    if (text.trim() === '') continue
    if (++found > linesMax)
      throw new GoldenSetError(`${file}:${line}: a golden set has at most ${linesMax} lines`)
    yield readLine(`${file}:${line}`, line, text)
  }
  if (found === 0)
    throw new GoldenSetError(`${file} is empty: a golden set needs at least one line`)
  return `sha256:${hash.digest('hex')}`
}

/** The file cut at line feeds, which are left out. */
async function* textLines(
  file: string,
  signal: AbortSignal,
  hash: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  let line = 1
  for await (const chunk of chunksOf(file, signal)) {
    hash.update(chunk)
    let from = 0
    while (from <= chunk.length) {
      const feed = chunk.indexOf(10, from)
      const piece = chunk.subarray(from, feed === -1 ? chunk.length : feed)
      held.push(piece)
      size += piece.length
      if (size > lineMaxBytes)
        throw new GoldenSetError(`${file}:${line}: the line is longer than ${lineMaxBytes} bytes`)
      if (feed === -1) break
      yield Buffer.concat(held)
      held = []
      size = 0
      line++
      from = feed + 1
    }
  }
  yield Buffer.concat(held)
}

async function* chunksOf(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    // A named pipe would be waited for, and a device never ends.
    if (!(await stat(file)).isFile()) throw new Error('it is not a file')
    for await (const chunk of createReadStream(file, { signal })) yield chunk as Buffer
  } catch (cause) {
    signal.throwIfAborted()
    throw new GoldenSetError(`cannot read the golden set ${file}: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function decode(file: string, line: number, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new GoldenSetError(`${file}:${line}: not UTF-8`, { cause })
  }
}

function readLine(at: string, line: number, text: string): GoldenLine {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new GoldenSetError(`${at}: not JSON (${(cause as Error).message})`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GoldenSetError(
      `${at}: expected {"request": …, "expected": …}, came ${text.slice(0, 60)}`,
    )
  const { request, expected, slice } = value as Partial<Record<string, unknown>>
  if (request === undefined)
    throw new GoldenSetError(`${at}: "request" is missing: the body that is sent`)
  if (expected === undefined)
    throw new GoldenSetError(`${at}: "expected" is missing: the answer it should be`)
  if (slice !== undefined && typeof slice !== 'string')
    throw new GoldenSetError(`${at}: "slice" must be a string, it is ${JSON.stringify(slice)}`)
  return { line, request, expected, slice: slice?.slice(0, sliceMaxLength) ?? null }
}
