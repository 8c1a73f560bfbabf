/**
 * What clients may rely on in answers, learned from those that they were given: the fields that were always there, and the types
 * that their values had. What was there only now and then may be missing; what is new is nobody's loss. Pure.
 */
import { redactedMark } from '../capture/redact.ts'
import { patternOf, written } from '../compare/fields.ts'
import type { Place } from '../compare/fields.ts'

export type Break = {
  /** With array indexes generalised: `$.labels[*].score`. */
  field: string
  problem: 'missing' | 'type'
  expected: string
  came: string
}

type Field = { name: string; types: Set<string>; seen: number }

/** Objects at one place: how often one stood there, and its keys. */
type Shape = { seen: number; keys: Map<string, Field> }

export type Contract = ReturnType<typeof openContract>

const depthMax = 64
const fieldsMax = 5000
const breaksMax = 50
/** Its value was taken out before it was recorded: of any type. */
const unknown = 'anything'

/** @param ignore JSON paths that nobody reads, with all below them @throws JsonPathError */
export function openContract(ignore: readonly string[]) {
  const ignored = ignore.map(patternOf)
  const isIgnored = (place: Place) => ignored.some((fits) => fits(place))
  const shapes = new Map<string, Shape>()
  /** Types of elements of lists, and of the whole. */
  const types = new Map<string, Set<string>>()
  let fields = 0
  let answers = 0

  return {
    /** One answer that clients were given. */
    learn(answer: unknown): void {
      answers++
      learnAt(answer, [])
    },
    get answers() {
      return answers
    },
    /** The fields that are always there, as JSON paths. */
    always(): string[] {
      return [...shapes.values()]
        .flatMap(({ seen, keys }) => [...keys.values()].filter((field) => field.seen === seen))
        .map(({ name }) => name)
        .toSorted()
    },
    /** What of it an answer breaks, each field once. */
    breaks(answer: unknown): Break[] {
      const found = new Map<string, Break>()
      check(answer, [], (one) => {
        if (found.size < breaksMax && !found.has(one.field)) found.set(one.field, one)
      })
      return [...found.values()]
    },
  }

  function learnAt(value: unknown, place: Place): void {
    if (place.length > depthMax || isIgnored(place)) return
    const name = written(place, true)
    addTo(types, name, typeOf(value))
    if (Array.isArray(value)) return value.forEach((one, index) => learnAt(one, [...place, index]))
    if (!isObject(value)) return
    const shape = shapes.get(name) ?? { seen: 0, keys: new Map<string, Field>() }
    shapes.set(name, shape)
    shape.seen++
    for (const [key, one] of Object.entries(value)) {
      const at = [...place, key]
      if (isIgnored(at)) continue
      let field = shape.keys.get(key)
      if (field === undefined) {
        // A map by ids has as many keys as ids: none of them is always there.
        if (++fields > fieldsMax) continue
        field = { name: written(at, true), types: new Set(), seen: 0 }
        shape.keys.set(key, field)
      }
      field.seen++
      learnAt(one, at)
    }
  }

  function check(value: unknown, place: Place, note: (one: Break) => void): void {
    if (place.length > depthMax || isIgnored(place)) return
    const name = written(place, true)
    const known = types.get(name)
    if (known === undefined) return
    const type = typeOf(value)
    if (!known.has(type) && !known.has(unknown))
      return note({ field: name, problem: 'type', expected: list(known), came: type })
    if (Array.isArray(value))
      return value.forEach((one, index) => check(one, [...place, index], note))
    const shape = shapes.get(name)
    if (shape === undefined || !isObject(value)) return
    for (const [key, field] of shape.keys) {
      if (Object.hasOwn(value, key)) check(value[key], [...place, key], note)
      else if (field.seen === shape.seen)
        note({
          field: field.name,
          problem: 'missing',
          expected: list(types.get(field.name) ?? new Set()),
          came: 'nothing',
        })
    }
  }
}

function addTo(all: Map<string, Set<string>>, name: string, type: string): void {
  const known = all.get(name) ?? new Set()
  known.add(type)
  all.set(name, known)
}

/** As JSON has them. */
function typeOf(value: unknown): string {
  if (value === redactedMark) return unknown
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

function list(types: ReadonlySet<string>): string {
  return [...types].toSorted().join(' or ') || unknown
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
