/** What zod found, in the words of the manifest: what was expected, what came. */
import { z } from 'zod'
import { manifest } from './manifest.ts'
import { nearest } from './nearest.ts'

export type Path = readonly PropertyKey[]

/** `of`: whether the key at the path is what is wrong, or its value. */
export type Described = { path: Path; message: string; of: 'key' | 'value' }

/** @param whole the manifest as it was written: secrets by name, never by value */
export function describeIssue(issue: z.core.$ZodIssue, whole: unknown): Described[] {
  const value = valueAt(whole, issue.path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(issue.path, key, whole))
    case 'invalid_union':
      return 'options' in issue && issue.options !== undefined
        ? [noSuchKind(issue.path, issue.options, value)]
        : describeUnion(issue, whole)
    case 'invalid_key': {
      const name = JSON.stringify(issue.path.at(-1))
      return issue.issues.map((one) => ({
        path: issue.path,
        message: `${expectedText(one)}, came ${name}`,
        of: 'key',
      }))
    }
    default:
      return [
        {
          path: issue.path,
          message:
            value === undefined
              ? `is missing: ${expectedText(issue)}`
              : `${expectedText(issue)}, came ${show(value)}${quoteHint(issue, value)}`,
          of: 'value',
        },
      ]
  }
}

function describeUnion(issue: z.core.$ZodIssueInvalidUnion, whole: unknown): Described[] {
  const { path } = issue
  const value = valueAt(whole, path)
  const within = (one: z.core.$ZodIssue) =>
    describeIssue({ ...one, path: [...path, ...one.path] }, whole)
  const unknown = isMapping(value)
    ? Object.keys(value).filter((key) => !knownKeys(path, whole).includes(key))
    : []
  if (unknown.length > 0 && knownKeys(path, whole).length > 0)
    return unknown.map((key) => unknownKey(path, key, whole))
  // The branch whose key is there is the one that was meant: what is wrong in it says most.
  const meant = issue.errors.find((issues) =>
    issues.every(
      (one) => one.path.length > 0 && valueAt(value, one.path.slice(0, 1)) !== undefined,
    ),
  )
  if (meant !== undefined) return meant.flatMap(within)
  const expected = [...new Set(issue.errors.flat().map(expectation))]
  return [{ path, message: `expected ${expected.join(', or ')}, came ${show(value)}`, of: 'value' }]
}

/** Of a mapping whose kind one of its keys tells (`provider`): what came there is none of them. */
function noSuchKind(path: Path, options: readonly unknown[], value: unknown): Described {
  const expected = `expected ${options.map((one) => JSON.stringify(one)).join(' or ')}`
  const message =
    value === undefined ? `is missing: ${expected}` : `${expected}, came ${show(value)}`
  return { path, message, of: 'value' }
}

function unknownKey(path: Path, key: string, whole: unknown): Described {
  const kind = kindWith(path, key)
  const message =
    kind === null
      ? `unknown key ${JSON.stringify(key)}${suggestion(key, path, whole)}`
      : `${JSON.stringify(key)} is for \`${kind}\` only: leave it out`
  return { path: [...path, key], message, of: 'key' }
}

/** A key that another kind of the same mapping knows, as `provider: process`; null where none does. */
function kindWith(path: Path, key: string): string | null {
  const kinds = (schemaAt(path) as Choice | undefined)?.oneOf ?? []
  const kind = kinds.find(({ properties }) => Object.hasOwn(properties, key))
  const [told] = Object.entries(kind?.properties ?? {}).filter(([, one]) => 'const' in one)
  return told === undefined ? null : `${told[0]}: ${String(told[1].const)}`
}

type Choice = { oneOf?: { properties: Record<string, { const?: unknown }> }[] }

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function expectedText(issue: z.core.$ZodIssue): string {
  const text = expectation(issue)
  return text.startsWith('expected') ? text : `expected ${text}`
}

/** What zod calls a type → what a reader of YAML calls it. */
const typeNames: Record<string, string> = {
  array: 'a list such as [a, b]',
  tuple: 'a list such as [a, b]',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

function expectation(issue: z.core.$ZodIssue): string {
  const ownWords = issue.message.startsWith('expected')
  if (issue.code === 'invalid_value')
    return issue.values.map((value) => JSON.stringify(value)).join(' or ')
  if (issue.code === 'unrecognized_keys') return `no key ${issue.keys.join(', ')}`
  // The units, and every pattern, bring words of their own.
  if (ownWords) return issue.message.replace(/^expected /, '')
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected
  if (issue.code === 'too_small') return `${amountOf(issue)} of at least ${issue.minimum}`
  if (issue.code === 'too_big') return `${amountOf(issue)} of at most ${issue.maximum}`
  return issue.message.replace(/^Invalid (input|string): (expected )?/, '')
}

function amountOf({ origin }: { origin: string }): string {
  return origin === 'array' ? 'a list' : 'a number'
}

/** `8080` and `yes` are no text in YAML until they stand in quotes. */
function quoteHint(issue: z.core.$ZodIssue, value: unknown): string {
  const isText = issue.code === 'invalid_type' && issue.expected === 'string'
  const ownWords = issue.message.startsWith('expected')
  if (!isText || ownWords || !['number', 'boolean'].includes(typeof value)) return ''
  return `: write it in quotes, "${String(value)}"`
}

function suggestion(key: string, path: Path, whole: unknown): string {
  const known = knownKeys(path, whole)
  const near = nearest(key, known)
  return near === '' && known.length > 0 ? `; known here: ${known.join(', ')}` : near
}

/** Keys that the schema knows at a place, for suggestions; of several kinds, those of the kind that stands there. */
function knownKeys(path: Path, whole: unknown): string[] {
  const schema = schemaAt(path) as (Choice & { anyOf?: unknown[] }) | undefined
  const value = valueAt(whole, path)
  const kinds = schema?.oneOf?.filter(({ properties }) =>
    Object.entries(properties).some(
      ([key, one]) => 'const' in one && valueAt(value, [key]) === one.const,
    ),
  )
  const options = [schema, ...(schema?.anyOf ?? []), ...(kinds ?? [])]
  return options.flatMap((one) =>
    Object.keys((one as { properties?: object } | undefined)?.properties ?? {}),
  )
}

function schemaAt(path: Path): unknown {
  let schema: unknown = z.toJSONSchema(manifest, { io: 'input', unrepresentable: 'any' })
  for (const part of path) schema = child(schema, part)
  return schema
}

function child(schema: unknown, part: PropertyKey): unknown {
  const { properties, additionalProperties, items, anyOf, oneOf } = (schema ?? {}) as {
    properties?: Record<PropertyKey, unknown>
    additionalProperties?: unknown
    items?: unknown
    anyOf?: unknown[]
    oneOf?: unknown[]
  }
  if (typeof part === 'number') return items
  return (
    properties?.[part] ??
    (typeof additionalProperties === 'object'
      ? additionalProperties
      : (anyOf ?? oneOf)?.map((one) => child(one, part)).find((one) => one !== undefined))
  )
}

function valueAt(whole: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    return (value as Record<PropertyKey, unknown>)[part]
  }, whole)
}

function show(value: unknown): string {
  if (value === null) return 'nothing'
  if (typeof value === 'number') return String(value)
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
