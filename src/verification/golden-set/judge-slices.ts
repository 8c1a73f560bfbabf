/** Each slice by itself: a language that is lost hardly moves the whole. Pure. */
import type { PerSlice, Score } from '../gate.ts'
import { betterBy, figureOf } from './figure.ts'
import { liveFailuresMax } from './findings.ts'
import type { Finding } from './findings.ts'
import { sliceGroups } from './slices.ts'
import type { Row } from './tally.ts'

const namedMax = 3
/** Sums of decimal fractions: 0.9 + 0.01 must not be more than 0.91. */
const rounding = 1e-9

/** @param compared live was asked too */
export function sliceFinding(
  { score, perSlice }: { score: Score; perSlice: PerSlice | null },
  rows: readonly Row[],
  compared: boolean,
): Finding | null {
  if (perSlice === null) return null
  const { atLeast, lines } = perSlice
  const noWorseBy = compared ? perSlice.noWorseBy : null
  if (atLeast === null && noWorseBy === null) return null
  const groups = sliceGroups(rows).filter(([, group]) => group.length >= lines)
  if (groups.length === 0)
    return {
      verdict: 'undecided',
      text: `no slice has ${lines} lines, so none could be judged by itself`,
    }
  const failing = groups.flatMap(([slice, group]) => {
    const wrong = floor(atLeast, score, group) ?? worse(noWorseBy, score, group)
    return wrong === null ? [] : [{ slice, ...wrong }]
  })
  if (failing.length === 0)
    return { verdict: 'pass', text: `each of ${groups.length} slices by itself too` }
  const named = failing
    .toSorted((a, b) => b.by - a.by)
    .slice(0, namedMax)
    .map(({ slice, text }) => `slice ${slice} ${text}`)
  const more = failing.length > namedMax ? `, and ${failing.length - namedMax} more` : ''
  return { verdict: 'fail', text: `${named.join('; ')}${more}` }
}

type Wrong = { text: string; by: number }

function floor(atLeast: number | null, score: Score, group: readonly Row[]): Wrong | null {
  const own = figureOf(score, group)
  if (atLeast === null || own >= atLeast - rounding) return null
  return {
    text: `scores ${percent(own)} on ${group.length}, at least ${percent(atLeast)} is asked of each`,
    by: atLeast - own,
  }
}

/** Where live itself fails too often in a slice it is no measure there. */
function worse(noWorseBy: number | null, score: Score, group: readonly Row[]): Wrong | null {
  if (noWorseBy === null) return null
  const failing = group.filter(({ live }) => live!.failed).length
  const found = betterBy(score, group)
  if (found === null || failing / group.length > liveFailuresMax) return null
  if (found.by >= -noWorseBy - rounding) return null
  return {
    text: `is worse than live by ${percent(-found.by)} on ${group.length}, and may be by ${percent(noWorseBy)}`,
    by: -found.by,
  }
}

function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
