/**
 * Latencies, each request sent to one version by a coin with a known share. H0: the new version's latency is stochastically
 * at most the old one's times 1 + tolerance (plus a constant). Four bets are averaged: ranks among everything seen so far
 * (finds a shift; the sequential form of Mann–Whitney) and the tails beyond the old 90, 95 and 99 % quantiles.
 * Thresholds and ranks are of the past only. A request past its deadline is slower than everything: Infinity.
 * Source: formula (b) of the design. Reference: the simulations of latency.test.ts.
 */
import { beginWealth, bet, wealthOf } from './engine.ts'
import type { Wealth } from './engine.ts'
import { fill, linear } from './linear.ts'
import {
  addToHistogram,
  beginHistogram,
  binOf,
  exceededBin,
  quantileBin,
  ranks,
} from './log-histogram.ts'
import type { LogHistogram } from './log-histogram.ts'
import { fractions, oddsRatios, shifts } from './mixture.ts'
import { addMoment, beginMoments, deviation } from './moments.ts'
import type { Moments } from './moments.ts'
import { nonInferiorSplit } from './non-inferior-split.ts'
import type { Side } from './side.ts'
import { splitBinary } from './split-binary.ts'
import { splitScore } from './split-score.ts'

/** 10 % and 5 ms slower are tolerated: `{ times: 1.1, plusMs: 5 }` */
export type LatencyTolerance = { times: number; plusMs: number }

/** What the bets are tuned by: all of it is of the past. JSON. */
export type LatencyTuning = {
  tolerance: LatencyTolerance
  /**
   * Tails that the old version reaches: to show that the new one reaches them less often, somebody must. Where all answers take
   * about as long, none lies beyond the bin of the quantile, and nothing would ever be shown.
   */
  reached?: true
  /** Ranks of the old version. */
  rank: Moments
  tails: { share: number; bin: number; old: { bad: number; total: number } }[]
  /** Everything seen, and the old version's part of it (scaled by the tolerance). */
  all: LogHistogram
  old: LogHistogram
  /** Ranks by bin. */
  ranks: number[]
}

/** JSON. */
export type SplitLatency = { tuning: LatencyTuning; wealths: Wealth[] }

export type SeenLatency = { side: Side; ms: number; share: number }

/** The four questions: ranks, then the tails beyond 90, 95 and 99 %. */
export const latencyWeights: readonly number[] = [0.4, 0.2, 0.2, 0.2]
export const latencyTails: readonly number[] = [0.9, 0.95, 0.99]
/** The old version's answers before its tails are bet on. */
const oldMin = 16
const table = linear(shifts.effects.length)

export function beginSplitLatency(tolerance?: LatencyTolerance): SplitLatency {
  const wealths = latencyWeights.map((_, question) => beginWealth(mixtureOf(question)))
  return { tuning: beginLatencyTuning(tolerance), wealths }
}

export function beginLatencyTuning(
  tolerance: LatencyTolerance = { times: 1, plusMs: 0 },
): LatencyTuning {
  checkTolerance(tolerance)
  const empty = beginHistogram()
  return {
    tolerance,
    rank: beginMoments({ count: 5, mean: 0.5, sd: 0.29 }),
    tails: latencyTails.map((share) => ({
      share,
      bin: 0,
      old: { bad: 20 * (1 - share), total: 20 },
    })),
    all: empty,
    old: beginHistogram(),
    ranks: [...ranks(empty)],
  }
}

/** In place. @throws RangeError on a latency that is negative or no number @returns the wealth now */
export function observeSplitLatency(state: SplitLatency, seen: SeenLatency): number {
  const bets = splitLatencyBets(state.tuning, seen)
  learnLatency(state.tuning, seen)
  let total = 0
  for (const [question, factors] of bets.entries()) {
    const wealth = state.wealths[question]!
    const mixture = mixtureOf(question)
    total +=
      latencyWeights[question]! *
      (factors === null ? wealthOf(wealth, mixture) : bet(wealth, mixture, factors))
  }
  return total
}

/** Factors for each question; null where there is no threshold of the past yet. Changes nothing. */
export function splitLatencyBets(
  tuning: LatencyTuning,
  seen: SeenLatency,
): (Float64Array | null)[] {
  const { side, share } = seen
  const bin = scaledBin(tuning, seen)
  const rank = new Float64Array(shifts.effects.length)
  const { mean } = tuning.rank
  splitScore(table, { side, share, tolerance: 0, mean, sd: deviation(tuning.rank) })
  fill(rank, table, tuning.ranks[bin]!)
  const tails = tuning.tails.map((tail) => {
    if (tuning.old.total < oldMin) return null
    const factors = new Float64Array(oddsRatios.effects.length)
    splitBinary(factors, { side, share, bad: bin > tail.bin, oldRate: rateOf(tail.old) })
    return factors
  })
  return [rank, ...tails]
}

/**
 * The same the other way round, where the tuning's tolerance is the margin. H0: the new version is slower than that; by
 * ranks, and in the tail beyond 95 %. Both must be refuted. For `fractions`.
 */
export function notSlowerBets(tuning: LatencyTuning, seen: SeenLatency): (Float64Array | null)[] {
  if (tuning.old.total < oldMin) return [null, null]
  const { side, share } = seen
  const bin = scaledBin(tuning, seen)
  const tail = tuning.tails[1]!
  const questions = [
    { x: tuning.ranks[bin]!, oldMean: tuning.rank.mean },
    { x: bin > tail.bin ? 1 : 0, oldMean: rateOf(tail.old) },
  ]
  return questions.map(({ x, oldMean }) => {
    const factors = new Float64Array(fractions.effects.length)
    nonInferiorSplit(table, { side, share, margin: 0, oldMean })
    fill(factors, table, x)
    return factors
  })
}

/** In place: after the bets on it were made. */
export function learnLatency(tuning: LatencyTuning, seen: SeenLatency): void {
  const scaled = scaledMs(tuning, seen)
  const bin = binOf(scaled)
  if (seen.side === 'old') {
    addMoment(tuning.rank, tuning.ranks[bin]!)
    if (tuning.old.total >= oldMin)
      for (const tail of tuning.tails) {
        tail.old.total++
        if (bin > tail.bin) tail.old.bad++
      }
    addToHistogram(tuning.old, scaled)
  }
  addToHistogram(tuning.all, scaled)
  if (!isStale(tuning.all.total)) return
  tuning.ranks = Array.from(ranks(tuning.all))
  const binFor = tuning.reached ? exceededBin : quantileBin
  for (const tail of tuning.tails) tail.bin = binFor(tuning.old, tail.share)
}

/** @throws RangeError unless the new version may be at least as slow as the old one */
export function checkTolerance(tolerance: LatencyTolerance): void {
  if (
    !(
      tolerance.times >= 1 &&
      tolerance.times < Infinity &&
      tolerance.plusMs >= 0 &&
      tolerance.plusMs < Infinity
    )
  )
    throw new RangeError(
      `a latency tolerance needs times ≥ 1 and plusMs ≥ 0, it is ${tolerance.times} and ${tolerance.plusMs}`,
    )
}

function scaledMs({ tolerance }: LatencyTuning, { side, ms }: SeenLatency): number {
  return side === 'old' ? ms * tolerance.times + tolerance.plusMs : ms
}

function scaledBin(tuning: LatencyTuning, seen: SeenLatency): number {
  return binOf(scaledMs(tuning, seen))
}

function rateOf({ bad, total }: { bad: number; total: number }): number {
  return (bad + 0.5) / (total + 20.5)
}

function mixtureOf(question: number) {
  return question === 0 ? shifts : oddsRatios
}

/** Ranks and thresholds of few change with each, those of thousands hardly do: 400 bins are not summed up for nothing. */
function isStale(total: number): boolean {
  return total % (total < 128 ? 4 : total < 2048 ? 32 : 256) === 0
}
