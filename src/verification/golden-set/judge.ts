/** Results → verdict. Pure. Every asked question must be answered with yes: a floor, no worse than live, what was trained is what is served. */
import type { Verdict } from '../../release/release.ts'
import { wilson } from '../../statistics/wilson.ts'
import type { GateSpec, Target } from '../gate.ts'
import type { GoldenLine } from './lines.ts'

export type GoldenSetSpec = GateSpec & { kind: 'goldenSet' }

export type Scored = {
  score: number
  answer: unknown
  /** Why there is no answer to score. */ failure: string | null
}

export type Result = { line: GoldenLine; candidate: Scored; live: Scored | null }

const examplesMax = 10
const slicesMax = 50
const textMax = 300
/** A live version that fails on more inputs than this is no measure for anybody. */
const liveFailuresMax = 0.05

type Finding = { verdict: 'pass' | 'fail' | 'undecided'; text: string }

export function judge(
  spec: GoldenSetSpec,
  results: readonly Result[],
  candidate: Target,
  live: Target | null,
): Verdict {
  const own = mean(results.map((result) => result.candidate.score))
  const other = live === null ? null : mean(results.map((result) => result.live!.score))
  const findings = [
    floor(spec, own),
    expected(spec, own, results.length),
    ...(other === null ? [] : [noWorse(spec, own, other, results)]),
  ].filter((finding) => finding !== null)
  const worst =
    findings.find(({ verdict }) => verdict === 'fail') ??
    findings.find(({ verdict }) => verdict === 'undecided')
  const measured = `${candidate.version} scores ${percent(own)} on ${results.length} inputs${other === null ? '' : `, live ${live!.version} ${percent(other)}`}`
  const evidence = evidenceOf(results, own, other)
  if (findings.length === 0)
    return {
      verdict: 'undecided',
      because: `${measured}; nothing was asked of it that can be judged here (atLeast, expects, or noWorseBy with a live version)`,
      evidence,
    }
  if (worst !== undefined)
    return {
      verdict: worst.verdict,
      because: `${measured}; ${worst.text}${slice(results)}`,
      evidence,
    }
  return {
    verdict: 'pass',
    because: `${measured}; ${findings.map(({ text }) => text).join(', ')}`,
    evidence,
  }
}

function floor({ atLeast }: GoldenSetSpec, own: number): Finding | null {
  if (atLeast === null) return null
  const passed = own >= atLeast - 1e-9
  return {
    verdict: passed ? 'pass' : 'fail',
    text: `at least ${percent(atLeast)} ${passed ? 'reached' : 'is asked'}`,
  }
}

/** What is served is what was trained: the score it was accepted with, within its sampling error (95 %, Wilson). */
function expected({ expects }: GoldenSetSpec, own: number, total: number): Finding | null {
  if (expects === null) return null
  const { low } = wilson(expects * total, total)
  const passed = own >= low
  return {
    verdict: passed ? 'pass' : 'fail',
    text: passed
      ? `what was trained is served (${percent(expects)} stated)`
      : `${percent(expects)} was stated when it was accepted, and less than ${percent(low)} is no chance: what is served is not what was trained`,
  }
}

function noWorse(
  { noWorseBy, atLeast, expects }: GoldenSetSpec,
  own: number,
  other: number,
  results: readonly Result[],
): Finding {
  const failing = results.filter(({ live }) => live!.failure !== null).length / results.length
  const passed = own >= other - noWorseBy! - 1e-9
  // A failing live version never blocks its own fix; but where nothing else is asked, "no worse than broken" is no pass.
  if (passed && failing > liveFailuresMax && atLeast === null && expects === null) {
    return {
      verdict: 'undecided',
      text: `the live version fails on ${percent(failing)} of the inputs, and there is no floor (atLeast, expects): "no worse" says nothing`,
    }
  }
  return {
    verdict: passed ? 'pass' : 'fail',
    text: passed
      ? `not worse than live by ${percent(noWorseBy!)}`
      : `it may be worse than live by ${percent(noWorseBy!)} and is by ${percent(other - own)}`,
  }
}

function evidenceOf(
  results: readonly Result[],
  own: number,
  other: number | null,
): Record<string, unknown> {
  const total = results.length
  const interval = wilson(own * total, total)
  const wrong = results.filter(({ candidate }) => candidate.score < 1)
  return {
    score: own,
    interval95: [interval.low, interval.high],
    live: other,
    total,
    failures: results.filter(({ candidate }) => candidate.failure !== null).length,
    slices: slicesOf(results),
    examples: wrong.toSorted(byHarm).slice(0, examplesMax).map(example),
  }
}

/** Where the candidate lost what live had comes first. */
function byHarm(a: Result, b: Result): number {
  return (b.live?.score ?? 0) - b.candidate.score - ((a.live?.score ?? 0) - a.candidate.score)
}

function example({ line, candidate, live }: Result): Record<string, unknown> {
  return {
    line: line.line,
    request: short(line.request),
    expected: short(line.expected),
    candidate: candidate.failure ?? short(candidate.answer),
    ...(live === null ? {} : { live: live.failure ?? short(live.answer) }),
  }
}

type Slice = { slice: string; total: number; score: number; live: number | null }

function slicesOf(results: readonly Result[]): Slice[] {
  const groups = Map.groupBy(results, ({ line }) => line.slice)
  return [...groups]
    .map(([name, group]) => ({
      slice: name,
      total: group.length,
      score: mean(group.map(({ candidate }) => candidate.score)),
      live: group[0]!.live === null ? null : mean(group.map(({ live }) => live!.score)),
    }))
    .toSorted((a, b) => a.score - b.score)
    .slice(0, slicesMax)
}

function slice(results: readonly Result[]): string {
  const [worst, second] = slicesOf(results)
  if (worst === undefined || second === undefined) return ''
  return ` (worst slice: ${worst.slice} ${percent(worst.score)} of ${worst.total})`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function percent(value: number): string {
  return `${Math.round(value * 1000) / 10} %`
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text
}
