/**
 * The one-sample bet the other way round. H0: each outcome is bad with probability at least `limit`. Component f bets on
 * the rate limit·(1-f): a good answer multiplies it by (1 - limit(1-f)) / (1 - limit), a bad one by 1-f.
 * Source: Wald 1945, as one-sample.ts. Reference: limit = 0.01, f = 0.95 → good 1.009596, bad 0.05.
 */
import { fractions } from './mixture.ts'

/** Factors for `fractions`, one table for each outcome. @throws RangeError unless 0 < limit < 1 */
export function oneSampleBelow(limit: number): { bad: number[]; good: number[] } {
  if (!(limit > 0 && limit < 1))
    throw new RangeError(`the limit must lie between 0 and 1, it is ${limit}`)
  return {
    bad: fractions.effects.map((fraction) => 1 - fraction),
    good: fractions.effects.map((fraction) => (1 - limit * (1 - fraction)) / (1 - limit)),
  }
}
