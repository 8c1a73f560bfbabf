/**
 * Have the two versions the same distribution over categories? H0: identical, each request sent to one version by a coin
 * with a known share. Given the category, the coin is still fair under H0; the bet predicts it from the counts seen so far,
 * (κ q + n_side) / (κ + n) / q with q the side's share, for κ = 10, 60 and 400. Two-sided: it finds any difference, so it
 * holds a promotion, and never rolls back by itself (a new version is meant to differ).
 * Source: formula (d) of the design. Reference: share 0.5, 3 new and 1 old seen, κ = 10 → new 1.142857, old 0.857143.
 */
import { beginCategories, countsOf } from './categories.ts'
import type { Categories } from './categories.ts'
import { beginWealth, bet } from './engine.ts'
import type { Wealth } from './engine.ts'
import { mixture } from './mixture.ts'
import { checkShare } from './side.ts'
import type { Side } from './side.ts'

export const strengths = mixture({ effects: [10, 60, 400], later: 0.5 })

/** JSON. */
export type Categorical = { wealth: Wealth; categories: Categories }

const factors = new Float64Array(strengths.effects.length)

export function beginCategorical(): Categorical {
  return { wealth: beginWealth(strengths), categories: beginCategories() }
}

/** In place. @returns the wealth now */
export function observeCategorical(
  state: Categorical,
  { side, category, share }: { side: Side; category: string; share: number },
): number {
  checkShare(share)
  const counts = countsOf(state.categories, category)
  const own = side === 'new' ? share : 1 - share
  const seen = counts.new + counts.old
  for (const [k, strength] of strengths.effects.entries())
    factors[k] = (strength * own + counts[side]) / (strength + seen) / own
  counts[side]++
  return bet(state.wealth, strengths, factors)
}
