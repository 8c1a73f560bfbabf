/**
 * The questions of judge.ts, asked of a perplexity: lower is better, and it is no mean of scores.
 *
 * - `atMost`: the perplexity is no higher.
 * - `noWorseBy`: on the texts that live answered, it is higher than live's by no more than this share, both counted in
 *   live's tokens.
 * - `expects`: it is not above what was stated by more than chance (95 %) explains, as the texts differ among themselves.
 *
 * A text without an answer has no perplexity, and leaving it out would flatter: one that fails, fails the gate.
 */
import type { GoldenSetSpec } from './evidence.ts'
import { failuresOf, liveFailuresMax } from './findings.ts'
import type { Finding } from './findings.ts'
import { perplexityOf, timesAsHigh } from './perplexity.ts'
import type { Perplexity } from './perplexity.ts'
import type { Row, Side } from './tally.ts'

/** Of fewer texts the spread says too little. */
const textsMin = 10
const z = 1.959964
const rounding = 1e-9

export type Perplexities = {
  /** Null where no text was answered. */
  own: Perplexity | null
  live: Perplexity | null
  /** Times live's, on the texts that both answered, in live's tokens. */
  timesLive: Perplexity | null
  tokens: number
}

export function perplexitiesOf(rows: readonly Row[]): Perplexities {
  const own = rows.flatMap(textOf)
  const live = rows.flatMap((row) => (row.live === null ? [] : textOf(row.live)))
  const both = rows.flatMap(({ probability, live: other }) =>
    probability === null || other === null || other.probability === null
      ? []
      : [[probability, other.probability] as const],
  )
  return {
    own: own.length === 0 ? null : perplexityOf(own),
    live: live.length === 0 ? null : perplexityOf(live),
    timesLive: both.length === 0 ? null : timesAsHigh(both),
    tokens: own.reduce((sum, { tokens }) => sum + tokens, 0),
  }
}

/** @param compared with a live version */
export function perplexityFindings(
  spec: GoldenSetSpec,
  rows: readonly Row[],
  compared: boolean,
): (Finding | null)[] {
  const found = perplexitiesOf(rows)
  return [
    answered(rows),
    ceiling(spec, found),
    expected(spec, found, rows.length),
    compared ? noWorse(spec, rows, found) : null,
  ]
}

export function perplexitySentence(
  { candidate, live }: { candidate: string; live: string | null },
  rows: readonly Row[],
): string {
  const found = perplexitiesOf(rows)
  const text = `${candidate} has a perplexity of ${figure(found.own)} on ${rows.length} texts (${found.tokens} tokens)`
  return live === null ? text : `${text}, live ${live} ${figure(found.live)}`
}

function answered(rows: readonly Row[]): Finding | null {
  const failed = rows.filter((row) => row.failed).length
  return failed === 0
    ? null
    : { verdict: 'fail', text: `${failed} of ${rows.length} texts had no answer` }
}

function ceiling({ atMost }: GoldenSetSpec, { own }: Perplexities): Finding | null {
  if (atMost === null || own === null) return null
  return own.value <= atMost + rounding
    ? { verdict: 'pass', text: `at most ${atMost} kept` }
    : { verdict: 'fail', text: `at most ${atMost} is asked` }
}

function expected(
  { expects }: GoldenSetSpec,
  { own }: Perplexities,
  texts: number,
): Finding | null {
  if (expects === null || own === null) return null
  if (texts < textsMin)
    return {
      verdict: 'undecided',
      text: `${expects} was stated, and ${texts} texts do not show what is chance: at least ${textsMin} are needed`,
    }
  const { high, below } = statedPerplexity(expects, own)
  if (own.value <= high + rounding)
    return {
      verdict: 'pass',
      text: below
        ? `better than was stated (${expects})`
        : `what was trained is served (${expects} stated)`,
    }
  return {
    verdict: 'fail',
    text: `${expects} was stated when it was accepted, and more than ${rounded(high)} is no chance: what is served is not what was trained`,
  }
}

/** What was stated, and what is chance around it on as many texts as were read now. */
export function statedPerplexity(expects: number, { value, standardError }: Perplexity) {
  const factor = Math.exp(z * standardError)
  return {
    stated: expects,
    low: expects / factor,
    high: expects * factor,
    below: value < expects / factor,
  }
}

function noWorse(
  { noWorseBy, atMost, expects }: GoldenSetSpec,
  rows: readonly Row[],
  { timesLive }: Perplexities,
): Finding | null {
  if (noWorseBy === null) return null
  const failing = rows.filter(({ live }) => live!.failed).length
  const share = percent(noWorseBy)
  if (timesLive !== null && timesLive.value > 1 + noWorseBy + rounding)
    return {
      verdict: 'fail',
      text: `it may be higher than live's by ${share} and is ${rounded(timesLive.value)} times as high`,
    }
  if (timesLive !== null && failing / rows.length <= liveFailuresMax)
    return { verdict: 'pass', text: `not higher than live's by ${share}` }
  return failuresOf({ failing, total: rows.length, floor: atMost !== null || expects !== null })
}

function textOf({ probability }: Side) {
  return probability === null ? [] : [probability]
}

function figure(found: Perplexity | null): string {
  return found === null ? 'nothing' : String(rounded(found.value))
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
