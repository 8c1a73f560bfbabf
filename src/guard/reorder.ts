/**
 * Observations arrive as requests end; evidence must be taken in the order in which requests were assigned, or a version
 * that is merely slower looks worse (statistics: trap of completion order). Each sequence number counts once. Pure; JSON.
 */
import type { Outcome } from './watch.ts'

export type Arrived = {
  seq: number
  /** Null: the request went to the other version; it only holds its place in the order. */
  outcome: Outcome | null
}

export type Order = {
  /** One run of the gateway: sequence numbers begin anew with each. */
  run: string
  /** The next sequence number that is due. */
  next: number
  waiting: readonly Arrived[]
  /** Since when (wall, ms) `next` is missing while later ones are here; null when nothing is missing. */
  missingSince: number | null
}

/** Longer than any request may take to its first byte: what is missing then, nobody can judge. */
export const missingAfterMs = 60_000
/** Beyond this the oldest gap is given up: memory stays bounded. */
export const waitingMax = 20_000

export function beginOrder(run: string, next: number): Order {
  return { run, next: next >>> 0, waiting: [], missingSince: null }
}

/** @returns what is due now, in assignment order; a gap that will not be filled counts as `void` */
export function inOrder(
  order: Order,
  run: string,
  arrived: readonly Arrived[],
  at: number,
): { order: Order; due: Outcome[] } {
  if (run !== order.run) {
    const rest = flush(order)
    const begun = inOrder(beginOrder(run, 0), run, arrived, at)
    return { order: begun.order, due: [...rest, ...begun.due] }
  }
  const known = new Set(order.waiting.map(({ seq }) => seq))
  const fresh = arrived.filter(
    ({ seq }) => after(seq, order.next) >= 0 && !known.has(seq) && known.add(seq),
  )
  const waiting = [...order.waiting, ...fresh].toSorted(
    (a, b) => after(a.seq, order.next) - after(b.seq, order.next),
  )
  return release({ ...order, waiting }, at)
}

function release(order: Order, at: number): { order: Order; due: Outcome[] } {
  const due: Outcome[] = []
  let { next, missingSince } = order
  let taken = 0
  while (taken < order.waiting.length) {
    const first = order.waiting[taken]!
    const gap = after(first.seq, next)
    if (gap > 0) {
      missingSince ??= at
      const tooMany = order.waiting.length - taken > waitingMax
      if (!tooMany && at - missingSince < missingAfterMs) break
      for (let lost = 0; lost < Math.min(gap, waitingMax); lost++) due.push('void')
      next = first.seq
    }
    if (first.outcome !== null) due.push(first.outcome)
    next = (next + 1) >>> 0
    missingSince = null
    taken++
  }
  const waiting = order.waiting.slice(taken)
  return {
    order: { ...order, next, waiting, missingSince: waiting.length === 0 ? null : missingSince },
    due,
  }
}

/** A run that ended fills no more gaps. */
function flush({ waiting }: Order): Outcome[] {
  return waiting.flatMap(({ outcome }) => (outcome === null ? [] : [outcome]))
}

/** Distance from b to a on the circle of 2³² sequence numbers: negative when a lies before b. */
function after(a: number, b: number): number {
  return (a - b) | 0
}
