/**
 * Latencies in pairs: both versions answered the same request under equal load. H0, as for the split form: the new latency
 * is stochastically at most the old one's times 1 + tolerance (plus a constant), and more often faster than that than
 * slower. Averaged: the sign of new against scaled old, and who alone exceeds the old 90, 95 and 99 % quantiles.
 * Source: formula (b, paired) of the design. Reference: the simulations of latency.test.ts.
 */
import { beginWealth, bet, wealthOf } from './engine.ts'
import type { Wealth } from './engine.ts'
import { addToHistogram, beginHistogram, binOf, exceededBin, quantileBin } from './log-histogram.ts'
import type { LogHistogram } from './log-histogram.ts'
import { oddsRatios } from './mixture.ts'
import { pairedBinary } from './paired-binary.ts'
import type { PairedFactors } from './paired-binary.ts'
import { checkTolerance, latencyTails, latencyWeights } from './split-latency.ts'
import type { LatencyTolerance } from './split-latency.ts'

/** JSON. Of the past only. */
export type PairTuning = {
  tolerance: LatencyTolerance
  /** As in the split form. */
  reached?: true
  tails: { share: number; bin: number }[]
  old: LogHistogram
}

/** JSON. */
export type PairedLatency = { tuning: PairTuning; wealths: Wealth[] }

export type LatencyPair = { newMs: number; oldMs: number }

export type PairKind = keyof PairedFactors

const refreshEvery = 16
const slower = pairedBinary(0)

export function beginPairedLatency(tolerance?: LatencyTolerance): PairedLatency {
  const wealths = latencyWeights.map(() => beginWealth(oddsRatios))
  return { tuning: beginPairTuning(tolerance), wealths }
}

export function beginPairTuning(tolerance: LatencyTolerance = { times: 1, plusMs: 0 }): PairTuning {
  checkTolerance(tolerance)
  const tails = latencyTails.map((share) => ({ share, bin: 0 }))
  return { tolerance, tails, old: beginHistogram() }
}

/** In place. @param newMs Infinity past its deadline. @throws RangeError on a latency that is none @returns the wealth now */
export function observePairedLatency(state: PairedLatency, pair: LatencyPair): number {
  const kinds = pairKinds(state.tuning, pair)
  learnPair(state.tuning, pair)
  let total = 0
  for (const [question, kind] of kinds.entries()) {
    const wealth = state.wealths[question]!
    total +=
      latencyWeights[question]! *
      (kind === null ? wealthOf(wealth, oddsRatios) : bet(wealth, oddsRatios, slower[kind]))
  }
  return total
}

/** For each question who alone was slow: sign, then the tails. Null where there is no threshold of the past yet. */
export function pairKinds(tuning: PairTuning, { newMs, oldMs }: LatencyPair): (PairKind | null)[] {
  const scaled = scaledMs(tuning, oldMs)
  const [own, other] = [binOf(newMs), binOf(scaled)]
  const sign = newMs === scaled ? 'same' : newMs > scaled ? 'newOnly' : 'oldOnly'
  const tails = tuning.tails.map(({ bin }): PairKind | null => {
    if (tuning.old.total < refreshEvery) return null
    const [slow, otherSlow] = [own > bin, other > bin]
    return slow === otherSlow ? 'same' : slow ? 'newOnly' : 'oldOnly'
  })
  return [sign, ...tails]
}

/** In place: after the bets on it were made. */
export function learnPair(tuning: PairTuning, { oldMs }: LatencyPair): void {
  addToHistogram(tuning.old, scaledMs(tuning, oldMs))
  if (tuning.old.total % refreshEvery !== 0) return
  const binFor = tuning.reached ? exceededBin : quantileBin
  for (const tail of tuning.tails) tail.bin = binFor(tuning.old, tail.share)
}

function scaledMs({ tolerance }: PairTuning, oldMs: number): number {
  return oldMs * tolerance.times + tolerance.plusMs
}
