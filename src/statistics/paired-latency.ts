/**
 * Latencies in pairs: both versions answered the same request under equal load. H0, as for the split form: the new latency
 * is stochastically at most the old one's times 1 + tolerance (plus a constant), and more often faster than that than
 * slower. Averaged: the sign of new against scaled old, and who alone exceeds the old 90, 95 and 99 % quantiles.
 * Source: formula (b, paired) of the design. Not a default until its simulations hold on real traffic.
 * Reference: the simulations of paired-latency.test.ts.
 */
import { beginWealth, bet, wealthOf } from './engine.ts'
import type { Wealth } from './engine.ts'
import { addToHistogram, beginHistogram, binOf, quantileBin } from './log-histogram.ts'
import type { LogHistogram } from './log-histogram.ts'
import { oddsRatios } from './mixture.ts'
import { pairedBinary } from './paired-binary.ts'
import { checkTolerance } from './split-latency.ts'
import type { LatencyTolerance } from './split-latency.ts'

/** JSON. */
export type PairedLatency = {
  tolerance: LatencyTolerance
  sign: Wealth
  tails: { share: number; bin: number; wealth: Wealth }[]
  old: LogHistogram
}

const refreshEvery = 16
const { newOnly, same, oldOnly } = pairedBinary(0)

export function beginPairedLatency(
  tolerance: LatencyTolerance = { times: 1, plusMs: 0 },
): PairedLatency {
  checkTolerance(tolerance)
  const tails = [0.9, 0.95, 0.99].map((share) => ({
    share,
    bin: 0,
    wealth: beginWealth(oddsRatios),
  }))
  return { tolerance, sign: beginWealth(oddsRatios), tails, old: beginHistogram() }
}

/** In place. @param newMs Infinity past its deadline. @throws RangeError on a latency that is none @returns the wealth now */
export function observePairedLatency(
  state: PairedLatency,
  { newMs, oldMs }: { newMs: number; oldMs: number },
): number {
  const { tolerance, sign, tails, old } = state
  const scaled = oldMs * tolerance.times + tolerance.plusMs
  const [own, other] = [binOf(newMs), binOf(scaled)]
  bet(sign, oddsRatios, newMs === scaled ? same : newMs > scaled ? newOnly : oldOnly)
  for (const tail of tails) {
    if (old.total < refreshEvery) break
    const [slow, otherSlow] = [own > tail.bin, other > tail.bin]
    bet(tail.wealth, oddsRatios, slow === otherSlow ? same : slow ? newOnly : oldOnly)
  }
  addToHistogram(old, scaled)
  if (old.total % refreshEvery === 0)
    for (const tail of tails) tail.bin = quantileBin(old, tail.share)
  return (
    0.4 * wealthOf(sign, oddsRatios) +
    tails.reduce((sum, tail) => sum + 0.2 * wealthOf(tail.wealth, oddsRatios), 0)
  )
}
