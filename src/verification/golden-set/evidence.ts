/** The figures of a golden run, with their 95 % intervals: what stands behind the sentence. */
import { wilson } from '../../statistics/wilson.ts'
import type { GateSpec } from '../gate.ts'
import { perplexitiesOf, statedPerplexity } from './judge-perplexity.ts'
import { mean } from './mean.ts'
import { pairedDifference } from './paired.ts'
import { slicesOf } from './slices.ts'
import type { Row, Side, Tally } from './tally.ts'

export type GoldenSetSpec = GateSpec & { kind: 'goldenSet' }

/** Also of a run that did not come to its end. */
export function evidenceOf(spec: GoldenSetSpec, tally: Tally): Record<string, unknown> {
  const rows = tally.rows()
  if (rows.length === 0) return { total: 0 }
  return {
    ...(spec.score.kind === 'perplexity'
      ? perplexityEvidence(spec, rows)
      : scoreEvidence(spec, rows)),
    total: rows.length,
    failures: tally.failed,
    failureKinds: tally.failures(),
    liveFailures: rows.filter(({ live }) => live?.failed === true).length,
    liveFailureKinds: tally.failures('live'),
    thresholds: {
      atLeast: spec.atLeast,
      atMost: spec.atMost,
      noWorseBy: spec.noWorseBy,
      expects: spec.expects,
    },
    ...firstTokens(rows),
    slices: slicesOf(rows),
    examples: tally.examples(),
  }
}

function scoreEvidence({ expects }: GoldenSetSpec, rows: readonly Row[]): Record<string, unknown> {
  const own = mean(rows.map(({ score }) => score))
  const { low, high } = wilson(own * rows.length, rows.length)
  return {
    score: own,
    interval95: [low, high],
    live: rows[0]!.live === null ? null : mean(rows.map(({ live }) => live!.score)),
    betterThanLive: pairedDifference(comparable(rows)),
    expected: expects === null ? null : stated(expects, own, rows.length),
  }
}

/** Slices and examples still go by score: the mean probability of a token. */
function perplexityEvidence(
  { expects }: GoldenSetSpec,
  rows: readonly Row[],
): Record<string, unknown> {
  const { own, live, timesLive, tokens } = perplexitiesOf(rows)
  return {
    perplexity: own?.value ?? null,
    interval95: own?.interval95 ?? null,
    live: live?.value ?? null,
    timesLive,
    tokens,
    expected: expects === null || own === null ? null : statedPerplexity(expects, own),
  }
}

/** How long people would have waited for the first word, where answers were streamed; milliseconds. */
function firstTokens(rows: readonly Row[]): Record<string, unknown> {
  const own = quantilesOf(rows)
  if (own === null) return {}
  const live = quantilesOf(rows.flatMap((row) => (row.live === null ? [] : [row.live])))
  return { firstTokenMs: own, liveFirstTokenMs: live }
}

function quantilesOf(sides: readonly Side[]): { median: number; p95: number } | null {
  const sorted = sides.flatMap(({ firstTokenMs }) => firstTokenMs ?? []).toSorted((a, b) => a - b)
  if (sorted.length === 0) return null
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  return { median: at(0.5), p95: at(0.95) }
}

/** Scores of candidate and live on the inputs that live answered. */
export function comparable(rows: readonly Row[]): [number, number][] {
  return rows.flatMap(({ score, live }) =>
    live === null || live.failed ? [] : [[score, live.score] as [number, number]],
  )
}

/** What was stated, within the sampling error of as many inputs (95 %, Wilson). */
export function stated(expects: number, own: number, total: number) {
  const { low, high } = wilson(expects * total, total)
  return { stated: expects, low, high, above: own > high }
}
