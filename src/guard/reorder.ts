/**
 * Observations arrive as requests end; evidence must be taken in the order in which requests were assigned, or a version
 * that is merely slower looks worse (statistics: the trap of completion order). Each counts once: the key is the gateway's
 * run and the sequence number, which is given out once for each run and service. Pure; the state is JSON, and bounded.
 */
import { distance, lineOf } from './line.ts'
import type { Outcome } from './outcome.ts'

export type Arrived = {
  seq: number
  /** Null: the request went to another version; it only holds its place in the order. */
  outcome: Outcome | null
}

export type Order = {
  /** One run of the gateway: sequence numbers begin anew with each. Empty: the first run that comes. */
  run: string
  /** Runs that are over; what still comes of them is not counted. */
  past: readonly string[]
  /** The next sequence number that is due, modulo 2³². */
  next: number
  /** What is here already of `next` and what follows it (line.ts). */
  window: string
  /** What was assigned by when (wall, ms): everything before `end` at the latest then. */
  marks: readonly { end: number; at: number }[]
  /** Since when (wall, ms) something is waited for; null when nothing is missing. */
  missingSince: number | null
  /** How long it is waited for, ms. */
  waitMs: number
  /** Not counted: counted before, too late, of a run that is over, or without a sequence number. */
  refused: number
}

/** The gateway gives a version 60 s to its first byte and then reports `deadline`, which must still travel. */
export const missingAfterMs = 75_000
const markEveryMs = 1000
const pastMax = 8

/** @param next the first sequence number that is asked for: what `assigned` said before the switch */
export function beginOrder(run: string, next: number, waitMs: number = missingAfterMs): Order {
  return {
    run,
    past: [],
    next: next >>> 0,
    window: '',
    marks: [],
    missingSince: null,
    waitMs,
    refused: 0,
  }
}

/**
 * @param at wall time, ms. @throws RangeError unless it is a number
 * @returns what is due now, in assignment order; what did not come in time, or has no sequence number, is `void`
 */
export function inOrder(
  before: Order,
  run: string,
  arrived: readonly Arrived[],
  at: number,
): { order: Order; due: Outcome[] } {
  if (!Number.isFinite(at))
    throw new RangeError(`the time of observations must be a number of ms, it is ${at}`)
  const due: Outcome[] = []
  if (before.past.includes(run))
    return { order: { ...before, refused: before.refused + arrived.length }, due }
  const valid = arrived.filter(({ seq }) => Number.isInteger(seq) && seq >= 0 && seq < 2 ** 32)
  for (let broken = valid.length; broken < arrived.length; broken++) due.push('void')

  const order = run === before.run ? before : nextRun(before, run, valid, due)
  const line = lineOf(order.next, order.window, due)
  const sorted = valid.toSorted((a, b) => distance(a.seq, order.next) - distance(b.seq, order.next))
  let refused = order.refused + arrived.length - valid.length
  for (const { seq, outcome } of sorted) if (!line.put(seq, outcome)) refused++
  line.takeWhatIsHere()

  // A clock that was set back must not make the wait longer.
  const marks = order.marks.map((mark) => ({ end: mark.end, at: Math.min(mark.at, at) }))
  const overdue = marks.findLast((mark) => at - mark.at >= order.waitMs)
  if (overdue !== undefined && distance(overdue.end, line.next()) > 0) line.giveUp(overdue.end)
  line.takeWhatIsHere()

  const [next, end] = [line.next(), line.end()]
  const open = marks.filter((mark) => distance(mark.end, next) > 0)
  const last = open.at(-1)
  const isNews =
    end !== next && (last === undefined || (last.end !== end && at - last.at >= markEveryMs))
  if (isNews) open.push({ end, at })
  const missingSince = open[0]?.at ?? null
  return { order: { ...order, next, window: line.text(), marks: open, missingSince, refused }, due }
}

/** A run that is over fills no more gaps: what is missing of it died with its gateway. */
function nextRun(order: Order, run: string, arrived: readonly Arrived[], due: Outcome[]): Order {
  const begun = { ...beginOrder(run, 0, order.waitMs), refused: order.refused }
  if (order.run === '') {
    const [one, ...others] = arrived.map(({ seq }) => seq)
    const first = others.reduce((low, seq) => (distance(seq, low) < 0 ? seq : low), one ?? 0)
    return one === undefined ? order : { ...begun, next: first >>> 0 }
  }
  const line = lineOf(order.next, order.window, due)
  line.giveUp(line.end())
  return { ...begun, past: [...order.past, order.run].slice(-pastMax) }
}
