/** Times of answers: compared in pairs or by a coin under equal load, else with the history at the same rate, or a fixed limit. */
import { nonInferiorPaired } from '../statistics/non-inferior-paired.ts'
import { oneSampleBelow } from '../statistics/one-sample-below.ts'
import { oneSample } from '../statistics/one-sample.ts'
import { pairedBinary } from '../statistics/paired-binary.ts'
import { beginPairTuning, learnPair, pairKinds } from '../statistics/paired-latency.ts'
import type { PairTuning } from '../statistics/paired-latency.ts'
import {
  beginLatencyTuning,
  latencyWeights,
  learnLatency,
  notSlowerBets,
  splitLatencyBets,
} from '../statistics/split-latency.ts'
import type { LatencyTuning } from '../statistics/split-latency.ts'
import type { BothBets, Pair, Single, Tally } from './bets.ts'
import type { Design, LatencyRules } from './guard.ts'
import type { LatencyLimit } from './latency-history.ts'

/** JSON. Tuning is made when it is first needed: two histograms are nothing to save for nothing. */
export type LatencyMemory = {
  /** By bucket of the rate (latency-history.ts). */
  limits: Record<string, LatencyLimit[]>
  split: { worse: LatencyTuning; fine: LatencyTuning } | null
  pairs: { worse: PairTuning; fine: PairTuning } | null
  /** When something was last bet alone, without the old version beside it; wall, ms. */
  aloneAt: number | null
  /** Answers, and those that exceeded the median's limit (history) or the fixed limit. */
  new: Tally
}

/** Of the rank or sign, and of three tails; to be called no slower, two must agree: the rank or sign, and the 95 % tail. */
export const latencyQuestions: readonly number[] = latencyWeights
export const fineQuestions = 2

/**
 * Times that follow each other share their cause: one pause of the machine makes hundreds of answers slow. Side by side
 * both versions have it; alone it would be hundreds of pieces of evidence, so one answer in so many ms is bet on.
 */
export const aloneEveryMs = 5000
const slower = pairedBinary(0)
const notSlower = nonInferiorPaired(0)

export function beginLatency(limits: Record<string, LatencyLimit[]>): LatencyMemory {
  return { limits, split: null, pairs: null, aloneAt: null, new: { bad: 0, total: 0 } }
}

/** In place. @param bucket of the present rate; null while it is not known */
export function latencyBets(
  memory: LatencyMemory,
  rules: LatencyRules,
  design: Design,
  { single, bucket, at }: { single: Single<number>; bucket: string | null; at: number },
): BothBets | null {
  const { side, seen: ms, share } = single
  if (side === 'new') memory.new.total++
  if (design === 'split') {
    const { worse, fine } = (memory.split ??= {
      worse: beginLatencyTuning(rules.tolerance),
      fine: { ...beginLatencyTuning(rules.margin), reached: true },
    })
    const seen = { side, ms, share }
    const bets = { worse: splitLatencyBets(worse, seen), fine: notSlowerBets(fine, seen) }
    learnLatency(worse, seen)
    learnLatency(fine, seen)
    return bets
  }
  if (side === 'old') return null
  if (design === 'one-sample' && rules.atMost !== null) {
    const isSlow = ms > rules.atMost.ms
    if (isSlow) memory.new.bad++
    if (!isTime(memory, at)) return null
    const allowed = 1 - rules.atMost.share
    const outcome = isSlow ? 'bad' : 'good'
    const worse = oneSample(allowed)[outcome]
    const fine = oneSampleBelow(allowed)[outcome]
    return { worse: latencyQuestions.map(() => worse), fine: [fine, fine] }
  }
  const limits = design === 'before-after' && bucket !== null ? memory.limits[bucket] : undefined
  if (limits === undefined) return null
  if (ms > limits[0]!.ms) memory.new.bad++
  if (!isTime(memory, at)) return null
  return {
    worse: limits.map((limit) => oneSample(limit.rate)[ms > limit.ms ? 'bad' : 'good']),
    // Weak evidence: it may roll back, never promote.
    fine: [null, null],
  }
}

/** In place. */
export function latencyPairBets(
  memory: LatencyMemory,
  rules: LatencyRules,
  pair: Pair<number>,
): BothBets {
  const { worse, fine } = (memory.pairs ??= {
    worse: beginPairTuning(rules.tolerance),
    fine: { ...beginPairTuning(rules.margin), reached: true },
  })
  const ms = { newMs: pair.new, oldMs: pair.old }
  const worseKinds = pairKinds(worse, ms)
  const [sign, , tail] = pairKinds(fine, ms)
  learnPair(worse, ms)
  learnPair(fine, ms)
  memory.new.total++
  return {
    worse: worseKinds.map((kind) => (kind === null ? null : slower[kind])),
    fine: [sign, tail].map((kind) => (kind == null ? null : notSlower[kind])),
  }
}

/** In place. A clock that was set back begins to wait anew. */
function isTime(memory: LatencyMemory, at: number): boolean {
  const { aloneAt } = memory
  const isDue = aloneAt === null || at - aloneAt >= aloneEveryMs
  if (isDue || at < aloneAt) memory.aloneAt = at
  return isDue
}
