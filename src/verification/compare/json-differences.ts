/** Two JSON values, side by side. */
import { short } from '../examination.ts'
import { shownLength } from './comparison.ts'
import type { Difference, DifferenceKind } from './comparison.ts'
import type { Rules } from './differences.ts'
import { written } from './fields.ts'
import type { Place } from './fields.ts'
import { rankingDistance, rankingOf } from './ranking.ts'
import type { Ranked } from './ranking.ts'
import { wordsOf } from './text-distance.ts'
import { isVector, vectorsAlike } from './vector.ts'

const depthMax = 64
const valuesMax = 50_000
/** Of one pair of answers: more say nothing more. */
const differencesMax = 100
/** Fewer words are a label: equal or not. */
const textWords = 4

export function jsonDifferences(a: unknown, b: unknown, rules: Rules): Difference[] {
  const found: Difference[] = []
  let values = 0
  walk(a, b, [])
  return found

  function walk(one: unknown, other: unknown, place: Place): void {
    if (found.length >= differencesMax || rules.ignored(place)) return
    if (++values > valuesMax || place.length > depthMax) return tooLarge(place)
    if (Array.isArray(one) && Array.isArray(other)) return lists(one, other, place)
    if (isObject(one) && isObject(other)) return objects(one, other, place)
    if (typeOf(one) !== typeOf(other)) return note('type', place, one, other)
    if (typeof one === 'string') return strings(one, other as string, place)
    if (typeof one === 'number') {
      if (!rules.alike(place, one, other as number)) note('number', place, one, other)
      return
    }
    if (one !== other) note('label', place, one, other)
  }

  function objects(one: Json, other: Json, place: Place): void {
    for (const key of Object.keys(one)) {
      const at = [...place, key]
      if (Object.hasOwn(other, key)) walk(one[key], other[key], at)
      else note(isToolCall(at) ? 'toolCall' : 'missing', at, one[key], undefined)
    }
    for (const key of Object.keys(other))
      if (!Object.hasOwn(one, key))
        note(
          isToolCall([...place, key]) ? 'toolCall' : 'extra',
          [...place, key],
          undefined,
          other[key],
        )
  }

  function lists(one: readonly unknown[], other: readonly unknown[], place: Place): void {
    const [own, his] = [rankingOf(one), rankingOf(other)]
    if (own !== null && his?.scoreKey === own.scoreKey) return rankings(own, his, place)
    if (isVector(place, one) && isVector(place, other) && one.length === other.length) {
      const alike = (x: number, y: number) => rules.alike(place, x, y)
      if (!vectorsAlike(one, other, alike)) note('vector', place, one, other)
      return
    }
    if (one.length !== other.length) note('length', place, one, other)
    for (let index = 0; index < Math.min(one.length, other.length); index++)
      walk(one[index], other[index], [...place, index])
  }

  function rankings(own: Ranked, his: Ranked, place: Place): void {
    const at = [...place, 0, own.scoreKey]
    const alike = (x: number, y: number) => rules.alike(at, x, y)
    const distance = rankingDistance(own, his, alike)
    const shown = (ranked: Ranked) =>
      [...ranked.labels]
        .toSorted((x, y) => y[1] - x[1])
        .map(([label, score]) => `${label} ${score}`)
    const same = [...own.labels.keys()].every((label) => his.labels.has(label))
    if (!same || own.labels.size !== his.labels.size) note('ranking', place, shown(own), shown(his))
    else if (distance > 0) note('ranking', place, shown(own), shown(his), distance)
    for (const [label, score] of own.labels) {
      const other = his.labels.get(label)
      if (other === undefined || rules.ignored(at) || alike(score, other)) continue
      return note('number', at, `${label} ${score}`, `${label} ${other}`)
    }
  }

  function strings(one: string, other: string, place: Place): void {
    if (one === other) return
    if (wordsOf(one).length < textWords && wordsOf(other).length < textWords)
      return note('label', place, one, other)
    const distance = rules.text(one, other)
    if (distance !== null) note('text', place, one, other, distance)
  }

  function tooLarge(place: Place): void {
    if (found.at(-1)?.kind !== 'tooLarge') note('tooLarge', place, 'too large to compare', '')
  }

  function note(kind: DifferenceKind, place: Place, one: unknown, other: unknown, distance = 1) {
    if (found.length >= differencesMax || rules.ignored(place)) return
    found.push({
      field: written(place, true),
      at: written(place, false),
      kind: isToolCall(place) && kind !== 'tooLarge' ? 'toolCall' : kind,
      distance,
      a: short(one, shownLength),
      b: short(other, shownLength),
    })
  }
}

type Json = Record<string, unknown>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As JSON has them. */
function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

/** `$.choices[0].message.tool_calls…` */
function isToolCall(place: Place): boolean {
  return place[0] === 'choices' && (place[3] === 'tool_calls' || place[3] === 'function_call')
}
