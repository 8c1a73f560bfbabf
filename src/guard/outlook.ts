/** How much longer: requests until a version that is as bad as matters is seen, and until one that is not is cleared. */
import { bookWealth } from './book.ts'
import { fractions } from '../statistics/mixture.ts'
import { linear } from '../statistics/linear.ts'
import { deviation } from '../statistics/moments.ts'
import { nonInferiorPaired } from '../statistics/non-inferior-paired.ts'
import { nonInferiorSplit } from '../statistics/non-inferior-split.ts'
import { oneSampleBelow } from '../statistics/one-sample-below.ts'
import { answersUntil, growthOf } from '../statistics/planning.ts'
import {
  evidencePerAnswer,
  evidencePerPair,
  evidencePerRequest,
  evidenceToSee,
  requestsToSee,
} from '../statistics/wald.ts'
import type { SignalState } from './signals.ts'
import type { YesNoMemory } from './yes-no.ts'

/** A few answers say little about a rate: what is expected is mixed in as if it were so many answers. */
const borrowed = 20

type YesNo = SignalState & { kind: 'yesNo' }
type Score = SignalState & { kind: 'score' }

/** @returns null where this design never sees so small a difference, or it cannot be said */
export function toSee(signal: SignalState, goal: number): number | null {
  if (signal.kind !== 'yesNo') return null
  const { weight, book } = signal
  const wealth = bookWealth(book)
  const requests = requestsToSee(evidenceEach(signal), { risk: 1 / goal, weight, wealth })
  return Number.isFinite(requests) ? requests : null
}

/** Would a regression as large as matters have shown itself in what was judged so far? */
export function wouldShow(signal: SignalState, goal: number): boolean {
  return signal.shown >= evidenceToSee({ risk: 1 / goal, weight: signal.weight })
}

/** Nats that each request (pair, answer) gives, if the new version is as bad as matters; 0 where that cannot be said. */
export function evidenceEach(signal: SignalState): number {
  if (signal.kind !== 'yesNo') return 0
  const { memory, rules, design, share } = signal
  const old = oldRate(memory)
  const bad = Math.min(1, old + rules.minimumEffect)
  if (design === 'paired') return evidencePerPair(bad * (1 - old), old * (1 - bad))
  if (design === 'split' || design === 'matched') return evidencePerRequest(old, bad, share)
  const fixed = memory.baseline.worse
  return design !== 'none' && bad > fixed ? evidencePerAnswer(bad, fixed) : 0
}

/** At what was seen so far. @returns 0: it is clear; null: never, or it cannot be said */
export function toClear(signal: SignalState): number | null {
  if (signal.kind !== 'yesNo' && signal.kind !== 'score') return null
  const growth = signal.kind === 'yesNo' ? growthNow(signal) : scoreGrowth(signal)
  const [wealth] = signal.fine
  if (growth === null || wealth === undefined) return null
  const needed = answersUntil({ wealth, mixture: fractions, growth, goal: signal.fineGoal })
  return Number.isFinite(needed) ? needed : null
}

function growthNow({ memory, rules, design, share }: YesNo): number[] | null {
  if (design === 'none') return null
  if (design === 'paired') {
    const { newOnly, oldOnly, total } = memory.pairs
    const expected = Math.min(oldRate(memory), rules.margin)
    const of = (count: number) => (count + borrowed * expected) / (total + borrowed)
    const [own, other] = [of(newOnly), of(oldOnly)]
    const factors = nonInferiorPaired(rules.margin)
    return growthOf([
      { factors: factors.newOnly, share: own },
      { factors: factors.oldOnly, share: other },
      { factors: factors.same, share: 1 - own - other },
    ])
  }
  const { limit, expected } = memory.baseline
  if (design === 'before-after' || design === 'one-sample') {
    const factors = oneSampleBelow(limit)
    const rate = newRate(memory, Math.min(expected, limit))
    return growthOf([
      { factors: factors.good, share: 1 - rate },
      { factors: factors.bad, share: rate },
    ])
  }
  const old = oldRate(memory)
  const own = newRate(memory, old)
  return growthOf(
    (['new', 'old'] as const).flatMap((side) => {
      const table = linear(fractions.effects.length)
      nonInferiorSplit(table, { side, share, margin: rules.margin, oldMean: old })
      const at = (x: number) =>
        Array.from(table.slopes, (slope, k) => 1 + slope * (x - table.centres[k]!))
      const [rate, part] = side === 'new' ? [own, share] : [old, 1 - share]
      return [
        { factors: at(1), share: rate * part },
        { factors: at(0), share: (1 - rate) * part },
      ]
    }),
  )
}

/** As if scores lay one deviation above or below their mean: the first two moments are what counts for small bets. */
function scoreGrowth({ memory, rules: { margin }, design, share }: Score): number[] | null {
  const around = (mean: number, sd: number, low: number) =>
    [Math.max(low, mean - sd), Math.min(1, mean + sd)] as const
  if (design === 'paired') {
    const { mean } = memory.differences
    return growthOf(
      around(mean, deviation(memory.differences), -1).map((difference) => ({
        factors: fractions.effects.map((f) => 1 - (f / (1 - margin)) * (difference - margin)),
        share: 0.5,
      })),
    )
  }
  if (design !== 'split') return null
  const { old } = memory
  const own = memory.new.count === 0 ? old : memory.new
  const table = linear(fractions.effects.length)
  return growthOf(
    (['new', 'old'] as const).flatMap((side) => {
      nonInferiorSplit(table, { side, share, margin, oldMean: old.mean })
      const { mean } = side === 'new' ? own : old
      return around(mean, deviation(side === 'new' ? own : old), 0).map((x) => ({
        factors: Array.from(table.slopes, (slope, k) => 1 + slope * (x - table.centres[k]!)),
        share: (side === 'new' ? share : 1 - share) / 2,
      }))
    }),
  )
}

function newRate({ new: { bad, total } }: YesNoMemory, expected: number): number {
  return (bad + borrowed * expected) / (total + borrowed)
}

function oldRate({ old, baseline }: YesNoMemory): number {
  return (old.bad + borrowed * Math.min(baseline.expected, 0.01)) / (old.total + borrowed)
}
