/**
 * Yes/no outcomes, split by a coin, with an absolute tolerance. H0: the new version's rate is at most the old one's plus the
 * tolerance. Component k bets that its odds are exp(L_k) times the old one's; guesses within the tolerance stay out of it
 * (factor 1). Source: formula (a2, absolute) of the design, the growth-optimal stake of the score test for yes/no.
 * Reference: old rate 0.01, share 0.5, tolerance 0.002, L = 1.7 → new slope 0.689675, centre 0.032198.
 */
import { beginWealth, bet } from './engine.ts'
import { fill, linear, stakeMax } from './linear.ts'
import { oddsRatios } from './mixture.ts'
import { checkShare, clampRate } from './side.ts'
import type { Side } from './side.ts'
import type { SplitBinary } from './split-binary.ts'

/** JSON. */
export type TolerantSplit = SplitBinary & { tolerance: number }

const ratios = oddsRatios.effects.map((ratio) => Math.exp(ratio))
const table = linear(ratios.length)
const factors = new Float64Array(ratios.length)

export function beginTolerantSplit(
  tolerance: number,
  history = { bad: 0, total: 0 },
): TolerantSplit {
  if (!(tolerance >= 0 && tolerance < 1))
    throw new RangeError(`the tolerance must lie between 0 and 1, it is ${tolerance}`)
  return { wealth: beginWealth(oddsRatios), old: { ...history }, tolerance }
}

/** In place. @returns the wealth now */
export function observeTolerantSplit(
  state: TolerantSplit,
  { side, bad, share }: { side: Side; bad: boolean; share: number },
): number {
  const { old, tolerance } = state
  tolerantSplit(table, { side, share, tolerance, oldRate: (old.bad + 0.5) / (old.total + 20.5) })
  fill(factors, table, bad ? 1 : 0)
  if (side === 'old') {
    old.total++
    if (bad) old.bad++
  }
  return bet(state.wealth, oddsRatios, factors)
}

/** @throws RangeError unless 0 < share < 1 */
export function tolerantSplit(
  { slopes, centres }: typeof table,
  {
    side,
    share,
    tolerance,
    oldRate,
  }: { side: Side; share: number; tolerance: number; oldRate: number },
): void {
  checkShare(share)
  const old = clampRate(oldRate)
  const odds = old / (1 - old)
  const rest = 1 - share
  for (let k = 0; k < ratios.length; k++) {
    const worse = (odds * ratios[k]!) / (1 + odds * ratios[k]!)
    const beyond = worse - tolerance - old
    const centre = share * (worse - tolerance) + rest * old
    const most = stakeMax / Math.max((centre + tolerance) / share, (1 - centre) / rest)
    const best = (share * rest * beyond) / (centre * (1 - centre))
    const stake = beyond <= 0 ? 0 : Math.min(best, most)
    slopes[k] = side === 'new' ? stake / share : -stake / rest
    centres[k] = side === 'new' ? centre + tolerance : centre
  }
}
