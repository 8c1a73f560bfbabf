/**
 * Tally → verdict. Pure.
 *
 * - `pass` needs evidence: an upper bound for what lies beyond the noise is at most `noWorseBy`. Either the candidate hardly
 *   differs at all (every input counts), or no more than live does from itself (inputs that live was asked twice).
 * - `fail`: a lower bound is above `noWorseBy`, over all inputs or in one slice.
 * - else `undecided`. So it is, too, where live contradicts itself on a field so much that nothing could be seen on it, or
 *   fails so often that it is no measure.
 *
 * Pairs that nobody could judge count as worse for a pass, and as no worse for a failure.
 *
 * Bounds are those of statistics/paired-bound.ts: they hold however often they are looked at. Each risk is divided: a pass
 * among its two ways, a failure among the whole and the slices.
 */
import type { Verdict } from '../../release/release.ts'
import { lowerBound, upperBound } from '../../statistics/clopper-pearson.ts'
import { worseByAtLeast, worseByAtMost } from '../../statistics/paired-bound.ts'
import { wilson } from '../../statistics/wilson.ts'
import { slicesMax } from './counts.ts'
import type { Counts, TallyRules } from './counts.ts'
import type { Example } from './examples.ts'

export type Found = {
  whole: Counts
  /** Their totals are those of the whole. */
  fields: ReadonlyMap<string, Counts>
  slices: ReadonlyMap<string, Counts>
  /** Of the inputs that live was asked twice: on so many the candidate differs. */
  twiceDiffers: number
  liveFailed: number
  /** Whoever says how alike texts are did not; and the last reason. */
  unjudged: { count: number; because: string }
  examples: readonly Example[]
}

/** A live version that fails on more inputs is no measure. */
const liveFailedMax = 0.05
/** Where live contradicts itself completely on more inputs, a field shows nothing. */
const fullMax = 0.5

export function judge(
  rules: TallyRules,
  versions: { candidate: string; live: string },
  found: Found,
): Verdict {
  const { whole } = found
  const evidence = evidenceOf(rules, found)
  const answer = (verdict: Verdict['verdict'], text: string): Verdict => ({
    verdict,
    because: `${sentence(versions, whole)}${unjudgedSaid(found)}; ${text}`,
    evidence,
  })
  const allowed = percent(rules.noWorseBy)
  const worst = atWorst(found)
  const atLeast = beyondAtLeast(atBest(whole, found), rules.risk.fail / 2)
  if (atLeast > rules.noWorseBy)
    return answer(
      'fail',
      `beyond that noise it is at least ${percent(atLeast)}, and ${allowed} are allowed${mostly(found)}`,
    )
  const slice = failing(rules, found)
  if (slice !== null) return answer('fail', `${slice}, and ${allowed} are allowed`)
  const reason = noMeasure(found)
  if (reason !== null) return answer('undecided', reason)
  if (differsAtMost(worst, rules) <= rules.noWorseBy)
    return answer('pass', `surely no more than ${allowed}, which are allowed`)
  const full = fullest(found)
  const atMost = beyondAtMost(worst, rules.risk.pass / 2)
  const once = beyondWhereAskedOnce(found, rules)
  if (once > rules.noWorseBy)
    return answer(
      'undecided',
      `where live was asked once it differs on at least ${percent(once)} more than live from itself, and where live was asked twice it does not: those are not like the others, ask live twice for more of them`,
    )
  // Inputs on which nothing could have been seen are no evidence: the rest must be so much better.
  if (full.share <= fullMax && atMost <= rules.noWorseBy * (1 - full.share))
    return answer('pass', `beyond that noise surely no more than ${allowed}, which are allowed`)
  if (full.share > fullMax)
    return answer(
      'undecided',
      `live contradicts itself on ${full.field} in ${percent(full.share)} of them, so nothing can be seen there: ignore it, give it a tolerance, or compare texts by similarity`,
    )
  const known = Math.min(atMost, differsAtMost(worst, rules))
  return answer(
    'undecided',
    `beyond the noise it may be up to ${percent(known)}, and ${allowed} are allowed: more inputs are needed, and live asked twice for more of them${mostly(found)}`,
  )
}

/** Every pair that nobody judged is one on which the candidate is farther. */
function atWorst({ whole, unjudged: { count } }: Found): Counts {
  const { total, differs, twice, farther } = whole
  return {
    ...whole,
    total: total + count,
    differs: differs + count,
    twice: twice + count,
    farther: farther + count,
  }
}

/** None of them is. */
function atBest(counts: Counts, { unjudged: { count } }: Found): Counts {
  return { ...counts, total: counts.total + count, twice: counts.twice + count }
}

function unjudgedSaid({ unjudged: { count, because } }: Found): string {
  return count === 0 ? '' : `, ${count} pairs are undecided (last: ${because})`
}

/** Nothing was compared, or with what is no measure. */
function noMeasure({ whole, liveFailed }: Found): string | null {
  if (whole.total === 0)
    return liveFailed === 0 ? 'nothing was compared' : `live failed on all of ${liveFailed} inputs`
  const share = liveFailed / (whole.total + liveFailed)
  return share > liveFailedMax
    ? `live failed on ${percent(share)} of the inputs and is no measure`
    : null
}

/** Of one rate: a candidate that differs so rarely needs no noise to explain it. */
function differsAtMost({ differs, total }: Counts, { risk }: TallyRules): number {
  return worseByAtMost({ newOnly: differs, oldOnly: 0, total }, risk.pass / 2)
}

/**
 * Inputs that live was asked twice stand for the others, for they are drawn by lot. That is checked: on the others the candidate must
 * not surely differ by more than live's noise and what is allowed.
 */
function beyondWhereAskedOnce({ whole, twiceDiffers }: Found, { risk }: TallyRules): number {
  const { total, differs, twice, noisy } = whole
  if (twice === 0 || total === twice) return 0
  const low = lowerBound(differs - twiceDiffers, total - twice, risk.fail / 2)
  return low - upperBound(noisy, twice, risk.fail / 2)
}

function beyondAtMost({ farther, nearer, twice }: Counts, risk: number): number {
  return worseByAtMost({ newOnly: farther, oldOnly: nearer, total: twice }, risk)
}

function beyondAtLeast({ farther, nearer, twice }: Counts, risk: number): number {
  return worseByAtLeast({ newOnly: farther, oldOnly: nearer, total: twice }, risk)
}

/** The slice that is surely farther than allowed, though all together are not. */
function failing({ noWorseBy, risk }: TallyRules, found: Found): string | null {
  for (const [slice, counts] of found.slices) {
    const atLeast = beyondAtLeast(atBest(counts, found), risk.fail / 2 / (slicesMax + 1))
    if (atLeast > noWorseBy)
      return `in slice ${slice} (${counts.total} inputs) it is at least ${percent(atLeast)} beyond the noise`
  }
  return null
}

function fullest({ whole, fields }: Found): { field: string; share: number } {
  return [...fields]
    .map(([field, { full }]) => ({ field, share: whole.twice === 0 ? 0 : full / whole.twice }))
    .reduce((most, one) => (one.share > most.share ? one : most), { field: '', share: 0 })
}

function evidenceOf(
  rules: TallyRules,
  { whole, fields, slices, liveFailed, unjudged, examples }: Found,
) {
  const { total, twice } = whole
  return {
    inputs: { compared: total, askedTwice: twice, liveFailed, undecided: unjudged.count },
    whole: figures(whole, rules),
    fields: sorted(fields, (counts) => ({ ...counts, total, twice }), 'field', rules),
    slices: sorted(slices, (counts) => counts, 'slice', rules),
    examples,
    thresholds: { noWorseBy: rules.noWorseBy, risk: rules.risk },
  }
}

/** The farthest first. */
function sorted(
  all: ReadonlyMap<string, Counts>,
  full: (counts: Counts) => Counts,
  key: 'field' | 'slice',
  rules: TallyRules,
) {
  return [...all]
    .map(([name, counts]) => ({ [key]: name, ...figures(full(counts), rules) }))
    .toSorted((a, b) => b.beyondNoise - a.beyondNoise || b.differs - a.differs)
}

/** Rates with their bounds. `atLeast` and `atMost` hold for each alone: they show where to look, the whole decides. */
function figures(counts: Counts, { risk }: TallyRules) {
  const { total, differs, twice, noisy, farther, nearer } = counts
  const own = wilson(differs, total)
  const noise = wilson(noisy, twice)
  return {
    total,
    differs,
    differs95: [own.low, own.high],
    askedTwice: twice,
    liveDiffers: noisy,
    liveDiffers95: [noise.low, noise.high],
    farther,
    nearer,
    beyondNoise: twice === 0 ? 0 : (farther - nearer) / twice,
    atLeast: beyondAtLeast(counts, risk.fail / 2),
    atMost: beyondAtMost(counts, risk.pass / 2),
  }
}

function sentence(
  { candidate, live }: { candidate: string; live: string },
  { total, differs, twice, noisy }: Counts,
): string {
  const own = `${candidate} differs from live ${live} on ${share(differs, total)} inputs`
  return twice === 0
    ? `${own}, live was never asked twice`
    : `${own}, live from itself on ${share(noisy, twice)}`
}

/** The field that lies farthest beyond the noise. */
function mostly({ fields }: Found): string {
  const [most] = [...fields].toSorted(
    ([, a], [, b]) => b.farther - b.nearer - (a.farther - a.nearer) || b.differs - a.differs,
  )
  return most === undefined ? '' : ` (most on ${most[0]})`
}

function share(hits: number, total: number): string {
  return total === 0 ? '0 of 0' : `${percent(hits / total)} of ${total}`
}

/** Two digits: with one, 0.96 % would miss "1 %". */
function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
