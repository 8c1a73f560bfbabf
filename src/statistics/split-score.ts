/**
 * Scores between 0 and 1 (larger is worse), each request sent to one version by a coin with a known share. H0: the new
 * version's mean is at most the old one's plus the tolerance. Component k bets on a difference of d_k standard deviations,
 * with the stake that is best for it. Source: Waudby-Smith & Ramdas 2024 (betting); formula (c) of the design.
 * Reference: mean 0.2, sd 0.15, share 0.5, tolerance 0, d = 0.5 → new slope 1.245902, centre 0.2375.
 */
import { beginWealth, bet } from './engine.ts'
import type { Wealth } from './engine.ts'
import { fill, linear, stakeMax } from './linear.ts'
import { shifts } from './mixture.ts'
import { addMoment, beginMoments, deviation } from './moments.ts'
import type { Moments } from './moments.ts'
import { checkShare } from './side.ts'
import type { Side } from './side.ts'

/** JSON. The old version's moments only tune the bets. */
export type SplitScore = { wealth: Wealth; tolerance: number; old: Moments }

const table = linear(shifts.effects.length)
const factors = new Float64Array(shifts.effects.length)
/** Until the old version has been seen: a middling score, as if seen so often. */
const unknown = { count: 5, mean: 0.3, sd: 0.2 }

export function beginSplitScore(tolerance: number, history = unknown): SplitScore {
  if (!(tolerance >= 0 && tolerance < 1))
    throw new RangeError(`the tolerance of a score must lie between 0 and 1, it is ${tolerance}`)
  return { wealth: beginWealth(shifts), tolerance, old: beginMoments(history) }
}

/** In place. @param x badness in [0, 1]. @throws RangeError on one that is not @returns the wealth now */
export function observeSplitScore(
  state: SplitScore,
  { side, x, share }: { side: Side; x: number; share: number },
): number {
  if (!(x >= 0 && x <= 1)) throw new RangeError(`a score must lie between 0 and 1, it is ${x}`)
  const { old, tolerance } = state
  splitScore(table, { side, share, tolerance, mean: old.mean, sd: deviation(old) })
  fill(factors, table, x)
  if (side === 'old') addMoment(old, x)
  return bet(state.wealth, shifts, factors)
}

export type SplitScoreGuess = {
  side: Side
  share: number
  tolerance: number
  /** The old version's, guessed before this observation. */
  mean: number
  sd: number
}

/** Fills the bets of one side. @throws RangeError unless 0 < share < 1 */
export function splitScore(
  { slopes, centres }: typeof table,
  { side, share, tolerance, mean, sd }: SplitScoreGuess,
): void {
  checkShare(share)
  const variance = Math.max(sd, 1e-6) ** 2
  const rest = 1 - share
  for (let k = 0; k < slopes.length; k++) {
    const difference = Math.min(shifts.effects[k]! * Math.sqrt(variance), 0.9 * (1 - mean))
    const centre = mean + share * difference
    const spread =
      (variance + (rest * difference) ** 2) / share + (variance + (share * difference) ** 2) / rest
    const most = stakeMax / Math.max((centre + tolerance) / share, (1 - centre) / rest)
    const stake = Math.min(difference / spread, most)
    slopes[k] = side === 'new' ? stake / share : -stake / rest
    centres[k] = side === 'new' ? centre + tolerance : centre
  }
}
