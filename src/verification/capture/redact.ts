/**
 * Takes out what must not be kept. Pure, and closed: a body in which the rules cannot be followed (no UTF-8, no JSON where a
 * JSON path was given, nested too deeply) is not redacted, and the caller must not keep it.
 */
import { stepsOf } from '../../protocols/json-path.ts'
import type { Step } from '../../protocols/json-path.ts'
import { isGrpc } from '../../protocols/grpc/framing.ts'
import { cutOut } from './cut-out.ts'
import { mapLines } from './lines.ts'

export type RedactRules = {
  /** JSON paths; all that lies below goes with them. */
  paths: readonly string[]
  /** Names, whatever their case. */
  headers: readonly string[]
  /** Regular expressions, as JavaScript has them: what fits goes, wherever it stands. */
  patterns: readonly string[]
  /** Messages of gRPC that cannot be read may be kept as they are, though no rule can be followed in them. */
  binary?: boolean | undefined
}

export type Header = readonly [name: string, value: string]

/** What stands in place of what was taken out. */
export const redactedMark = '[redacted]'

/** Whatever the rules say. */
export const alwaysRedacted: readonly string[] = [
  'authorization',
  'cookie',
  'set-cookie',
  'proxy-authorization',
  'x-api-key',
]

export type Redactor = {
  headers(headers: readonly Header[]): Header[]
  /** Path and query, or a form: also what is spelled with %. */
  target(text: string): string
  /** Null where it cannot be followed in this body. @param type of the content, as its header says */
  body(bytes: Buffer, type: string): Buffer | null
}

/**
 * @param mark of a value that is taken out: the same for all, or one that tells equal values from others
 * @throws JsonPathError, SyntaxError for a path or an expression that is not understood
 */
export function redactorOf(
  { paths, headers, patterns, binary = false }: RedactRules,
  mark: (value: string) => string = () => redactedMark,
): Redactor {
  const secretHeaders = new Set([...alwaysRedacted, ...headers.map((name) => name.toLowerCase())])
  const places = paths.map(stepsOf)
  const expressions = patterns.map((pattern) => new RegExp(pattern, 'gu'))
  const clean = (text: string) => cutOut([text], expressions, mark)[0]!

  return {
    headers: (all) =>
      all.map(([name, value]): Header => [
        name,
        secretHeaders.has(name.toLowerCase()) ? mark(value) : clean(value),
      ]),
    target,
    body(bytes, type) {
      if (isGrpc(type) && bytes.length > 0) return binary ? bytes : null
      if (bytes.length === 0 || (places.length === 0 && expressions.length === 0)) return bytes
      try {
        return Buffer.from(bodyText(utf8.decode(bytes), type))
      } catch (error) {
        if (error instanceof TypeError || error instanceof RangeError || error === notFollowed)
          return null
        throw error
      }
    },
  }

  function target(text: string): string {
    const parts = text.split(/([/?&=;])/)
    return clean(parts.map(spelled).join(''))
  }

  function spelled(part: string): string {
    const plain = unescaped(part)
    const cleaned = clean(plain)
    return cleaned === plain ? part : encodeURIComponent(cleaned)
  }

  function bodyText(text: string, type: string): string {
    const whole = parsed(text)
    // Each text by itself, however it was spelled; then all of it, for an expression that means names and values together.
    if (whole !== undefined) return clean(JSON.stringify(cleanJson(whole.value)))
    if (isLines(text, type)) return eventLines(text)
    // A path leads nowhere in what is no JSON: whatever it was to hide may stand anywhere.
    if (places.length > 0) throw notFollowed
    return /x-www-form-urlencoded/i.test(type) ? target(text) : clean(text)
  }

  function cleanJson(value: unknown): unknown {
    const hidden = places.reduce((found, steps) => hide(found, steps, 0), value)
    return mapStrings(hidden, clean)
  }

  function hide(value: unknown, steps: readonly Step[], at: number): unknown {
    if (at === steps.length) return mark(JSON.stringify(value))
    if (typeof value !== 'object' || value === null) return value
    const step = steps[at]!
    const isHere = (key: string | number) => {
      if (step === 'all') return true
      if ('name' in step) return !Array.isArray(value) && step.name === key
      const length = Array.isArray(value) ? value.length : 0
      return key === (step.index < 0 ? length + step.index : step.index)
    }
    if (Array.isArray(value))
      return value.map((one: unknown, index) => (isHere(index) ? hide(one, steps, at + 1) : one))
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        isHere(key) ? hide(one, steps, at + 1) : one,
      ]),
    )
  }

  /** A stream says one text in many pieces: an expression must fit what they say together. */
  function eventLines(text: string): string {
    const events: unknown[] = []
    const lines = mapLines(text, (line) => {
      const { before, data } = /^(?<before>data: ?|)(?<data>[^]*)$/.exec(line)!.groups as Line
      const whole = parsed(data)
      if (whole !== undefined) {
        events.push(places.reduce((found, steps) => hide(found, steps, 0), whole.value))
        return { before, event: events.length - 1 }
      }
      if (data === '' || data === '[DONE]' || aside.test(line)) return { text: line }
      if (places.length > 0) throw notFollowed
      events.push(data)
      return { before, event: events.length - 1, plain: true }
    })
    const cleaned = cleanTogether(events)
    const spelled = (line: (typeof lines)[number]) => {
      if ('text' in line) return line.text
      const event = cleaned[line.event]
      return line.before + ('plain' in line ? (event as string) : JSON.stringify(event))
    }
    return lines.map((line) => clean(spelled(line))).join('\n')
  }

  /** The texts at one place, over all events. */
  function cleanTogether(events: readonly unknown[]): unknown[] {
    const texts = new Map<string, string[]>()
    for (const event of events)
      mapStrings(event, (text, place) => {
        const known = texts.get(place)
        if (known === undefined) texts.set(place, [text])
        else known.push(text)
        return text
      })
    const cleaned = new Map(
      [...texts].map(([place, all]) => [place, cutOut(all, expressions, mark)]),
    )
    const next = new Map<string, number>()
    return events.map((event) =>
      mapStrings(event, (_, place) => {
        const at = next.get(place) ?? 0
        next.set(place, at + 1)
        return cleaned.get(place)![at]!
      }),
    )
  }
}

type Line = { before: string; data: string }

/** Of a stream: comments, names and numbers of events. */
const aside = /^(event:|id:|retry:|:)/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const notFollowed = new Error('the rules cannot be followed in this body')

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

function isLines(text: string, type: string): boolean {
  return (
    /event-stream|ndjson|jsonl|stream\+json/i.test(type) || /^(:[^\n]*\n+)*(data|event):/.test(text)
  )
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch {
    return part
  }
}

/**
 * Every text in a JSON value, names of fields and the digits of numbers too. A place is the same in all events of a stream:
 * one that is numbered (`index`) goes by its number, whatever its position.
 */
function mapStrings(
  value: unknown,
  change: (text: string, place: string) => string,
  place = '$',
): unknown {
  if (typeof value === 'string') return change(value, place)
  if (typeof value === 'number') {
    const digits = String(value)
    const changed = change(digits, `${place}#`)
    return changed === digits ? value : changed
  }
  if (Array.isArray(value))
    return value.map((one: unknown, position) =>
      mapStrings(one, change, `${place}[${numberOf(one) ?? position}]`),
    )
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      change(key, `${place}.${key}?`),
      mapStrings(one, change, `${place}.${key}`),
    ]),
  )
}

function numberOf(value: unknown): number | null {
  const index = (value as { index?: unknown } | null)?.index
  return typeof index === 'number' ? index : null
}
