/** What the answers to a golden set add up to, and what of it is chance: a mean of scores, or the F1 of all labels. Pure. */
import { f1, standardErrorOf } from '../../statistics/f1.ts'
import { wilson } from '../../statistics/wilson.ts'
import type { Score } from '../gate.ts'
import { mean } from './mean.ts'
import { pairedDifference } from './paired.ts'
import type { Paired } from './paired.ts'
import type { Row } from './tally.ts'

const z = 1.959964

/** F1 over labels is no mean of what single inputs get. */
export function isOfLabels(
  score: Score,
): score is Score & { kind: 'f1'; average: 'micro' | 'macro' } {
  return score.kind === 'f1' && score.average !== 'tokens'
}

/** @param of whose answers; live's only where it was asked */
export function figureOf(score: Score, rows: readonly Row[], of: 'own' | 'live' = 'own'): number {
  if (isOfLabels(score)) return labelled(score, rows, of).value
  return mean(rows.map((row) => (of === 'own' ? row.score : row.live!.score)))
}

/** 95 %. */
export function intervalOf(score: Score, rows: readonly Row[]): { low: number; high: number } {
  const own = figureOf(score, rows)
  return around(score, own, rows)
}

/** What was stated, within the sampling error of as many inputs (95 %). */
export function statedBy(score: Score, expects: number, rows: readonly Row[]) {
  const { low, high } = around(score, expects, rows)
  return { stated: expects, low, high, above: figureOf(score, rows) > high }
}

/** How much better than live, on the inputs that live answered; null where there are none. */
export function betterBy(score: Score, rows: readonly Row[]): Paired | null {
  const compared = rows.filter(({ live }) => live !== null && !live.failed)
  if (!isOfLabels(score))
    return pairedDifference(compared.map((row) => [row.score, row.live!.score]))
  if (compared.length === 0) return null
  const [own, other] = [labelled(score, compared, 'own'), labelled(score, compared, 'live')]
  const by = own.value - other.value
  const spread = z * standardErrorOf(own.influence.map((one, at) => one - other.influence[at]!))
  return {
    by,
    interval95: [Math.max(-1, by - spread), Math.min(1, by + spread)],
    compared: compared.length,
  }
}

function around(score: Score, value: number, rows: readonly Row[]): { low: number; high: number } {
  if (!isOfLabels(score)) return wilson(value * rows.length, rows.length)
  const spread = z * standardErrorOf(labelled(score, rows, 'own').influence)
  return { low: Math.max(0, value - spread), high: Math.min(1, value + spread) }
}

function labelled(
  { average }: { average: 'micro' | 'macro' },
  rows: readonly Row[],
  of: 'own' | 'live',
) {
  const inputs = rows.map((row) => ({
    expected: row.expected,
    answered: (of === 'own' ? row : row.live!).labels,
  }))
  const { value, influence } = f1(inputs, average)
  // Nothing was expected and nothing was said: nobody was wrong.
  return { value: Number.isNaN(value) ? 1 : value, influence }
}
