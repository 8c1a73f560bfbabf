/** `npm run docs:reference`: writes docs/reference.md from the schemas, the routes and the commands themselves; a test says whether it is up to date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { z } from 'zod'
import { offers } from '../api/offers.ts'
import { needs } from '../api/rights.ts'
import { programOf } from './program.ts'
import { manifest } from '../config/manifest.ts'

type Schema = {
  type?: string
  const?: unknown
  enum?: unknown[]
  default?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
}

const file = fileURLToPath(new URL('../../docs/reference.md', import.meta.url))

export function reference(): string {
  return `# Reference

Made from the sources by \`npm run docs:reference\`. What the words mean: [release.md](release.md); every key in one file: [example.yaml](../src/config/example.yaml).

## The manifest

\`*\` stands for a name, or for each of a list.

${table(['key', 'takes', 'default', ''], keys())}

## The HTTP API

Paths are below the address of \`api.listen\`; bodies and answers stand in \`GET /api/v1/openapi.json\`. See [api.md](api.md).

${table(['request', 'role', 'does'], routes())}

## Commands

Of all of them: ${programOf([], () => async () => {})
    .options.map(({ flags }) => code(flags))
    .join(', ')}. See [cli.md](cli.md).

${table(['command', 'options', 'does'], commands())}
`
}

function keys(): string[][] {
  const schema = z.toJSONSchema(manifest, { io: 'input', unrepresentable: 'any' }) as Schema
  const said = comments()
  const rows = new Map<string, string[]>()
  for (const [place, one] of placesOf(schema)) {
    if (rows.has(place)) continue
    const value = one.default === undefined ? '' : code(short(JSON.stringify(one.default)))
    rows.set(place, [code(place), takes(one), value, said.get(place) ?? ''])
  }
  return [...rows.values()]
}

function* placesOf(one: Schema, at = ''): Generator<[string, Schema]> {
  for (const [key, child] of Object.entries(one.properties ?? {})) {
    yield [`${at}${key}`, child]
    yield* placesOf(child, `${at}${key}.`)
  }
  if (typeof one.additionalProperties === 'object')
    yield* placesOf(one.additionalProperties, `${at}*.`)
  if (one.items !== undefined) yield* placesOf(one.items, `${at}*.`)
  for (const child of [...(one.anyOf ?? []), ...(one.oneOf ?? [])]) yield* placesOf(child, at)
}

function takes(one: Schema): string {
  if (one.const !== undefined) return code(JSON.stringify(one.const))
  if (one.enum !== undefined) return one.enum.map((value) => code(String(value))).join(' ')
  const parts = [...(one.anyOf ?? []), ...(one.oneOf ?? [])]
  if (parts.length > 0) return [...new Set(parts.map(takes))].join(', or ')
  if (one.type === 'object') return one.properties === undefined ? 'names' : 'keys'
  if (one.type === 'array') return 'list'
  return one.type ?? 'any'
}

/** What the example says of a key, on its line. */
function comments(): Map<string, string> {
  const text = readFileSync(new URL('../config/example.yaml', import.meta.url), 'utf8')
  const found = new Map<string, string>()
  const note = (place: string, comment: string | null | undefined) => {
    if (comment && !found.has(place)) found.set(place, comment.trim().split('\n')[0]!)
  }
  const walk = (node: unknown, at: string): void => {
    if (isSeq(node)) for (const item of node.items) walk(item, `${at}*.`)
    if (!isMap(node)) return
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      const isNamed = ['services.', 'services.*.versions.'].includes(at)
      const place = `${at}${isNamed ? '*' : name}`
      const { comment } = (value ?? {}) as { comment?: string | null }
      note(place, comment ?? (isMap(value) ? (value.commentBefore ?? null) : null))
      walk(value, `${place}.`)
    }
  }
  walk(parseDocument(text).contents, '')
  return found
}

function routes(): string[][] {
  return Object.entries(offers).map(([at, { summary }]) => [
    code(at),
    needs[at] ?? (needs[at] === null ? 'none' : 'admin'),
    summary,
  ])
}

function commands(): string[][] {
  return programOf([], () => async () => {}).commands.map((command) => [
    code(
      `beryl ${command.name()} ${command.usage().replace('[options] ', '').replace('[options]', '')}`.trim(),
    ),
    command.options.map(({ flags, description }) => `${code(flags)} ${description}`).join('; '),
    command.description(),
  ])
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

function short(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, reference())
