/** Where answers lie (categories, lengths, numbers): do the two versions differ by more than the tolerance in total variation? */
import { beginCategories, countsOf } from '../statistics/categories.ts'
import type { Categories } from '../statistics/categories.ts'
import { fill, linear } from '../statistics/linear.ts'
import { shifts } from '../statistics/mixture.ts'
import { addMoment, beginMoments, deviation } from '../statistics/moments.ts'
import type { Moments } from '../statistics/moments.ts'
import { pairedScore } from '../statistics/paired-score.ts'
import { splitScore } from '../statistics/split-score.ts'
import type { BothBets, Pair, Single } from './bets.ts'
import type { Design, DriftRules } from './guard.ts'

/** JSON. */
export type DriftMemory = {
  categories: Categories
  totals: { new: number; old: number }
  /** How often the old version gives what the new one has given more often so far. */
  witness: Moments
  /** The same in pairs: new minus old, of the same request. */
  differences: Moments
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
    differences: beginMoments({ count: 5, mean: 0, sd: 0.3 }),
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
  const { witness } = memory
  const x = witnessOf(memory, seen)
  count(memory, side, seen)
  splitScore(table, { side, share, tolerance, mean: witness.mean, sd: deviation(witness) })
  if (side === 'old') addMoment(witness, x)
  if (design !== 'split') return null
  const worse = new Float64Array(shifts.effects.length)
  fill(worse, table, x)
  return { worse: [worse], fine: noFine }
}

/**
 * In place. The same question of both answers to one request: a good new version answers some requests otherwise, and its answers
 * lie where the old one's do. What the two have in common cancels out.
 */
export function driftPairBets(
  memory: DriftMemory,
  { tolerance }: DriftRules,
  pair: Pair<string>,
): BothBets {
  const difference = witnessOf(memory, pair.new) - witnessOf(memory, pair.old)
  memory.pairs.total++
  if (pair.new !== pair.old) memory.pairs.different++
  count(memory, 'new', pair.new)
  count(memory, 'old', pair.old)
  pairedScore(table, deviation(memory.differences), tolerance)
  addMoment(memory.differences, difference)
  const worse = new Float64Array(shifts.effects.length)
  fill(worse, table, difference)
  return { worse: [worse], fine: noFine }
}

/** 1: so far the new version has given it more often than the old one. */
function witnessOf({ categories, totals }: DriftMemory, category: string): 0 | 1 {
  const counts = countsOf(categories, category)
  return counts.new * Math.max(totals.old, 1) > counts.old * Math.max(totals.new, 1) ? 1 : 0
}

function count({ categories, totals }: DriftMemory, side: 'new' | 'old', category: string): void {
  countsOf(categories, category)[side]++
  totals[side]++
}
