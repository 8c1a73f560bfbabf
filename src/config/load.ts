/** `beryl.yaml` → Manifest, or every problem in it with file, line and column. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LineCounter, isMap, isScalar, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { crossCheck } from './cross-check.ts'
import { describeIssue } from './describe-issue.ts'
import type { Path } from './describe-issue.ts'
import { manifest } from './manifest.ts'
import type { Manifest, ManifestText } from './manifest.ts'
import { notBuilt } from './not-built.ts'
import { sealManifest } from './seal.ts'
import { substitute } from './substitute.ts'
import { ManifestError } from './manifest-error.ts'
import type { ManifestProblem } from './manifest-error.ts'

/** `text` is what was read: `up` keeps it for a controller that starts again later. */
export type Loaded = {
  manifest: Manifest
  /** The same with secrets by name, where only a replica or a gate reads them: what may be kept. */
  sealed: Manifest
  /** The same before `${NAME}` was put in: what may be kept and compared where a value may be a secret. */
  asWritten: ManifestText
  file: string
  directory: string
  text: string
}

export type LoadOptions = {
  /**
   * Read the text from here, while `file` still names it and its paths. A copy that was checked once is not checked again for
   * files that exist: a Beryl in charge of live traffic goes on when somebody moves a file.
   */
  copy?: string
  /** This text, as if it stood in `file`. */
  text?: string
}

const fileMaxBytes = 1024 * 1024
/** Bounds the alias bombs that YAML allows. */
const aliasMax = 100

/** @throws ManifestError with everything that is wrong */
export async function loadManifest(
  file: string,
  { copy, text: given }: LoadOptions = {},
): Promise<Loaded> {
  const path = resolve(file)
  const bytes = given === undefined ? await read(file, copy ?? path) : Buffer.from(given)
  const text = textOf(file, bytes)
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const syntax = [...document.errors, ...document.warnings].map((error): ManifestProblem => ({
    file,
    ...at(error.pos[0]),
    path: '',
    message: `not YAML: ${error.message}`,
  }))
  if (syntax.length > 0) throw new ManifestError(syntax)
  const problemAt = (place: Path, message: string, of: 'value' | 'key' = 'value') => ({
    file,
    ...at(of === 'key' ? keyOffset(document, place) : offsetOf(document, place)),
    path: place.map(String).join('.'),
    message,
  })

  const written = toPlain(document, file)
  const { value, missing } = substitute(written, process.env)
  const unbuilt = notBuilt(value)
  const parsed = manifest.safeParse(value)
  const problems = [
    ...missing.map(({ path: place, name }) =>
      problemAt(
        place,
        `the environment variable ${name} is not set; set it, or write $\${${name}} for the text itself`,
      ),
    ),
    ...unbuilt.map(({ path: place, what }) =>
      problemAt(place, `${what} is not built yet in this version of Beryl; leave it out`),
    ),
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => describeIssue(issue, written)))
      .filter(
        ({ path: place }, index, all) =>
          !unbuilt.some((one) => isWithin(place, one.path) || isAbove(place, one.path)) &&
          all.findIndex((other) => String(other.path) === String(place)) === index,
      )
      .map(({ path: place, message, of }) => problemAt(place, message, of)),
  ]
  if (problems.length > 0 || !parsed.success) throw new ManifestError(inOrder(problems))
  const directory = dirname(path)
  const crossed = copy === undefined ? await crossCheck(parsed.data, directory) : []
  if (crossed.length > 0)
    throw new ManifestError(
      inOrder(crossed.map(({ path: place, message }) => problemAt(place, message))),
    )
  const asWritten = written as Loaded['asWritten']
  const sealed = sealManifest(written, parsed.data)
  return { manifest: parsed.data, sealed, asWritten, file: path, directory, text }
}

function inOrder(problems: readonly ManifestProblem[]): ManifestProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}

/** What is wrong only because of a key that is not built: under it, or beside it in the same gate or rung. */
function isWithin(place: Path, unbuilt: Path): boolean {
  const whole = typeof unbuilt.at(-2) === 'number' ? unbuilt.slice(0, -1) : unbuilt
  return whole.every((part, index) => part === place[index])
}

function isAbove(place: Path, unbuilt: Path): boolean {
  return place.every((part, index) => part === unbuilt[index])
}

async function read(file: string, path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    const { code, message } = cause as NodeJS.ErrnoException
    const hint =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'there is no such file; give another one with -f'
        : code === 'EISDIR'
          ? 'it is a directory; give the file in it with -f'
          : message
    throw new ManifestError([
      { file, line: 1, column: 1, path: '', message: `cannot be read: ${hint}` },
    ])
  })
}

/** @throws ManifestError where it is too large, or no text */
function textOf(file: string, bytes: Buffer): string {
  const refuse = (message: string) =>
    new ManifestError([{ file, line: 1, column: 1, path: '', message }])
  if (bytes.length > fileMaxBytes) throw refuse(`larger than ${fileMaxBytes} bytes`)
  if (bytes.includes(0)) throw refuse('expected YAML text, came binary data')
  const text = utf8(bytes)
  if (text === null) throw refuse('expected YAML text in UTF-8, came another encoding')
  if (text.trim() === '') throw refuse('the file is empty; begin with `apiVersion: beryl/v1`')
  return text
}

function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function toPlain(document: Document, file: string): unknown {
  try {
    const plain: unknown = document.toJS({ maxAliasCount: aliasMax })
    if (isEndless(plain, [])) throw new Error('an alias (*) stands within what it names (&)')
    return plain
  } catch (cause) {
    throw new ManifestError([
      { file, line: 1, column: 1, path: '', message: `not usable: ${(cause as Error).message}` },
    ])
  }
}

function isEndless(value: unknown, above: readonly object[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  const down = [...above, value]
  return above.includes(value) || Object.values(value).some((one) => isEndless(one, down))
}

/** Where the value stands, or the nearest thing above it that is there. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    const range = (node as { range?: [number, number, number] } | null | undefined)?.range
    if (range) return range[0]
  }
  return 0
}

/** Where the key stands: of an unknown one, the word itself is what is wrong. */
function keyOffset(document: Document, path: Path): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)))
    : undefined
  const range = (pair?.key as { range?: [number, number, number] } | undefined)?.range
  return range?.[0] ?? offsetOf(document, path)
}
