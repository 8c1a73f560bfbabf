/**
 * Do the two versions' answers differ by more than ε in total variation? H0: at most ε. The categories that the new version
 * has given more often so far are the witness: it must not give them ε more often from now on. The bet is the score test
 * with tolerance ε on "lies in the witness set". Source: formula (d) of the design. Reference: total-variation.test.ts.
 */
import { beginCategories, countsOf } from './categories.ts'
import type { Categories } from './categories.ts'
import type { Side } from './side.ts'
import { beginSplitScore, observeSplitScore } from './split-score.ts'
import type { SplitScore } from './split-score.ts'

/** JSON. */
export type TotalVariation = {
  score: SplitScore
  categories: Categories
  total: { new: number; old: number }
}

/** @param tolerance ε, the difference that a new version may make */
export function beginTotalVariation(tolerance: number): TotalVariation {
  return {
    score: beginSplitScore(tolerance, { count: 5, mean: 0.5, sd: 0.5 }),
    categories: beginCategories(),
    total: { new: 0, old: 0 },
  }
}

/** In place. @returns the wealth now */
export function observeTotalVariation(
  state: TotalVariation,
  { side, category, share }: { side: Side; category: string; share: number },
): number {
  const { categories, total, score } = state
  const count = countsOf(categories, category)
  const isWitness = count.new * Math.max(total.old, 1) > count.old * Math.max(total.new, 1)
  count[side]++
  total[side]++
  return observeSplitScore(score, { side, x: isWitness ? 1 : 0, share })
}
