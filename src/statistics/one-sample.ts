/**
 * Yes/no outcomes against a fixed rate p0. H0: each outcome is bad with probability at most p0. Component k bets on the
 * rate q_k whose odds are exp(L_k) times those of p0; its factor is the likelihood ratio, (q/p0)^y ((1-q)/(1-p0))^(1-y),
 * whose expectation is 1 at p0 and less below. Source: Wald 1945.
 * Reference: p0 = 0.03, L = 6.5 → q = 0.953642; bad 31.78808, good 0.047791.
 */
import { oddsRatios } from './mixture.ts'

/** Factors for `oddsRatios`, one table for each outcome. @throws RangeError unless 0 < p0 < 1 */
export function oneSample(p0: number): { bad: number[]; good: number[] } {
  if (!(p0 > 0 && p0 < 1))
    throw new RangeError(`the rate to compare with must lie between 0 and 1, it is ${p0}`)
  const rates = oddsRatios.effects.map((ratio) => {
    const odds = (p0 / (1 - p0)) * Math.exp(ratio)
    return odds / (1 + odds)
  })
  return { bad: rates.map((q) => q / p0), good: rates.map((q) => (1 - q) / (1 - p0)) }
}
