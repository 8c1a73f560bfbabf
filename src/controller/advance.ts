/** One step of a watch: what arrived goes into its lines, and what is due in assignment order goes into its evidence. */
import type { GatewayState, Observation } from '../gateway/control.ts'
import { answerOf, cellOf, readCell } from '../guard/answer.ts'
import { beginCoverage, countCoverage, isCovered } from '../guard/coverage.ts'
import type { Coverage } from '../guard/coverage.ts'
import { outcomeOf } from '../guard/outcome.ts'
import { joinPairs } from '../guard/pairs.ts'
import type { Half } from '../guard/pairs.ts'
import { inOrder } from '../guard/reorder.ts'
import type { Arrived } from '../guard/reorder.ts'
import { observe, observePairs } from '../guard/watch.ts'
import { readyOf } from './ready.ts'
import type { Watch } from './store.ts'

/** @param at wall time, ms @param items what the gateway saw, of any service and release, copies too */
export function advanceWatch(
  before: Watch,
  release: string,
  {
    run,
    items,
    at,
    last,
  }: { run: string; items: readonly Observation[]; at: number; last: GatewayState | null },
): Watch {
  const { service } = before
  const instances = [...before.instances]
  const seen = items.filter((item) => item.service === service)
  const live = seen.filter(({ isCopy }) => isCopy !== true)
  const arrived = live.map((item): Arrived => ({
    seq: item.seq,
    cell: item.release === release ? cellOf(answerOf(item), instances) : null,
  }))
  const { order, due } = inOrder(before.order, run, arrived, at)

  const { twice: control } = before
  const sofar = control && countCoverage(control.coverage, coverageOf(seen, release, control.old))
  const context = {
    at,
    ready: {
      new: readyOf(last, service, release),
      old: control === null ? 0 : readyOf(last, service, control.old),
    },
    pairs: sofar !== null && isCovered(sofar),
    timesApart: control !== null,
    share: null,
    sticky: false,
    next: order.next,
    every: order.every,
  }
  const answers = due.map((cell) => ({ side: 'new' as const, answer: readCell(cell, instances) }))
  const alone = observe(before.watch, answers, context)
  if (control === null || sofar === null) return { ...before, order, instances, watch: alone }

  const halves = seen.flatMap((item) => halfOf(item, { release, old: control.old, instances }))
  const arrival = { run, halves, at, newIs: 'live' as const }
  const { pairing, due: pairs } = joinPairs(control.pairing, arrival, instances)
  const watch = observePairs(alone, pairs, context)
  // The copy of these was not sent after all: their request was not whole when it failed.
  const badAlone = pairs.filter((pair) => pair.new.outcome === 'bad' && pair.old.outcome === 'void')
  const coverage = countCoverage(sofar, { ...beginCoverage(), badAlone: badAlone.length })
  return { ...before, order, instances, watch, twice: { ...control, pairing, coverage } }
}

/** What of this watch waits for something that may never come. */
export function isWaiting({ order, twice }: Watch): boolean {
  return (
    order.missingSince !== null || (twice !== null && twice.pairing.order.missingSince !== null)
  )
}

function coverageOf(seen: readonly Observation[], release: string, old: string): Coverage {
  const asked = seen.filter((item) => item.isCopy !== true && item.release === release)
  const copied = asked.filter((item) => item.copied === true)
  const dropped = seen.filter(
    (item) => item.isCopy === true && item.release === old && item.outcome === 'void',
  )
  const bad = asked.filter((item) => outcomeOf(item.outcome) === 'bad')
  return {
    asked: asked.length,
    copied: copied.length - dropped.length,
    bad: bad.length,
    badAlone: bad.filter((item) => item.copied !== true).length,
  }
}

function halfOf(
  item: Observation,
  { release, old, instances }: { release: string; old: string; instances: string[] },
): Half[] {
  const { seq, isCopy, copied } = item
  if (isCopy === true)
    return item.release === old
      ? [{ seq, of: 'copy', cell: cellOf(answerOf(item), instances) }]
      : []
  const isHalf = copied === true && item.release === release
  return [{ seq, of: 'live', cell: isHalf ? cellOf(answerOf(item), instances) : null }]
}
