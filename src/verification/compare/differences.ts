/**
 * Where do two answers to the same request differ? Pure, and of bounded cost: what is too large to be compared whole is
 * called different, never equal.
 */
import { short } from '../examination.ts'
import type { Answer, Comparison, Difference, DifferenceKind, TextLikeness } from './comparison.ts'
import { shownLength, usualTolerance } from './comparison.ts'
import { patternOf } from './fields.ts'
import type { Place } from './fields.ts'
import { jsonDifferences } from './json-differences.ts'
import { mediaType, said } from './read-answer.ts'
import { textDistance } from './text-distance.ts'

/** A comparison with its paths read: `comparer` makes it once for many answers. */
export type Rules = {
  ignored: (place: Place) => boolean
  alike: (place: Place, a: number, b: number) => boolean
  /** Null where they count as equal. */
  text: (a: string, b: string) => number | null
}

/** What each answer of OpenAI's API has of its own: ids, times, the version's name, what was counted. */
const openaiIgnores = [
  '$.id',
  '$.created',
  '$.model',
  '$.system_fingerprint',
  '$.service_tier',
  '$.usage',
  '$.choices[*].logprobs',
  '$.choices[*].token_ids',
  '$.choices[*].message.tool_calls[*].id',
  '$.choices[*].message.tool_calls[*].index',
]
const bodyMaxBytes = 16 * 1024 * 1024

/** @throws JsonPathError for a path that is not understood */
export function differences(a: Answer, b: Answer, how: Comparison): Difference[] {
  return comparer(how)(a, b)
}

/**
 * The same for many answers. With `alike` that says how alike texts are, in place of their words.
 * @throws JsonPathError for a path that is not understood
 */
export function comparer(
  how: Comparison,
): (a: Answer, b: Answer, alike?: TextLikeness) => Difference[] {
  const usual = rulesOf(how)
  return (a, b, alike) => {
    const rules = alike === undefined ? usual : { ...usual, text: textRule(how, alike) }
    if (a.status !== b.status) return [whole('status', 'status', statusOf(a), statusOf(b))]
    // What an error says in its body is nobody's answer.
    if (a.status < 200 || a.status > 299) return []
    return [...contentType(a, b, how), ...bodies(a, b, how, rules)]
  }
}

function rulesOf({ protocol, ignore, tolerances, text }: Comparison): Rules {
  const ignored = [...ignore, ...(protocol === 'openai' ? openaiIgnores : [])].map(patternOf)
  const allowed = tolerances.map(({ path, ...tolerance }) => ({ fits: patternOf(path), tolerance }))
  return {
    ignored: (place) => ignored.some((fits) => fits(place)),
    alike: (place, a, b) => {
      const { absolute, relative } =
        allowed.find(({ fits }) => fits(place))?.tolerance ?? usualTolerance
      // 1.1 and 1.0 are 0.1 apart, though their difference is a little more.
      const rounding = 4 * Number.EPSILON * Math.max(Math.abs(a), Math.abs(b))
      const apart = Math.abs(a - b) - rounding
      return apart <= absolute || apart <= relative * Math.max(Math.abs(a), Math.abs(b))
    },
    text: textRule({ text }, (a, b) => 1 - textDistance(a, b)),
  }
}

function textRule({ text }: Pick<Comparison, 'text'>, alike: TextLikeness): Rules['text'] {
  return (a, b) => {
    if (a === b) return null
    if (text === 'exact') return 1
    const likeness = alike(a, b)
    // As far from equal as it is, and never so near that it would be no difference.
    return likeness >= text.similar ? null : Math.max(Number.EPSILON, 1 - likeness)
  }
}

/** A stream and a whole answer say the same in OpenAI's API: only one of them was asked for. */
function contentType(a: Answer, b: Answer, { protocol }: Comparison): Difference[] {
  if (protocol === 'json' || protocol === 'kserve-v2' || mediaType(a) === mediaType(b)) return []
  return [whole('content-type', 'form', mediaType(a), mediaType(b))]
}

function bodies(a: Answer, b: Answer, { protocol }: Comparison, rules: Rules): Difference[] {
  if (Math.max(a.body.length, b.body.length) > bodyMaxBytes)
    return [whole('$', 'tooLarge', `${a.body.length} bytes`, `${b.body.length} bytes`)]
  const [own, other] = [said(a, protocol), said(b, protocol)]
  if (own.form === 'json' && other.form === 'json')
    return jsonDifferences(own.value, other.value, rules)
  if (own.form === 'text' && other.form === 'text') {
    const distance = rules.text(own.value, other.value)
    return distance === null ? [] : [whole('$', 'text', own.value, other.value, distance)]
  }
  if (own.form === 'bytes' && other.form === 'bytes')
    return Buffer.compare(own.value, other.value) === 0
      ? []
      : [whole('$', 'label', `${own.value.length} bytes`, `${other.value.length} bytes`)]
  // Two answers that both cannot be read are only alike where they are the same.
  if (own.form === 'garbage' && other.form === 'garbage' && same(a.body, b.body)) return []
  return [whole('$', 'form', formOf(own), formOf(other))]
}

function same(a: Uint8Array | string, b: Uint8Array | string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0
}

function formOf(one: ReturnType<typeof said>): string {
  if (one.form === 'garbage') return `${one.why}: ${one.value}`
  return one.form === 'bytes' ? `${one.value.length} bytes` : short(one.value, shownLength)
}

function statusOf({ status }: Answer): string {
  return status === 0 ? 'no answer' : String(status)
}

function whole(
  field: string,
  kind: DifferenceKind,
  a: string,
  b: string,
  distance = 1,
): Difference {
  return { field, at: field, kind, distance, a: short(a, shownLength), b: short(b, shownLength) }
}
