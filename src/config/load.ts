/** `beryl.yaml` → Manifest, or every problem in it with file, line and column. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { z } from 'zod'
import { crossCheck } from './cross-check.ts'
import { manifest } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { nearest } from './nearest.ts'
import { notBuilt } from './not-built.ts'
import { substitute } from './substitute.ts'

export type Loaded = { manifest: Manifest; file: string; directory: string }

export type ManifestProblem = {
  file: string
  line: number
  column: number
  path: string
  message: string
}

export class ManifestError extends Error {
  override name = 'ManifestError'
  readonly problems: readonly ManifestProblem[]
  constructor(problems: readonly ManifestProblem[]) {
    super(
      problems
        .map(
          ({ file, line, column, path, message }) =>
            `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}: ${message}`,
        )
        .join('\n'),
    )
    this.problems = problems
  }
}

type Path = readonly PropertyKey[]

const fileMaxBytes = 1024 * 1024
/** Bounds the alias bombs that YAML allows. */
const aliasMax = 100

/** @throws ManifestError with everything that is wrong */
export async function loadManifest(file: string): Promise<Loaded> {
  const path = resolve(file)
  const text = await read(file, path)
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
  const problemAt = (place: Path, message: string): ManifestProblem => ({
    file,
    ...at(offsetOf(document, place)),
    path: place.map(String).join('.'),
    message,
  })

  const { value, missing } = substitute(toPlain(document, file), process.env)
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
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => describe(issue, value)))
      .filter(({ path: place }) => !unbuilt.some((one) => isWithin(place, one.path)))
      .map(({ path: place, message }) => problemAt(place, message)),
  ]
  if (problems.length > 0 || !parsed.success)
    throw new ManifestError(problems.toSorted((a, b) => a.line - b.line || a.column - b.column))
  const directory = dirname(path)
  const crossed = await crossCheck(parsed.data, directory)
  if (crossed.length > 0)
    throw new ManifestError(crossed.map(({ path: place, message }) => problemAt(place, message)))
  return { manifest: parsed.data, file: path, directory }
}

/** What is wrong only because of a key that is not built: under it, or beside it in the same gate or rung. */
function isWithin(place: Path, unbuilt: Path): boolean {
  const whole = typeof unbuilt.at(-2) === 'number' ? unbuilt.slice(0, -1) : unbuilt
  return whole.every((part, index) => part === place[index])
}

async function read(file: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const hint =
      (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'there is no such file; give another one with -f'
        : (cause as Error).message
    throw new ManifestError([
      { file, line: 1, column: 1, path: '', message: `cannot be read: ${hint}` },
    ])
  })
  const refuse = (message: string) =>
    new ManifestError([{ file, line: 1, column: 1, path: '', message }])
  if (bytes.length > fileMaxBytes) throw refuse(`larger than ${fileMaxBytes} bytes`)
  if (bytes.includes(0)) throw refuse('expected YAML text, came binary data')
  if (bytes.toString('utf8').trim() === '')
    throw refuse('the file is empty; begin with `apiVersion: beryl/v1`')
  return bytes.toString('utf8')
}

function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasMax })
  } catch (cause) {
    throw new ManifestError([
      { file, line: 1, column: 1, path: '', message: `not usable: ${(cause as Error).message}` },
    ])
  }
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

type Described = { path: Path; message: string }

function describe(issue: z.core.$ZodIssue, whole: unknown): Described[] {
  const came = `came ${show(valueAt(whole, issue.path))}`
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        message: `unknown key ${JSON.stringify(key)}${nearest(key, knownKeys(issue.path))}`,
      }))
    case 'invalid_union': {
      // The branch that came furthest says most.
      const deepest = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)
      const best = deepest[0]
      if (
        best === undefined ||
        (best.path.length === 0 &&
          issue.errors.length > 1 &&
          deepest.every(({ path }) => path.length === 0))
      ) {
        const options = [...new Set(issue.errors.flat().map(expectation))]
        return [{ path: issue.path, message: `expected ${options.join(', or ')}, ${came}` }]
      }
      return describe({ ...best, path: [...issue.path, ...best.path] }, whole)
    }
    case 'invalid_key': {
      const name = JSON.stringify(issue.path.at(-1))
      return issue.issues.map((one) => ({
        path: issue.path,
        message: `${expectedText(one)} in a name, came ${name}`,
      }))
    }
    default:
      return [{ path: issue.path, message: `${expectedText(issue)}, ${came}` }]
  }
}

function expectedText(issue: z.core.$ZodIssue): string {
  const text = expectation(issue)
  return text.startsWith('expected') ? text : `expected ${text}`
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value')
    return issue.values.map((value) => JSON.stringify(value)).join(' or ')
  if (issue.code === 'invalid_type' && !issue.message.startsWith('expected')) return issue.expected
  if (issue.code === 'unrecognized_keys') return `no key ${issue.keys.join(', ')}`
  return issue.message
    .replace(/^(Invalid input: |Invalid string: |Too (small|big): )/, '')
    .replace(/^expected /, '')
}

/** Keys that the schema knows at a place, for suggestions. */
function knownKeys(path: Path): string[] {
  let schema: unknown = z.toJSONSchema(manifest, { io: 'input', unrepresentable: 'any' })
  for (const part of path) schema = child(schema, part)
  const options = [schema, ...((schema as { anyOf?: unknown[] } | undefined)?.anyOf ?? [])]
  return options.flatMap((one) =>
    Object.keys((one as { properties?: object } | undefined)?.properties ?? {}),
  )
}

function child(schema: unknown, part: PropertyKey): unknown {
  const { properties, additionalProperties, items, anyOf } = (schema ?? {}) as {
    properties?: Record<PropertyKey, unknown>
    additionalProperties?: unknown
    items?: unknown
    anyOf?: unknown[]
  }
  if (typeof part === 'number') return items
  return (
    properties?.[part] ??
    (typeof additionalProperties === 'object'
      ? additionalProperties
      : anyOf?.map((one) => child(one, part)).find((one) => one !== undefined))
  )
}

function valueAt(whole: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part],
    whole,
  )
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
