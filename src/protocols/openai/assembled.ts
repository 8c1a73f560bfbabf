/**
 * A stream of `/v1/completions` or `/v1/chat/completions` as the whole answer that it adds up to: every choice, its text,
 * what it thinks and the tools that it calls. Pure. `answer.ts` judges one choice; this keeps them all, to be compared.
 */
import { eventsIn } from './event-stream.ts'

type Json = Record<string, unknown>

export function isEventStream(body: string, contentType: string): boolean {
  return /^\s*text\/event-stream\b/i.test(contentType) || /^(:[^\n]*\n+)*data:/.test(body)
}

/** Null for a stream that has an event which is no JSON, or a choice that is none. `ended`: it came to its `[DONE]`. */
export function assembled(body: string): { whole: Json; ended: boolean } | null {
  let first: Json | null = null
  let more: Json = {}
  const choices = new Map<number, Json>()
  for (const { data } of eventsIn([{ text: body, ms: 0 }])) {
    if (data === '[DONE]') return { whole: wholeOf(first, more, choices), ended: true }
    const event = objectIn(data)
    if (event === null) return null
    first ??= event
    const { choices: pieces, ...rest } = event
    more = { ...more, ...rest }
    if (!Array.isArray(pieces)) continue
    for (const piece of pieces) if (!add(choices, piece)) return null
  }
  return { whole: wholeOf(first, more, choices), ended: false }
}

function wholeOf(first: Json | null, more: Json, choices: ReadonlyMap<number, Json>): Json {
  const ordered = [...choices].toSorted(([a], [b]) => a - b).map(([, choice]) => choice)
  return { ...first, ...more, choices: ordered }
}

function add(choices: Map<number, Json>, piece: unknown): boolean {
  if (!isObject(piece)) return false
  const { index, delta, text, ...rest } = piece
  const place = typeof index === 'number' ? index : 0
  const choice = choices.get(place) ?? { index: place }
  choices.set(place, choice)
  if (typeof text === 'string')
    choice['text'] = (typeof choice['text'] === 'string' ? choice['text'] : '') + text
  for (const [key, value] of Object.entries(rest)) if (value !== null) choice[key] = value
  if (isObject(delta)) {
    choice['message'] ??= {}
    merge(choice['message'] as Json, delta)
  }
  return true
}

/** Texts are continued; lists with indexes (tool calls) are merged by them; the rest is what came last. */
function merge(into: Json, delta: Json): void {
  for (const [key, value] of Object.entries(delta)) {
    if (key === '__proto__' || value === null) continue
    const held = into[key]
    if (typeof value === 'string' && typeof held === 'string' && !isName(key))
      into[key] = held + value
    else if (Array.isArray(value) && value.every(isIndexed)) into[key] = mergedList(held, value)
    else if (isObject(value) && isObject(held)) merge(held, value)
    else into[key] = value
  }
}

function mergedList(held: unknown, pieces: readonly Json[]): Json[] {
  const list: Json[] = Array.isArray(held) ? held : []
  for (const { index, ...rest } of pieces as readonly (Json & { index: number })[]) {
    let one = list.find((each) => each['index'] === index)
    if (one === undefined) list.push((one = { index }))
    merge(one, structuredClone(rest))
  }
  return list
}

/** These come once, or again as a whole. */
function isName(key: string): boolean {
  return ['role', 'id', 'type', 'name'].includes(key)
}

function isIndexed(value: unknown): value is Json {
  return isObject(value) && typeof value['index'] === 'number'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectIn(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
