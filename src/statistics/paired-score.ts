/**
 * Scores in pairs: D in [-1, 1] is how much worse the new version's answer to the same request is (a judge who prefers one
 * says 1, 0 or -1). H0: E[D] ≤ tolerance, whatever was seen before. Component k bets on a difference of d_k standard
 * deviations of D. Source: Waudby-Smith & Ramdas 2024; formula (c, paired) of the design.
 * Reference: sd 0.1, tolerance 0, d = 0.5 → stake 4 → capped at 0.95.
 */
import { beginWealth, bet } from './engine.ts'
import type { Wealth } from './engine.ts'
import { fill, linear, stakeMax } from './linear.ts'
import { shifts } from './mixture.ts'
import { addMoment, beginMoments, deviation } from './moments.ts'
import type { Moments } from './moments.ts'

/** JSON. */
export type PairedScore = { wealth: Wealth; tolerance: number; differences: Moments }

const table = linear(shifts.effects.length)
const factors = new Float64Array(shifts.effects.length)
const unknown = { count: 5, mean: 0, sd: 0.2 }

export function beginPairedScore(tolerance: number): PairedScore {
  if (!(tolerance >= 0 && tolerance < 1))
    throw new RangeError(`the tolerance of a score must lie between 0 and 1, it is ${tolerance}`)
  return { wealth: beginWealth(shifts), tolerance, differences: beginMoments(unknown) }
}

/** In place. @param difference new minus old badness, in [-1, 1]. @throws RangeError on one that is not */
export function observePairedScore(state: PairedScore, difference: number): number {
  if (!(difference >= -1 && difference <= 1))
    throw new RangeError(`a difference of scores must lie between -1 and 1, it is ${difference}`)
  pairedScore(table, deviation(state.differences), state.tolerance)
  fill(factors, table, difference)
  addMoment(state.differences, difference)
  return bet(state.wealth, shifts, factors)
}

/** @param sd standard deviation of the differences, guessed before this observation */
export function pairedScore(
  { slopes, centres }: typeof table,
  sd: number,
  tolerance: number,
): void {
  for (let k = 0; k < slopes.length; k++) {
    const effect = shifts.effects[k]!
    const best = effect / (Math.max(sd, 1e-6) * (1 + effect ** 2))
    slopes[k] = Math.min(best, stakeMax / (1 + tolerance))
    centres[k] = tolerance
  }
}
