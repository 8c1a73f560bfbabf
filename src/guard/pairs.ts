/**
 * Two answers to one request, the client's and the copy's, come at different times; evidence takes them together, in the
 * order in which requests were assigned, each once. A live answer says whether a copy was made of it. What of a pair does not
 * come in time is void: the copy may have been dropped (rulings §6). Pure; the state is JSON, and bounded.
 */
import { cellWidth } from './answer.ts'
import type { Answer } from './answer.ts'
import { distance, lost, windowMax } from './line.ts'
import { beginOrder, inOrder } from './reorder.ts'
import type { Arrived, Dropped, Order } from './reorder.ts'
import type { AnsweredTwice } from './context.ts'

export type Pairing = {
  order: Order
  /** What waits for its other half, by sequence number: a cell (answer.ts), and whose it is. */
  halves: Record<string, { of: 'live' | 'copy'; cell: string }>
}

export type Half = {
  seq: number
  of: 'live' | 'copy'
  /** Null: no pair will come of this request (no copy was made, or it is of another version). */
  cell: string | null
}

/** A pair in line: both cells, and its number in so many characters of eleven bits. */
const numberWidth = 3
const firstCode = 0x100
const elevenBits = 0x7ff

/** @param next,perSecond as for single answers, so that the same requests are judged @param width of the cell of one half */
export function beginPairing(
  run: string,
  next: number,
  { perSecond, width = cellWidth, waitMs }: { perSecond: number; width?: number; waitMs?: number },
): Pairing {
  const options = { width: 2 * width + numberWidth, perSecond, ...(waitMs && { waitMs }) }
  return { order: beginOrder(run, next, options), halves: {} }
}

/**
 * @param newIs which of the two halves the new version gave: the live one after the switch, the copy before it
 * @param at wall time, ms
 * @param read a cell of one half
 */
export function joinPairs(
  before: Pairing,
  {
    run,
    halves,
    at,
    newIs,
    dropped = [],
  }: {
    run: string
    halves: readonly Half[]
    at: number
    newIs: 'live' | 'copy'
    dropped?: readonly Dropped[]
  },
  read: (cell: string) => Answer,
): { pairing: Pairing; due: AnsweredTwice[] } {
  // Of a run that is over nothing is taken; a new run takes no half of the one before.
  if (before.order.past.includes(run)) return { pairing: before, due: [] }
  const waiting = run === before.order.run || before.order.run === '' ? { ...before.halves } : {}
  const arrived: Arrived[] = []
  for (const { seq, of, cell } of halves) {
    // A gap before a number is void in its time; a number that is none is refused there.
    if (cell === null || !(Number.isInteger(seq) && seq % before.order.every === 0)) {
      arrived.push({ seq, cell: null })
      continue
    }
    const other = waiting[seq]
    if (other === undefined || other.of === of) waiting[seq] ??= { of, cell }
    else {
      const [live, copy] = of === 'live' ? [cell, other.cell] : [other.cell, cell]
      arrived.push({ seq, cell: live + copy + numberText(seq) })
      delete waiting[seq]
    }
  }
  const { order, due } = inOrder(before.order, run, arrived, at, dropped)
  for (const seq of Object.keys(waiting)) if (isOver(Number(seq), order.next)) delete waiting[seq]
  const nothing = lost.padEnd(order.width)
  const pairs = due.filter((cell) => cell !== nothing).map((cell) => pairOf(cell, newIs, read))
  return { pairing: { order, halves: waiting }, due: pairs }
}

/** Given up, or so far ahead that it is of another time. */
function isOver(seq: number, next: number): boolean {
  const ahead = distance(seq, next)
  return ahead < 0 || ahead > windowMax
}

function pairOf(
  cell: string,
  newIs: 'live' | 'copy',
  read: (cell: string) => Answer,
): AnsweredTwice {
  const width = (cell.length - numberWidth) / 2
  const live = read(cell.slice(0, width))
  const copy = read(cell.slice(width, 2 * width))
  const seq = numberOf(cell.slice(2 * width))
  return newIs === 'live' ? { seq, new: live, old: copy } : { seq, new: copy, old: live }
}

function numberText(seq: number): string {
  return String.fromCharCode(
    ...[22, 11, 0].map((bits) => firstCode + ((seq >>> bits) & elevenBits)),
  )
}

function numberOf(text: string): number {
  const [high, middle, low] = [0, 1, 2].map((at) => text.charCodeAt(at) - firstCode)
  return ((high! << 22) | (middle! << 11) | low!) >>> 0
}
