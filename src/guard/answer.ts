/**
 * What the gateway saw of one answer, as the guard takes it: whose failure, which instance, how long. Written as four
 * characters, so that a hundred thousand of them can wait in line and be saved with each batch.
 */
import type { Value } from './guard.ts'
import { outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'

export type Answer = {
  outcome: Outcome
  /** The replica that answered; leave-one-instance-out and cold caches go by it. */
  instance: string
  /** Infinity: not in time. Null: unknown, or no number that a time can be; nothing is said about latency then. */
  firstByteMs: number | null
  totalMs: number | null
  /** Of signals that the gateway does not see by itself; by name. */
  values?: Readonly<Record<string, Value>>
}

/** What the gateway says; the rest of its observation is not judged. */
export type Raw = {
  outcome: string
  replica: string
  firstByteMs: number
  totalMs: number
}

export const cellWidth = 4
/** Where versions were drawn: share and client beside the answer. */
export const drawnWidth = 8

const letters: Record<Outcome, string> = { good: 'g', bad: 'b', gone: 'h', void: 'v' }
const outcomes: Record<string, Outcome> = { g: 'good', b: 'bad', h: 'gone', v: 'void' }
/** Codes of two kinds of characters that are no letters and no surrogates: a place for each instance, a time. */
const firstCode = 0x100
const instancesMax = 20_000
/** 0.01 ms to 10,000,000 ms on the log scale, each step 0.04 % wide: nothing beside any tolerance. */
const [lowMs, highMs, steps] = [0.01, 1e7, 50_000]
const [unknownCode, lateCode, timeCode] = [firstCode, firstCode + 1, firstCode + 2]

export function answerOf({ outcome: seen, replica, firstByteMs, totalMs }: Raw): Answer {
  const outcome = outcomeOf(seen)
  if (seen === 'deadline')
    return { outcome, instance: replica, firstByteMs: Infinity, totalMs: Infinity }
  if (outcome === 'good')
    return {
      outcome,
      instance: replica,
      firstByteMs: timeOf(firstByteMs),
      totalMs: timeOf(totalMs),
    }
  // A client that hung up waited at least so long: patience is the same for both versions, so that counts.
  if (outcome === 'gone' && totalMs > 0)
    return {
      outcome,
      instance: replica,
      firstByteMs: timeOf(firstByteMs > 0 ? firstByteMs : totalMs),
      totalMs: timeOf(totalMs),
    }
  // An error that comes fast is not a fast answer.
  return { outcome, instance: replica, firstByteMs: null, totalMs: null }
}

/** @param instances names by place; a new one is added to it */
export function cellOf(
  { outcome, instance, firstByteMs, totalMs }: Answer,
  instances: string[],
): string {
  let place = instances.indexOf(instance)
  if (place < 0 && instances.length < instancesMax) place = instances.push(instance) - 1
  // One more than anybody has shares the last place: it is still counted.
  if (place < 0) place = instancesMax - 1
  return (
    letters[outcome] + String.fromCharCode(firstCode + place, codeOf(firstByteMs), codeOf(totalMs))
  )
}

/** How the version that answered was drawn. */
export type Drawn = {
  side: 'new' | 'old'
  /** Of the requests, or of the clients, that go to the new version; null where all go to one. */
  share: number | null
  /** A hash of the client, 32 bits; 0: it was drawn for the request. */
  client: number
}

/** Of the answer's letter, where the old version gave it. */
const oldLetters: Record<string, string> = { g: 'G', b: 'B', h: 'H', v: 'V' }
const shareSteps = 10_000
/** A part of 32 bits that stays below the surrogates. */
const clientBits = 11

/** @returns `drawnWidth` characters; {@link readDrawn} reads them, and {@link readCell} the answer within them */
export function drawnCellOf(answer: Answer, drawn: Drawn, instances: string[]): string {
  const { side, share, client } = drawn
  const cell = cellOf(answer, instances)
  const mask = 2 ** clientBits - 1
  const codes = [
    share === null ? 0 : 1 + Math.round(share * shareSteps),
    client & mask,
    (client >>> clientBits) & mask,
    client >>> (2 * clientBits),
  ]
  const first = side === 'new' ? cell[0]! : oldLetters[cell[0]!]!
  return first + cell.slice(1) + String.fromCharCode(...codes.map((code) => firstCode + code))
}

export function readDrawn(cell: string): Drawn {
  const [share = 0, low = 0, middle = 0, high = 0] = [4, 5, 6, 7].map((place) =>
    cell.length > place ? cell.charCodeAt(place) - firstCode : 0,
  )
  return {
    side: Object.values(oldLetters).includes(cell[0] ?? '') ? 'old' : 'new',
    share: share <= 0 ? null : (share - 1) / shareSteps,
    client: (low | (middle << clientBits) | (high << (2 * clientBits))) >>> 0,
  }
}

/** What was lost in the line is void. */
export function readCell(cell: string, instances: readonly string[]): Answer {
  return {
    outcome: outcomes[(cell[0] ?? '').toLowerCase()] ?? 'void',
    instance: instances[cell.charCodeAt(1) - firstCode] ?? '',
    firstByteMs: msOf(cell.charCodeAt(2)),
    totalMs: msOf(cell.charCodeAt(3)),
  }
}

function timeOf(ms: number): number | null {
  return typeof ms === 'number' && ms >= 0 ? ms : null
}

/** @returns 0 to 50,000, on the log scale; what is shorter or longer than that stands at its ends */
export function timeCodeOf(ms: number): number {
  const step = Math.round(
    (Math.log(Math.max(ms, lowMs) / lowMs) / Math.log(highMs / lowMs)) * steps,
  )
  return Math.min(steps, step)
}

/** @returns ms */
export function timeIn(code: number): number {
  return lowMs * Math.exp((code / steps) * Math.log(highMs / lowMs))
}

function codeOf(ms: number | null): number {
  if (ms === null || Number.isNaN(ms)) return unknownCode
  return ms === Infinity ? lateCode : timeCode + timeCodeOf(ms)
}

function msOf(code: number): number | null {
  if (!(code >= lateCode)) return null
  return code === lateCode ? Infinity : timeIn(code - timeCode)
}
