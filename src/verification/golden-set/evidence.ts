/** The figures of a golden run, with their 95 % intervals: what stands behind the sentence. */
import { wilson } from '../../statistics/wilson.ts'
import type { GateSpec } from '../gate.ts'
import { mean } from './mean.ts'
import { pairedDifference } from './paired.ts'
import { slicesOf } from './slices.ts'
import type { Row, Tally } from './tally.ts'

export type GoldenSetSpec = GateSpec & { kind: 'goldenSet' }

/** Also of a run that did not come to its end. */
export function evidenceOf(spec: GoldenSetSpec, tally: Tally): Record<string, unknown> {
  const rows = tally.rows()
  if (rows.length === 0) return { total: 0 }
  const own = mean(rows.map(({ score }) => score))
  const { low, high } = wilson(own * rows.length, rows.length)
  return {
    score: own,
    interval95: [low, high],
    live: rows[0]!.live === null ? null : mean(rows.map(({ live }) => live!.score)),
    total: rows.length,
    failures: tally.failed,
    failureKinds: tally.failures(),
    liveFailures: rows.filter(({ live }) => live?.failed === true).length,
    liveFailureKinds: tally.failures('live'),
    thresholds: { atLeast: spec.atLeast, noWorseBy: spec.noWorseBy, expects: spec.expects },
    betterThanLive: pairedDifference(comparable(rows)),
    expected: spec.expects === null ? null : stated(spec.expects, own, rows.length),
    slices: slicesOf(rows),
    examples: tally.examples(),
  }
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
