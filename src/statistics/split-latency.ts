/**
 * Latencies, each request sent to one version by a coin with a known share. H0: the new version's latency is stochastically
 * at most the old one's times 1 + tolerance (plus a constant). Four bets are averaged: ranks among everything seen so far
 * (finds a shift; the sequential form of Mann–Whitney) and the tails beyond the old 90, 95 and 99 % quantiles.
 * Thresholds and ranks are of the past only. A request past its deadline is slower than everything: Infinity.
 * Source: formula (b) of the design. Reference: the simulations of split-latency.test.ts.
 */
import { wealthOf } from './engine.ts'
import { addToHistogram, beginHistogram, binOf, quantileBin, ranks } from './log-histogram.ts'
import type { LogHistogram } from './log-histogram.ts'
import { oddsRatios, shifts } from './mixture.ts'
import type { Side } from './side.ts'
import { beginSplitBinary, observeSplitBinary } from './split-binary.ts'
import type { SplitBinary } from './split-binary.ts'
import { beginSplitScore, observeSplitScore } from './split-score.ts'
import type { SplitScore } from './split-score.ts'

/** JSON. */
export type SplitLatency = {
  tolerance: LatencyTolerance
  rank: SplitScore
  tails: { share: number; bin: number; wealth: SplitBinary }[]
  /** Everything seen, and the old version's part of it (scaled by the tolerance). */
  all: LogHistogram
  old: LogHistogram
  /** Ranks by bin, always of the past. */
  ranks: number[]
}

/** 10 % and 5 ms slower are tolerated: `{ times: 1.1, plusMs: 5 }` */
export type LatencyTolerance = { times: number; plusMs: number }

/** The old version's answers before its tails are bet on. */
const oldMin = 16
const rankWeight = 0.4
const tailWeight = 0.2
const tails = [0.9, 0.95, 0.99]

export function beginSplitLatency(
  tolerance: LatencyTolerance = { times: 1, plusMs: 0 },
): SplitLatency {
  checkTolerance(tolerance)
  const empty = beginHistogram()
  return {
    tolerance,
    rank: beginSplitScore(0, { count: 5, mean: 0.5, sd: 0.29 }),
    tails: tails.map((share) => ({
      share,
      bin: 0,
      wealth: beginSplitBinary({ bad: 20 * (1 - share), total: 20 }),
    })),
    all: empty,
    old: beginHistogram(),
    ranks: [...ranks(empty)],
  }
}

/** In place. @throws RangeError on a latency that is negative or no number @returns the wealth now */
export function observeSplitLatency(
  state: SplitLatency,
  { side, ms, share }: { side: Side; ms: number; share: number },
): number {
  const { times, plusMs } = state.tolerance
  const scaled = side === 'old' ? ms * times + plusMs : ms
  const bin = binOf(scaled)
  observeSplitScore(state.rank, { side, x: state.ranks[bin]!, share })
  // Without a threshold from the past there is nothing to exceed.
  if (state.old.total >= oldMin)
    for (const tail of state.tails)
      observeSplitBinary(tail.wealth, { side, bad: bin > tail.bin, share })
  addToHistogram(state.all, scaled)
  if (side === 'old') addToHistogram(state.old, scaled)
  if (isStale(state.all.total)) refresh(state)
  return splitLatencyWealth(state)
}

export function splitLatencyWealth({ rank, tails: all }: SplitLatency): number {
  let total = rankWeight * wealthOf(rank.wealth, shifts)
  for (const tail of all) total += tailWeight * wealthOf(tail.wealth.wealth, oddsRatios)
  return total
}

/** Ranks and thresholds of few change with each, those of thousands hardly do: 400 bins are not summed up for nothing. */
function isStale(total: number): boolean {
  return total % (total < 128 ? 4 : total < 2048 ? 32 : 256) === 0
}

function refresh(state: SplitLatency): void {
  state.ranks = Array.from(ranks(state.all))
  for (const tail of state.tails) tail.bin = quantileBin(state.old, tail.share)
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
