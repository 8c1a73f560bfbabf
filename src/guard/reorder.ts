/**
 * Observations arrive as requests end; evidence must be taken in the order in which requests were assigned, or a version
 * that is merely slower looks worse (statistics: the trap of completion order). Each counts once: the key is the gateway's
 * run and the sequence number, which is given out once for each run and service. Pure; the state is JSON, and bounded.
 */
import { distance, lineOf, lost } from './line.ts'

export type Arrived = {
  seq: number
  /** Null: the request went to another version (or was not copied); it only holds its place in the order. */
  cell: string | null
}

export type Order = {
  /** One run of the gateway: sequence numbers begin anew with each. Empty: the first run that comes. */
  run: string
  /** Runs that are over; what still comes of them is not counted. */
  past: readonly string[]
  /** The next sequence number that is due, modulo 2³². */
  next: number
  /** Characters in a cell. */
  width: number
  /** Each so-manyth number is judged, a power of two: chosen before anything is seen of them. */
  every: number
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

/** Numbers in [from, to), modulo 2³²: the gateway dropped what it saw of them. */
export type Dropped = { from: number; to: number }

/** The gateway gives a version 60 s to its first byte and then reports `deadline`, which must still travel. */
export const missingAfterMs = 75_000
/** Judged requests a second beyond which more only cost: what waits for the slowest must fit in line even at three times this. */
const judgedPerSecondMax = 500
const everyMax = 65_536
const markEveryMs = 1000
const pastMax = 8

/**
 * @param next the first sequence number that is asked for: what `assigned` said before the switch
 * @param perSecond today's traffic; a part of what is a lot is judged
 */
export function beginOrder(
  run: string,
  next: number,
  {
    width = 1,
    perSecond = 0,
    waitMs = missingAfterMs,
  }: { width?: number; perSecond?: number; waitMs?: number } = {},
): Order {
  const every = everyOf(perSecond)
  return {
    run,
    past: [],
    next: (Math.ceil(next / every) * every) >>> 0,
    width,
    every,
    window: '',
    marks: [],
    missingSince: null,
    waitMs,
    refused: 0,
  }
}

/**
 * @param at wall time, ms. @throws RangeError unless it is a number
 * @param dropped what will not come is not waited for: it is lost at once
 * @returns the cells that are due now, in assignment order; what did not come in time, or has no number, is `lost`
 */
export function inOrder(
  before: Order,
  run: string,
  arrived: readonly Arrived[],
  at: number,
  dropped: readonly Dropped[] = [],
): { order: Order; due: string[] } {
  if (!Number.isFinite(at))
    throw new RangeError(`the time of observations must be a number of ms, it is ${at}`)
  const due: string[] = []
  if (before.past.includes(run))
    return { order: { ...before, refused: before.refused + arrived.length }, due }
  const numbered = arrived.filter(({ seq }) => Number.isInteger(seq) && seq >= 0 && seq < 2 ** 32)
  const broken = arrived.length - numbered.length
  for (let each = 0; each < broken; each++) due.push(lost.padEnd(before.width))
  const valid = numbered.filter(({ seq }) => seq % before.every === 0)

  const order = run === before.run ? before : nextRun(before, run, valid, due)
  const line = lineOf(order, due)
  const sorted = valid.toSorted((a, b) => distance(a.seq, order.next) - distance(b.seq, order.next))
  let refused = order.refused + broken
  for (const { seq, cell } of sorted) if (!line.put(seq, cell)) refused++
  for (const { from, to } of order.run === run ? dropped : []) line.drop(from, to)
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
function nextRun(order: Order, run: string, arrived: readonly Arrived[], due: string[]): Order {
  const begun = { ...order, run, past: [], next: 0, window: '', marks: [], missingSince: null }
  if (order.run === '') {
    const [one, ...others] = arrived.map(({ seq }) => seq)
    const first = others.reduce((low, seq) => (distance(seq, low) < 0 ? seq : low), one ?? 0)
    return one === undefined ? order : { ...begun, next: first >>> 0 }
  }
  const line = lineOf(order, due)
  line.giveUp(line.end())
  return { ...begun, past: [...order.past, order.run].slice(-pastMax) }
}

function everyOf(perSecond: number): number {
  let every = 1
  while (perSecond / every > judgedPerSecondMax && every < everyMax) every *= 2
  return every
}
