/**
 * What the examiner says of answers, in the order in which their requests were assigned, each once. The gateway says which answers
 * were handed on; what was, and is not heard of in time, is void: dropped on its way, or lost with an examiner. Pure; the state is
 * JSON, and bounded.
 */
import { readDrawn } from './answer.ts'
import type { Drawn } from './answer.ts'
import { lost } from './line.ts'
import { beginPairing, joinPairs } from './pairs.ts'
import type { Half, Pairing } from './pairs.ts'
import { beginOrder, inOrder } from './reorder.ts'
import type { Arrived, Dropped, Order } from './reorder.ts'
import { readValues, valuesCellOf, valuesWidth } from './values.ts'
import type { Said, Values } from './values.ts'
import type { AnsweredTwice, Judged } from './context.ts'

export type Hearing = {
  /** Answers of clients. */
  order: Order
  /** Both answers to one request; null without a control group. */
  pairing: Pairing | null
  /** Handed on and not heard of yet: since when, wall, ms; by number, with a `c` where it is the copy's. */
  owed: Record<string, number>
  /** Categories of drift, by their codes. */
  names: string[]
}

/** What the gateway says of one answer. */
export type Handed = {
  seq: number
  isCopy: boolean
  /** `owed`: the examiner has it; `lost`: there was no room; `none`: nothing of it is judged. */
  is: 'owed' | 'lost' | 'none'
  /** Of a client's answer: the old version's answer to the same request is judged, too. */
  isPair: boolean
}

export type Heard = {
  run: string
  seq: number
  isCopy: boolean
  instance: string
  drawn: Drawn
  values: Values
}

/** One that is drawn, in assignment order; the share is null where nothing was. */
export type HeardAnswer = Judged & { share: number | null }

/** An examiner that was started anew has lost what it had; else it takes milliseconds. */
export const owedMs = 10_000
const owedMax = 20_000

/** @param next,perSecond as for the order of what the gateway sees */
export function beginHearing(
  said: readonly Said[],
  {
    run,
    next,
    perSecond,
    waitMs,
    pairs,
  }: { run: string; next: number; perSecond: number; waitMs: number; pairs: boolean },
): Hearing {
  const width = valuesWidth(said)
  return {
    order: beginOrder(run, next, { width, perSecond, waitMs }),
    pairing: pairs ? beginPairing(run, next, { perSecond, width, waitMs }) : null,
    owed: {},
    names: [],
  }
}

/**
 * @param run of the gateway whose observations `handed` are
 * @param at wall time, ms
 * @param instances names by place; new ones are added to it
 */
export function hear(
  before: Hearing,
  said: readonly Said[],
  {
    run,
    handed,
    heard,
    at,
    dropped = [],
  }: {
    run: string
    handed: readonly Handed[]
    heard: readonly Heard[]
    at: number
    /** Of `run`. */
    dropped?: readonly Dropped[]
  },
  instances: string[],
): { hearing: Hearing; due: HeardAnswer[]; pairs: AnsweredTwice[] } {
  const names = [...before.names]
  const tables = { instances, names }
  const owed = run === before.order.run || before.order.run === '' ? { ...before.owed } : {}
  const cells: string[] = []
  const pairs: AnsweredTwice[] = []
  let { order, pairing } = before
  const read = (cell: string) => readValues(cell, said, tables)
  const put = (
    of: string,
    arrived: readonly Arrived[],
    halves: readonly Half[],
    gone: readonly Dropped[] = [],
  ) => {
    const ordered = inOrder(order, of, arrived, at, gone)
    order = ordered.order
    cells.push(...ordered.due)
    if (pairing === null) return
    const joined = joinPairs(pairing, { run: of, halves, at, newIs: 'live', dropped: gone }, read)
    pairing = joined.pairing
    pairs.push(...joined.due)
  }

  const nothing = lost.padEnd(order.width)
  const placed = handed.filter(({ is, isCopy }) => !isCopy && is !== 'owed')
  const without = handed.filter(({ is, isCopy, isPair }) => is !== 'owed' || (!isCopy && !isPair))
  for (const { seq, isCopy, is } of handed)
    if (is === 'owed' && seq % order.every === 0 && Object.keys(owed).length < owedMax)
      owed[keyOf(seq, isCopy)] ??= at
  put(
    run,
    placed.map(({ seq, is }) => ({ seq, cell: is === 'lost' ? nothing : null })),
    without.map(({ seq, isCopy }) => ({ seq, of: isCopy ? 'copy' : 'live', cell: null })),
    dropped,
  )

  for (const [of, all] of Map.groupBy(heard, (one) => one.run)) {
    const told = all.map((one) => ({ ...one, cell: valuesCellOf(one, said, tables) }))
    for (const { seq, isCopy } of told) delete owed[keyOf(seq, isCopy)]
    put(
      of,
      told.filter(({ isCopy }) => !isCopy).map(({ seq, cell }) => ({ seq, cell })),
      told
        .filter(({ isCopy, drawn }) => isCopy || drawn.side === 'new')
        .map(({ seq, isCopy, cell }) => ({ seq, of: isCopy ? 'copy' : 'live', cell })),
    )
  }

  const late = Object.keys(owed).filter((key) => at - owed[key]! >= owedMs || at < owed[key]!)
  const over = late.map((key) => ({
    seq: Number.parseInt(key, 10),
    isCopy: key.endsWith('c'),
    key,
  }))
  for (const { key } of over) delete owed[key]
  if (over.length > 0)
    put(
      run,
      over.filter(({ isCopy }) => !isCopy).map(({ seq }) => ({ seq, cell: nothing })),
      over.map(({ seq, isCopy }) => ({ seq, of: isCopy ? 'copy' : 'live', cell: null })),
    )

  const due = cells.map((cell): HeardAnswer => {
    const { side, share, client } = readDrawn(cell)
    return { side, share, client: String(client), answer: read(cell) }
  })
  return { hearing: { order, pairing, owed, names }, due, pairs }
}

/** Something is waited for that may never come. */
export function isHearing({ order, pairing, owed }: Hearing): boolean {
  return (
    order.missingSince !== null ||
    (pairing !== null && pairing.order.missingSince !== null) ||
    Object.keys(owed).length > 0
  )
}

function keyOf(seq: number, isCopy: boolean): string {
  return isCopy ? `${seq}c` : `${seq}`
}
