/** Categories of answers: do the two versions differ by more than the tolerance in total variation? */
import { beginCategories, countsOf } from '../statistics/categories.ts'
import type { Categories } from '../statistics/categories.ts'
import { fill, linear } from '../statistics/linear.ts'
import { shifts } from '../statistics/mixture.ts'
import { addMoment, beginMoments, deviation } from '../statistics/moments.ts'
import type { Moments } from '../statistics/moments.ts'
import { oneSample } from '../statistics/one-sample.ts'
import { splitScore } from '../statistics/split-score.ts'
import type { BothBets, Pair, Single } from './bets.ts'
import type { Design, DriftRules } from './guard.ts'

/** JSON. */
export type DriftMemory = {
  categories: Categories
  totals: { new: number; old: number }
  /** How often the old version gives what the new one has given more often so far. */
  witness: Moments
  pairs: { different: number; total: number }
}

const table = linear(shifts.effects.length)
/** Never changes: categories can hold a promotion up, not earn one. */
const noFine = [null]

export function beginDrift(): DriftMemory {
  return {
    categories: beginCategories(),
    totals: { new: 0, old: 0 },
    witness: beginMoments({ count: 5, mean: 0.5, sd: 0.5 }),
    pairs: { different: 0, total: 0 },
  }
}

/** In place. As statistics/total-variation.ts, for a wealth that is kept elsewhere. */
export function driftBets(
  memory: DriftMemory,
  { tolerance }: DriftRules,
  design: Design,
  { side, seen, share }: Single<string>,
): BothBets | null {
  const { totals, witness } = memory
  const counts = countsOf(memory.categories, seen)
  const isWitness = counts.new * Math.max(totals.old, 1) > counts.old * Math.max(totals.new, 1)
  counts[side]++
  totals[side]++
  const x = isWitness ? 1 : 0
  splitScore(table, { side, share, tolerance, mean: witness.mean, sd: deviation(witness) })
  if (side === 'old') addMoment(witness, x)
  if (design !== 'split') return null
  const worse = new Float64Array(shifts.effects.length)
  fill(worse, table, x)
  return { worse: [worse], fine: noFine }
}

/** In place. The share of requests that the two answer differently. */
export function driftPairBets(
  memory: DriftMemory,
  { tolerance }: DriftRules,
  pair: Pair<string>,
): BothBets {
  const differ = pair.new !== pair.old
  memory.pairs.total++
  if (differ) memory.pairs.different++
  return { worse: [oneSample(Math.max(tolerance, 0.0005))[differ ? 'bad' : 'good']], fine: noFine }
}
