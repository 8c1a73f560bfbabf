/**
 * Yes/no outcomes where each request went to one version by a coin with a known share. H0: at every time the new version's
 * rate is at most the old one's; rates may change as they like. Component k bets that the new version's odds are exp(L_k)
 * times the old one's. Source: Turner, Ly & Grünwald 2024 (growth-optimal k-sample e-values), formula (a2) of the design.
 * Reference: old rate 0.01, share 0.5, L = 1.7 → new bad 1.679463, good 0.978120; old bad 0.320537, good 1.021880.
 */
import { beginWealth, bet } from './engine.ts'
import type { Wealth } from './engine.ts'
import { oddsRatios } from './mixture.ts'
import { checkShare, clampRate } from './side.ts'
import type { Side } from './side.ts'

/** JSON. The old version's counts only tune the bets: a wrong history makes them slower, never wrong. */
export type SplitBinary = { wealth: Wealth; old: { bad: number; total: number } }

const ratios = oddsRatios.effects.map((ratio) => Math.exp(ratio))
const into = new Float64Array(ratios.length)

export function beginSplitBinary(
  history: { bad: number; total: number } = { bad: 0, total: 0 },
): SplitBinary {
  return { wealth: beginWealth(oddsRatios), old: { ...history } }
}

/** In place. @param share with which this request's coin chose the new version @returns the wealth now */
export function observeSplitBinary(
  state: SplitBinary,
  { side, bad, share }: { side: Side; bad: boolean; share: number },
): number {
  const { old } = state
  splitBinary(into, { side, bad, share, oldRate: (old.bad + 0.5) / (old.total + 20.5) })
  if (side === 'old') {
    old.total++
    if (bad) old.bad++
  }
  return bet(state.wealth, oddsRatios, into)
}

/** @param oldRate a guess made before this observation. @throws RangeError unless 0 < share < 1 */
export function splitBinary(
  factors: Float64Array,
  { side, bad, share, oldRate }: { side: Side; bad: boolean; share: number; oldRate: number },
): void {
  checkShare(share)
  const old = clampRate(oldRate)
  const odds = old / (1 - old)
  for (let k = 0; k < ratios.length; k++) {
    const worse = (odds * ratios[k]!) / (1 + odds * ratios[k]!)
    const mean = share * worse + (1 - share) * old
    const own = side === 'new' ? worse : old
    factors[k] = bad ? own / mean : (1 - own) / (1 - mean)
  }
}
