/**
 * What the examiner took from one answer, as it waits in line: who answered, how that was drawn (answer.ts), and one character for
 * each signal. The state it is saved in stays small.
 */
import { drawnCellOf, drawnWidth, readCell, timeCodeOf, timeIn } from './answer.ts'
import type { Answer, Drawn } from './answer.ts'
import type { SignalRules, Value } from './guard.ts'

/** Signals in the order of their characters. */
export type Said = Pick<SignalRules, 'name' | 'kind'>

/** Null: the answer gave no such value; absent: it says nothing about it (an error, for one). */
export type Values = Readonly<Record<string, Value | null>>

const first = 0x100
const [nothing, unreadable, base] = [first, first + 1, first + 2]
const scoreSteps = 10_000
/** Names of categories that are remembered; further ones are one. */
export const namesMax = 1000
const others = '(others)'

export function valuesWidth(said: readonly Said[]): number {
  return drawnWidth + said.length
}

/** @param instances names by place, and `names` of categories; new ones are added to both */
export function valuesCellOf(
  { instance, drawn, values }: { instance: string; drawn: Drawn; values: Values },
  said: readonly Said[],
  { instances, names }: { instances: string[]; names: string[] },
): string {
  const answer: Answer = { outcome: 'good', instance, firstByteMs: null, totalMs: null }
  const codes = said.map(({ name, kind }) =>
    Object.hasOwn(values, name) ? codeOf(kind, values[name]!, names) : nothing,
  )
  return drawnCellOf(answer, drawn, instances) + String.fromCharCode(...codes)
}

/** @returns an answer with its values; one that cannot be read stands as what no signal takes for a value */
export function readValues(
  cell: string,
  said: readonly Said[],
  { instances, names }: { instances: readonly string[]; names: readonly string[] },
): Answer {
  const values: Record<string, Value> = {}
  for (const [place, { name, kind }] of said.entries()) {
    const code = cell.charCodeAt(drawnWidth + place)
    if (!(code > nothing)) continue
    values[name] = code === unreadable ? Number.NaN : valueOf(kind, code - base, names)
  }
  return { ...readCell(cell, instances), values }
}

function codeOf(kind: Said['kind'], value: Value | null, names: string[]): number {
  if (kind === 'yesNo') return typeof value === 'boolean' ? base + Number(value) : unreadable
  if (kind === 'score')
    return typeof value === 'number' && value >= 0 && value <= 1
      ? base + Math.round(value * scoreSteps)
      : unreadable
  if (kind === 'latency')
    return typeof value === 'number' && value >= 0 ? base + timeCodeOf(value) : unreadable
  if (typeof value !== 'string') return unreadable
  let place = names.indexOf(value)
  if (place < 0) {
    place = Math.min(names.length, namesMax)
    names[place] = place < namesMax ? value : others
  }
  return base + place
}

function valueOf(kind: Said['kind'], code: number, names: readonly string[]): Value {
  if (kind === 'yesNo') return code === 1
  if (kind === 'latency') return timeIn(code)
  return kind === 'score' ? code / scoreSteps : (names[code] ?? others)
}
