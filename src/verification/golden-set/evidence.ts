/** The figures of a golden run, with their 95 % intervals: what stands behind the sentence. */
import type { GateSpec } from '../gate.ts'
import { betterBy, figureOf, intervalOf, statedBy } from './figure.ts'
import { perplexitiesOf, statedPerplexity } from './judge-perplexity.ts'
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
    /** Of both versions, where live was asked too. */
    requests: rows.length + rows.filter(({ live }) => live !== null).length,
    failures: tally.failed,
    failureKinds: tally.failures(),
    liveFailures: rows.filter(({ live }) => live?.failed === true).length,
    liveFailureKinds: tally.failures('live'),
    thresholds: {
      atLeast: spec.atLeast,
      atMost: spec.atMost,
      noWorseBy: spec.noWorseBy,
      expects: spec.expects,
      perSlice: spec.perSlice,
    },
    ...firstTokens(rows),
    slices: slicesOf(spec.score, rows),
    examples: tally.examples(),
  }
}

function scoreEvidence(
  { score, expects }: GoldenSetSpec,
  rows: readonly Row[],
): Record<string, unknown> {
  const { low, high } = intervalOf(score, rows)
  return {
    score: figureOf(score, rows),
    interval95: [low, high],
    live: rows[0]!.live === null ? null : figureOf(score, rows, 'live'),
    betterThanLive: betterBy(score, rows),
    expected: expects === null ? null : statedBy(score, expects, rows),
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
