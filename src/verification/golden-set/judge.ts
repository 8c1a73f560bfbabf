/**
 * Tally → verdict. Pure. Every question that was asked must be answered with yes:
 *
 * - `atLeast`: the score itself reaches the floor.
 * - `noWorseBy`: on the inputs that live answered, the candidate's mean score is below live's by no more than the margin.
 *   An input that live failed on says nothing about the candidate: a failing live version neither blocks its own fix nor
 *   lowers the bar. Where live fails too often, the floors decide; without a floor nothing is decided.
 * - `expects`: the score is not below the 95 % Wilson interval around what was stated. More than was stated is no
 *   failure; it stands in the evidence.
 *
 * Gates judge the figures as they are, as users write them: chance is shown as 95 % intervals in the evidence.
 */
import type { Verdict } from '../../release/release.ts'
import { evidenceOf } from './evidence.ts'
import type { GoldenSetSpec } from './evidence.ts'
import { betterBy, figureOf, statedBy } from './figure.ts'
import { failuresOf, liveFailuresMax } from './findings.ts'
import type { Finding } from './findings.ts'
import { sliceFinding } from './judge-slices.ts'
import { perplexityFindings, perplexitySentence } from './judge-perplexity.ts'
import { slicesOf, worstOf } from './slices.ts'
import type { Row, Tally } from './tally.ts'

/** Sums of decimal fractions: 0.9 + 0.01 must not be more than 0.91. */
const rounding = 1e-9

/** @param versions names for the sentence; `live` null where nothing was compared */
export function judge(
  spec: GoldenSetSpec,
  tally: Tally,
  versions: { candidate: string; live: string | null },
): Verdict {
  const rows = tally.rows()
  const perplexity = spec.score.kind === 'perplexity'
  const compared = versions.live !== null
  const findings = (
    perplexity ? perplexityFindings(spec, rows, compared) : scoreFindings(spec, tally, compared)
  ).filter((finding) => finding !== null)
  const decisive =
    findings.find(({ verdict }) => verdict === 'fail') ??
    findings.find(({ verdict }) => verdict === 'undecided')
  const evidence = evidenceOf(spec, tally)
  const measured = perplexity ? perplexitySentence(versions, rows) : sentence(spec, versions, rows)
  if (decisive !== undefined)
    return {
      verdict: decisive.verdict,
      because: `${measured}; ${decisive.text}${failing(tally)}${worst(spec, rows)}`,
      evidence,
    }
  if (findings.length === 0)
    return {
      verdict: 'undecided',
      because: `${measured}; nothing was asked of it that can be judged here (atLeast, atMost, expects, or noWorseBy with a live version)`,
      evidence,
    }
  return {
    verdict: 'pass',
    because: `${measured}; ${findings.map(({ text }) => text).join(', ')}`,
    evidence,
  }
}

function scoreFindings(spec: GoldenSetSpec, tally: Tally, compared: boolean): (Finding | null)[] {
  const rows = tally.rows()
  const own = figureOf(spec.score, rows)
  return [
    anythingRight(own, tally),
    floor(spec, own),
    expected(spec, own, rows),
    compared ? noWorse(spec, rows) : null,
    sliceFinding(spec, rows, compared),
  ]
}

/** Whatever the thresholds are, a version without one right answer never passes. */
function anythingRight(own: number, { count }: Tally): Finding | null {
  return own > 0 ? null : { verdict: 'fail', text: `not one of ${count} answers is right` }
}

function floor({ atLeast }: GoldenSetSpec, own: number): Finding | null {
  if (atLeast === null) return null
  return own >= atLeast - rounding
    ? { verdict: 'pass', text: `at least ${percent(atLeast)} reached` }
    : { verdict: 'fail', text: `at least ${percent(atLeast)} is asked` }
}

function expected(
  { score, expects }: GoldenSetSpec,
  own: number,
  rows: readonly Row[],
): Finding | null {
  if (expects === null) return null
  const { low, above } = statedBy(score, expects, rows)
  if (own >= low - rounding)
    return {
      verdict: 'pass',
      text: above
        ? `more than was stated (${percent(expects)})`
        : `what was trained is served (${percent(expects)} stated)`,
    }
  return {
    verdict: 'fail',
    text: `${percent(expects)} was stated when it was accepted, and less than ${percent(low)} is no chance: what is served is not what was trained`,
  }
}

function noWorse(
  { score, noWorseBy, atLeast, expects }: GoldenSetSpec,
  rows: readonly Row[],
): Finding | null {
  if (noWorseBy === null) return null
  const failing = rows.filter(({ live }) => live!.failed).length
  const difference = betterBy(score, rows)
  const of = failing === 0 ? '' : ` on the ${rows.length - failing} inputs that live answered`
  if (difference !== null && difference.by < -noWorseBy - rounding)
    return {
      verdict: 'fail',
      text: `it may be worse than live by ${percent(noWorseBy)} and is by ${percent(-difference.by)}${of}`,
    }
  if (failing / rows.length <= liveFailuresMax)
    return { verdict: 'pass', text: `not worse than live by ${percent(noWorseBy)}${of}` }
  return failuresOf({
    failing,
    total: rows.length,
    floor: atLeast !== null || expects !== null,
  })
}

function sentence(
  { score }: GoldenSetSpec,
  { candidate, live }: { candidate: string; live: string | null },
  rows: readonly Row[],
): string {
  const own = figureOf(score, rows)
  const text = `${candidate} scores ${percent(own)} on ${rows.length} inputs`
  return live === null ? text : `${text}, live ${live} ${percent(figureOf(score, rows, 'live'))}`
}

function failing(tally: Tally): string {
  const [first] = tally.failures()
  return first === undefined ? '' : ` (${tally.failed} failed: ${first.failure})`
}

function worst({ score }: GoldenSetSpec, rows: readonly Row[]): string {
  const slice = worstOf(slicesOf(score, rows))
  return slice === null
    ? ''
    : ` (worst slice: ${slice.slice} ${percent(slice.score)} of ${slice.total})`
}

/** Two digits: with one, 91.96 % would miss "92 %". */
function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
