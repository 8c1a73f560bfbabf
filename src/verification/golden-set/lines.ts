/** Reads a golden set: JSON Lines of `{"request": body, "expected": value, "slice"?: name}`. All of it, or an error that names the line. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

export type GoldenLine = { line: number; request: unknown; expected: unknown; slice: string }

export class GoldenSetError extends Error {
  override name = 'GoldenSetError'
}

const fileMaxBytes = 256 * 1024 * 1024
const sliceMaxLength = 60

/** @throws GoldenSetError naming file and line */
export async function readGoldenSet(
  file: string,
): Promise<{ lines: GoldenLine[]; digest: string }> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new GoldenSetError(`cannot read the golden set ${file}: ${(cause as Error).message}`, {
      cause,
    })
  })
  if (bytes.length > fileMaxBytes)
    throw new GoldenSetError(`${file} is larger than ${fileMaxBytes} bytes`)
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [readLine(file, text, index + 1)]))
  if (lines.length === 0)
    throw new GoldenSetError(`${file} is empty: a golden set needs at least one line`)
  return { lines, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

function readLine(file: string, text: string, line: number): GoldenLine {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new GoldenSetError(`${file}:${line}: not JSON (${(cause as Error).message})`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new GoldenSetError(
      `${file}:${line}: expected {"request": …, "expected": …}, came ${text.slice(0, 60)}`,
    )
  const { request, expected, slice } = value as {
    request?: unknown
    expected?: unknown
    slice?: unknown
  }
  if (request === undefined)
    throw new GoldenSetError(`${file}:${line}: "request" is missing: the body that is sent`)
  if (expected === undefined)
    throw new GoldenSetError(`${file}:${line}: "expected" is missing: the answer it should be`)
  if (slice !== undefined && typeof slice !== 'string')
    throw new GoldenSetError(`${file}:${line}: "slice" must be a string`)
  return {
    line,
    request,
    expected,
    slice: (slice ?? (typeof expected === 'string' ? expected : 'all')).slice(0, sliceMaxLength),
  }
}
