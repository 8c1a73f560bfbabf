/**
 * How long the old version took, by the rate at which each of its replicas was asked: what a new version can be held
 * against while no old one runs beside it under the same load (rulings §5). JSON, bounded.
 */
import { upperBound } from '../statistics/clopper-pearson.ts'
import { binOf, edgeOf } from '../statistics/log-histogram.ts'
import type { LatencyTolerance } from '../statistics/split-latency.ts'
import { beforeAfterMargin } from './baseline.ts'

/** By the rate's bucket. */
export type LatencyHistory = Record<string, Bucket>

type Bucket = {
  total: number
  /** One half finds the thresholds, the other one tells how often they are exceeded: the same half would flatter them. */
  tune: Bins
  tell: Bins
}

/** Counts by bin of the log histogram; most are empty. */
type Bins = { total: number; counts: Record<string, number> }

/** Four limits: the median (a shift), and the tails beyond 90, 95 and 99 %. */
export type LatencyLimit = {
  /** The old version's quantile, and what a new version may take: the tolerance, at least 1.5 times. */
  oldMs: number
  ms: number
  /** Surely no more than this share of a version that is not worse exceeds it. */
  rate: number
}

/** Neighbouring rates in a bucket differ by at most 20 %. */
const bucketWidth = Math.log(1.2)
/** Answers at a rate before anything is held against them. */
const bucketMin = 400
/** Rates of one service: from one a second to a million there are 76. */
const bucketsMax = 100
export const limitShares: readonly number[] = [0.5, 0.9, 0.95, 0.99]

/** Requests a second for each replica → its bucket. Below one a second nothing depends on the load. */
export function bucketOf(perReplica: number): string {
  return `${Math.max(0, Math.round(Math.log(Math.max(perReplica, 1)) / bucketWidth))}`
}

/** In place. */
export function addToHistory(history: LatencyHistory, bucket: string, ms: number): void {
  if (history[bucket] === undefined && Object.keys(history).length >= bucketsMax) return
  const into = (history[bucket] ??= { total: 0, tune: emptyBins(), tell: emptyBins() })
  const half = into.total++ % 2 === 0 ? into.tune : into.tell
  const bin = `${binOf(ms)}`
  half.counts[bin] = (half.counts[bin] ?? 0) + 1
  half.total++
}

/**
 * @param risk that any of the limits is too low
 * @returns for each bucket with enough answers its four limits
 */
export function latencyLimits(
  history: LatencyHistory,
  tolerance: LatencyTolerance,
  risk: number,
): Record<string, LatencyLimit[]> {
  const known = Object.entries(history).filter(([, { total }]) => total >= bucketMin)
  const each = risk / (limitShares.length * Math.max(1, known.length))
  return Object.fromEntries(
    known.map(([bucket, { tune, tell }]) => [
      bucket,
      limitShares.map((share) => {
        const bin = quantileBin(tune, share)
        const oldMs = edgeOf(bin)
        const rate = Math.min(0.95, upperBound(countAbove(tell, bin), tell.total, each))
        return {
          oldMs,
          ms: oldMs * Math.max(beforeAfterMargin, tolerance.times) + tolerance.plusMs,
          rate,
        }
      }),
    ]),
  )
}

function emptyBins(): Bins {
  return { total: 0, counts: {} }
}

function quantileBin({ total, counts }: Bins, share: number): number {
  let [below, bin] = [0, 0]
  for (const [key, count] of Object.entries(counts).toSorted(([a], [b]) => Number(a) - Number(b))) {
    bin = Number(key)
    below += count
    if (below >= share * total) break
  }
  return bin
}

function countAbove({ counts }: Bins, bin: number): number {
  let above = 0
  for (const [key, count] of Object.entries(counts)) if (Number(key) > bin) above += count
  return above
}
