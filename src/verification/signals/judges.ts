/** What each signal takes from an answer. Whatever the answer is, a judge gives its value or null; it never throws. */
import { jsonSchema } from '../json-schema.ts'
import { found, matches } from '../scores/pattern.ts'
import { openModuleScore } from '../scores/module-score.ts'
import { parsed, placeIn, textOf } from './said.ts'
import type { Said } from './said.ts'
import type { SignalSpec, SignalValue } from './signal.ts'

type Judged = SignalValue | undefined

export type SignalJudge = {
  /** Undefined: this answer says nothing about it, and need not. */
  value(said: Said, seq: number): Judged | Promise<Judged>
  close(): Promise<void>
}

/** A label longer than this is no category. */
const categoryMaxLength = 120
/** Live answers wait behind it: a module that takes longer is started anew. */
const moduleLimits = { callMs: 1000 }

/** @throws Error for a path, pattern, schema or module that is none */
export async function judgeOf(spec: SignalSpec): Promise<SignalJudge> {
  switch (spec.kind) {
    case 'validity':
      return judge(validity(spec))
    case 'yesNo':
      return judge(yesNo(spec))
    case 'number':
      return judge(number(spec))
    case 'category':
      return judge(category(spec))
    case 'time':
      return judge(({ times }) => times?.[spec.of] ?? undefined)
    case 'module':
      return moduleJudge(spec)
  }
}

type Judging = (said: Said) => Judged

function judge(value: Judging): SignalJudge {
  return { value: (said) => orNull(() => value(said)), close: async () => {} }
}

/** True: it is no valid answer. */
function validity(spec: SignalSpec & { kind: 'validity' }): Judging {
  const read = placeIn(spec.answer)
  const check = spec.schema === null ? null : jsonSchema(JSON.parse(spec.schema))
  if (spec.refusal !== null) matches(spec.refusal, '')
  return (said) => {
    if (spec.finish === null ? said.wrong !== null : !isGoodEnd(said, spec.finish)) return true
    const value = read(said)
    const isJson = spec.json || check !== null
    const whole = isJson && typeof value === 'string' ? parsed(value) : value
    if (spec.nonEmpty && !said.calls && isEmpty(whole)) return true
    if (isJson && (whole === undefined || (check !== null && check(whole) !== null))) return true
    return spec.refusal !== null && matches(spec.refusal, textOf(value))
  }
}

/** What the protocol says is wrong with how it ended is replaced by what the manifest takes for good. */
function isGoodEnd({ finish }: Said, good: readonly string[]): boolean {
  return finish !== null && good.includes(finish)
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value === 'string') return value.trim() === ''
  return typeof value === 'object' && Object.keys(value).length === 0
}

function yesNo({ answer, matches: pattern, bad }: SignalSpec & { kind: 'yesNo' }): Judging {
  const read = placeIn(answer)
  if (pattern !== null) matches(pattern, '')
  return (said) => {
    const value = read(said)
    if (value === undefined) return null
    const is = pattern === null ? value : matches(pattern, textOf(value))
    return typeof is === 'boolean' ? is === bad : null
  }
}

function number({
  answer,
  matches: pattern,
  from,
  to,
  better,
}: SignalSpec & { kind: 'number' }): Judging {
  const read = placeIn(answer)
  if (pattern !== null) found(pattern, '')
  return (said) => {
    const value = read(said)
    const seen = pattern === null ? value : numberIn(found(pattern, textOf(value)))
    if (typeof seen !== 'number' || !(seen >= from && seen <= to)) return null
    const share = (seen - from) / (to - from)
    return better === 'higher' ? share : 1 - share
  }
}

function category({ of, answer }: SignalSpec & { kind: 'category' }): Judging {
  const read = placeIn(answer)
  return (said) => {
    const value = read(said)
    if (value === undefined) return null
    if (of === 'length') return lengthBin(textOf(value).length)
    if (of === 'number') return typeof value === 'number' ? numberBin(value) : null
    if (!['string', 'number', 'boolean'].includes(typeof value)) return null
    const text = textOf(value)
    return text.length <= categoryMaxLength ? text : null
  }
}

/** Two to an octave: 90 and 130 characters differ, 90 and 92 do not. */
function lengthBin(length: number): string {
  if (length === 0) return '0'
  const bin = Math.floor(2 * Math.log2(length))
  return `${Math.ceil(2 ** (bin / 2))} to ${Math.ceil(2 ** ((bin + 1) / 2)) - 1} characters`
}

/** Twenty to the unit below 1, as probabilities need; four to an octave above. */
function numberBin(value: number): string | null {
  if (!Number.isFinite(value)) return null
  const size = Math.abs(value)
  const sign = value < 0 ? '-' : ''
  if (size < 1) return `${sign}${Math.floor(size * 20) / 20}`
  return `${sign}2^${Math.floor(4 * Math.log2(size)) / 4}`
}

async function moduleJudge({ file, bad }: SignalSpec & { kind: 'module' }): Promise<SignalJudge> {
  let scorer = await openModuleScore(file, moduleLimits)
  let isOpening = false
  return {
    async value(said, seq) {
      const given = said.whole ?? said.text
      try {
        const value = await scorer.score(given, { line: seq, request: null, expected: null })
        if (typeof value !== 'number') return null
        if (bad === null) return value
        return value === 0 || value === 1 ? (value === 1) === bad : null
      } catch {
        void again()
        return null
      }
    },
    close: () => scorer.close(),
  }

  /** A thread that ended is no reason to be blind for ever; an answer that it cannot read is no reason to end it. */
  async function again(): Promise<void> {
    if (isOpening || !scorer.isDead) return
    isOpening = true
    await openModuleScore(file, moduleLimits).then(
      (opened) => (scorer = opened),
      () => {},
    )
    isOpening = false
  }
}

/** A pattern that takes too long on a text says nothing about it. */
function orNull(value: () => Judged): Judged {
  try {
    return value()
  } catch {
    return null
  }
}

function numberIn(text: string | null): number | null {
  if (text === null || text.trim() === '') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}
