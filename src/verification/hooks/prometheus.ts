/**
 * The prometheus gate: one number, held against a limit or against the same query about live, again and again where it must
 * hold `for` a time. Nothing found is waited for until the gate's time is over: a metric comes with the next scrape.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from '../../release/release.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, Target } from '../gate.ts'
import { callOut, originOf } from './call-out.ts'
import { prometheusValue } from './prometheus-answer.ts'

export type PrometheusSpec = GateSpec & { kind: 'prometheus' }

type Look = { atMs: number; candidate: number; live: number | null }

/** Between two looks: scrapes come every 15 s and more, and a test's every second. */
const pauseMs = { atLeast: 100, atMost: 5000 }
const looksPerPeriod = 12
/** Sums of decimal fractions: 0.1 + 0.2 must not be more than 0.3. */
const rounding = 1e-9

/** @throws CallError where Prometheus cannot be asked: nothing is decided then */
export async function prometheus(
  spec: PrometheusSpec,
  { candidate, live }: { candidate: Target; live: Target | null },
  service: string,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const compared = spec.noWorseBy === null ? null : live
  const queries = {
    candidate: filledIn(spec.query, candidate, service),
    live: compared === null ? null : filledIn(spec.query, compared, service),
  }
  const begun = performance.now()
  const looks: Look[] = []
  const evidence = () => ({ asked: originOf(spec.url), queries, thresholds: limitsOf(spec), looks })
  let since: number | null = null
  try {
    for (;;) {
      const [own, other] = await Promise.all([
        ask(queries.candidate),
        queries.live === null ? null : ask(queries.live),
      ])
      const problem = problemOf(own, 'the candidate') ?? (other && problemOf(other, 'live'))
      if (problem?.waits === false)
        return undecided(`Prometheus gives no figure: ${problem.text}`, evidence())
      if (problem === null) {
        const look = {
          atMs: Math.round(performance.now() - begun),
          candidate: (own as { value: number }).value,
          live: other === null ? null : (other as { value: number }).value,
        }
        looks.push(look)
        const missed = missedBy(spec, look)
        if (missed !== null)
          return {
            verdict: 'fail',
            because: `${figures(candidate, compared, look)}; ${missed}`,
            evidence: evidence(),
          }
        since ??= look.atMs
        if (look.atMs - since >= spec.forS * 1000)
          return {
            verdict: 'pass',
            because: `${figures(candidate, compared, look)}; ${kept(spec)}${spec.forS === 0 ? '' : `, for ${spec.forS} s`}`,
            evidence: evidence(),
          }
      } else since = null
      progress(
        problem?.text ??
          `${looks.at(-1)!.candidate}, for ${Math.round((looks.at(-1)!.atMs - since!) / 1000)} s`,
      )
      await sleep(pauseOf(spec.forS), null, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
    const last = looks.at(-1)
    return undecided(
      `${(signal.reason as Error).message}: ${last === undefined ? 'the query found nothing, or was not answered' : `the last figure was ${last.candidate}`}`,
      evidence(),
    )
  }

  async function ask(query: string) {
    const url = `${spec.url.replace(/\/+$/, '')}/api/v1/query?query=${encodeURIComponent(query)}`
    const { status, body } = await callOut(
      { method: 'GET', url, headers: spec.headers, body: null },
      signal,
    )
    return prometheusValue(status, body)
  }
}

function filledIn(query: string, { version, environment }: Target, service: string): string {
  const values: Record<string, string> = { version, environment, service }
  return query.replace(/\{(version|environment|service)\}/g, (_, name: string) => values[name]!)
}

function problemOf(value: ReturnType<typeof prometheusValue>, whose: string) {
  if ('value' in value) return null
  return 'missing' in value
    ? { waits: true, text: `${value.missing} (${whose})` }
    : { waits: false, text: `${value.wrong} (${whose})` }
}

/** Null, or what it should have been. With `atLeast` more is better, else less. */
function missedBy(
  { atMost, atLeast, noWorseBy }: PrometheusSpec,
  { candidate, live }: Look,
): string | null {
  if (atMost !== null && candidate > atMost + rounded(atMost)) return `at most ${atMost} is asked`
  if (atLeast !== null && candidate < atLeast - rounded(atLeast))
    return `at least ${atLeast} is asked`
  if (noWorseBy === null || live === null) return null
  const margin = noWorseBy * Math.abs(live) + rounded(live)
  const worseBy = atLeast === null ? candidate - live : live - candidate
  return worseBy > margin ? `it may be ${percent(noWorseBy)} worse than live` : null
}

function kept({ atMost, atLeast, noWorseBy }: PrometheusSpec): string {
  return [
    atMost === null ? [] : `at most ${atMost}`,
    atLeast === null ? [] : `at least ${atLeast}`,
    noWorseBy === null ? [] : `no more than ${percent(noWorseBy)} worse than live`,
  ]
    .flat()
    .join(', ')
}

function figures(candidate: Target, live: Target | null, look: Look): string {
  const own = `${candidate.version} has ${look.candidate}`
  return live === null ? own : `${own}, live ${live.version} ${look.live}`
}

function limitsOf({ atMost, atLeast, noWorseBy, forS }: PrometheusSpec) {
  return { atMost, atLeast, noWorseBy, forS }
}

function pauseOf(forS: number): number {
  return Math.min(pauseMs.atMost, Math.max(pauseMs.atLeast, (forS * 1000) / looksPerPeriod))
}

function rounded(value: number): number {
  return rounding * Math.abs(value)
}

function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
