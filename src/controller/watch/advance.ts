/** One step of a watch: what arrived goes into its lines, and what is due in assignment order goes into its evidence. */
import type { Gap, GatewayState, Observation } from '../../gateway/control.ts'
import { answerOf, cellOf, drawnCellOf, readCell, readDrawn } from '../../guard/answer.ts'
import { beginCoverage, countCoverage, isCovered } from '../../guard/coverage.ts'
import type { Coverage } from '../../guard/coverage.ts'
import { isHearing } from '../../guard/hearing.ts'
import type { HeardAnswer } from '../../guard/hearing.ts'
import { outcomeOf } from '../../guard/outcome.ts'
import { joinPairs } from '../../guard/pairs.ts'
import type { Half } from '../../guard/pairs.ts'
import { inOrder } from '../../guard/reorder.ts'
import type { Arrived } from '../../guard/reorder.ts'
import { observe, observePairs } from '../../guard/watch.ts'
import type { WatchState } from '../../guard/watch.ts'
import type { Context, Judged } from '../../guard/context.ts'
import type { SignalVerdict } from '../../verification/signals/signal.ts'
import { advanceSaid } from './advance-said.ts'
import { observeEach } from './observe-each.ts'
import type { Opinion } from './opinions.ts'
import { readyOf } from './ready.ts'
import type { Watch } from '../store.ts'

/**
 * @param at wall time, ms
 * @param items what the gateway saw, of any service and release, copies too
 * @param verdicts what the examiner says of answers, of any service, and `opinions` what people said of this one's
 */
export function advanceWatch(
  before: Watch,
  release: string,
  {
    run,
    items,
    gaps = [],
    verdicts = [],
    opinions = [],
    at,
    last,
  }: {
    run: string
    items: readonly Observation[]
    gaps?: readonly Gap[]
    verdicts?: readonly SignalVerdict[]
    opinions?: readonly Opinion[]
    at: number
    last: GatewayState | null
  },
): Watch {
  const { service } = before
  const instances = [...before.instances]
  const seen = items.filter((item) => item.service === service)
  const live = seen.filter(({ isCopy }) => isCopy !== true)
  const drawn = before.drawn ?? null
  const dropped = gaps.flatMap(({ service: of, from, to }) =>
    of === service && from !== null && to !== null ? [{ from, to }] : [],
  )
  const arrived = live.map((item): Arrived => ({
    seq: item.seq,
    cell:
      drawn !== null
        ? drawnCell(item, { release, ...drawn, instances })
        : item.release === release
          ? cellOf(answerOf(item), instances)
          : null,
  }))
  const { order, due } = inOrder(before.order, run, arrived, at, dropped)

  const { twice: control } = before
  const old = control?.old ?? drawn?.old ?? null
  const sofar = control && countCoverage(control.coverage, coverageOf(seen, release, control.old))
  const context = {
    of: 'gateway' as const,
    at,
    ready: {
      new: readyOf(last, service, release),
      old: old === null ? 0 : readyOf(last, service, old),
    },
    pairs: sofar !== null && isCovered(sofar),
    timesApart: control !== null,
    share: null,
    sticky: false,
    next: order.next,
    every: order.every,
  }
  const alone = observeDue(before.watch, due, { context, instances, drawn })
  const told = {
    run,
    seen,
    dropped,
    verdicts: verdicts.filter((one) => one.service === service),
    opinions,
  }
  if (control === null || sofar === null) {
    const said = advanceSaid(before, release, told, { watch: alone, context, instances })
    return { ...before, order, instances, ...said }
  }

  const halves = seen.flatMap((item) => halfOf(item, { release, old: control.old, instances }))
  const arrival = { run, halves, at, newIs: 'live' as const, dropped }
  const { pairing, due: pairs } = joinPairs(control.pairing, arrival, (cell) =>
    readCell(cell, instances),
  )
  const twice = observePairs(alone, pairs, context)
  // The copy of these was not sent after all: their request was not whole when it failed.
  const badAlone = pairs.filter((pair) => pair.new.outcome === 'bad' && pair.old.outcome === 'void')
  const coverage = countCoverage(sofar, { ...beginCoverage(), badAlone: badAlone.length })
  const said = advanceSaid(before, release, told, { watch: twice, context, instances })
  return { ...before, order, instances, ...said, twice: { ...control, pairing, coverage } }
}

function observeDue(
  before: WatchState,
  due: readonly string[],
  {
    context,
    instances,
    drawn,
  }: { context: Context; instances: readonly string[]; drawn: Watch['drawn'] },
): WatchState {
  const answerIn = (cell: string) => readCell(cell, instances)
  if (drawn == null) {
    const alone = due.map((cell): Judged => ({ side: 'new', answer: answerIn(cell) }))
    return observe(before, alone, context)
  }
  const each = due.map((cell): HeardAnswer => {
    const { side, share, client } = readDrawn(cell)
    return { side, share, client: String(client), answer: answerIn(cell) }
  })
  return observeEach(before, each, { context, sticky: drawn.sticky })
}

/** Null where it holds its place in the order only: it went to another version, or nobody drew where it went. */
function drawnCell(
  item: Observation,
  {
    release,
    old,
    sticky,
    instances,
  }: { release: string; old: string; sticky: boolean; instances: string[] },
): string | null {
  const { share = null, client } = item
  if (item.release !== release && item.release !== old) return null
  const side = item.release === release ? 'new' : 'old'
  if (side === 'old' && (share === null || (sticky && client === 0))) return null
  return drawnCellOf(answerOf(item), { side, share, client }, instances)
}

/** What of this watch waits for something that may never come. */
export function isWaiting({ order, twice, said }: Watch): boolean {
  return (
    order.missingSince !== null ||
    (said !== null && isHearing(said.hearing)) ||
    (twice !== null && twice.pairing.order.missingSince !== null)
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
