/**
 * Yes/no outcomes against a fixed rate p0, H0: rate ≤ p0. The factor of component k is the likelihood ratio of q_k and p0,
 * where q_k has p0's odds times exp(L_k): (q/p0)^y ((1-q)/(1-p0))^(1-y). Its expectation is 1 at p0 and less below.
 * Source: Wald 1945; mixture as Robbins 1970. Reference: p0 = 0.03, L = 6.5, y = 1 → q = 0.953639, factor 31.78797.
 */
import { logOddsRatios } from './wealth.ts'

/** @throws RangeError unless 0 < p0 < 1 */
export function oneSampleFactors(bad: boolean, p0: number): number[] {
  if (!(p0 > 0 && p0 < 1))
    throw new RangeError(`the rate to compare with must lie between 0 and 1, it is ${p0}`)
  return logOddsRatios.map((ratio) => {
    const odds = (p0 / (1 - p0)) * Math.exp(ratio)
    const q = odds / (1 + odds)
    return bad ? q / p0 : (1 - q) / (1 - p0)
  })
}
