/** Results by slice: swapped labels, or one language lost, hardly move the total. */
import { wilson } from '../../statistics/wilson.ts'
import type { Score } from '../gate.ts'
import { figureOf } from './figure.ts'
import type { Row } from './tally.ts'

export type Slice = { slice: string; total: number; score: number; live: number | null }

const slicesMax = 50
/** Below this a slice is an example, not a finding. */
const worthNaming = 5

/** The worst first: the one whose score is surely low, so that 0 of 100 comes before 0 of 1. At most 50. */
export function slicesOf(score: Score, rows: readonly Row[]): Slice[] {
  return sliceGroups(rows)
    .map(([slice, group]) => ({
      slice,
      total: group.length,
      score: figureOf(score, group),
      live: group[0]!.live === null ? null : figureOf(score, group, 'live'),
    }))
    .toSorted((a, b) => atBest(a) - atBest(b) || (a.slice < b.slice ? -1 : 1))
    .slice(0, slicesMax)
}

export function sliceGroups(rows: readonly Row[]): [string, Row[]][] {
  return [...Map.groupBy(rows, ({ slice }) => slice)]
}

/** The slice to name in a sentence; null where there is but one, or none that is large enough. */
export function worstOf(slices: readonly Slice[]): Slice | null {
  if (slices.length < 2) return null
  return slices.find(({ total, score }) => total >= worthNaming && score < 1) ?? null
}

function atBest({ score, total }: Slice): number {
  return wilson(score * total, total).high
}
