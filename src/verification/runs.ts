/** The gates that run now, and those that ended lately, keyed by release, gate and attempt. */
import { ProblemError } from '../ipc/problem.ts'
import { log } from '../log.ts'
import type { Verdict } from '../release/release.ts'
import { undecided } from './examination.ts'
import type { Examination } from './examination.ts'
import type { GateAnswer, GateRun } from './gate.ts'
import { goldenSet } from './golden-set/golden-set.ts'
import { warmUp } from './warm-up/warm-up.ts'

type Run = { answer: GateAnswer; abort: AbortController; endedAt: number | null }

const runningMax = 16
const keptMax = 500
const keptMs = 3_600_000

export function openRuns() {
  const runs = new Map<string, Run>()

  return {
    /** Asking again for the same attempt changes nothing. */
    start(key: string, asked: GateRun): GateAnswer {
      const known = runs.get(key)
      if (known !== undefined) return known.answer
      tidy()
      if ([...runs.values()].filter(({ endedAt }) => endedAt === null).length >= runningMax) {
        throw new ProblemError({
          status: 503,
          code: 'busy',
          title: `${runningMax} gates run already`,
          hint: 'it is asked again',
        })
      }
      const run: Run = {
        answer: { state: 'running', progress: 'begins' },
        abort: new AbortController(),
        endedAt: null,
      }
      runs.set(key, run)
      void examine(key, run, asked)
      return run.answer
    },
    look: (key: string): GateAnswer | null => runs.get(key)?.answer ?? null,
    cancel(release: string): void {
      for (const [key, { abort }] of runs)
        if (key.startsWith(`${release}/`)) abort.abort(new Error('cancelled'))
    },
    cancelAll(): void {
      for (const { abort } of runs.values()) abort.abort(new Error('the examiner stops'))
    },
  }

  /** Whatever goes wrong in a gate, its answer is never a pass. */
  async function examine(key: string, run: Run, { spec, candidate, live }: GateRun): Promise<void> {
    const limit = AbortSignal.timeout(spec.withinS * 1000)
    const signal = AbortSignal.any([run.abort.signal, limit])
    const with_: Examination = {
      signal,
      progress: (text) =>
        void (run.answer =
          run.answer.state === 'running' ? { state: 'running', progress: text } : run.answer),
    }
    let verdict: Verdict
    try {
      if (candidate.addresses.length === 0) throw new Error('the candidate has no ready replica')
      verdict =
        spec.kind === 'warmUp'
          ? await warmUp(spec, candidate, with_)
          : await goldenSet(spec, candidate, live, with_)
      if (signal.aborted && verdict.verdict === 'pass')
        verdict = undecided(late(limit, spec.withinS))
    } catch (error) {
      verdict = undecided(signal.aborted ? late(limit, spec.withinS) : (error as Error).message)
    }
    run.answer = { state: 'decided', ...verdict }
    run.endedAt = Date.now()
    log.info({ run: key, verdict: verdict.verdict }, verdict.because)
  }

  function tidy(): void {
    const ended = [...runs].filter(([, { endedAt }]) => endedAt !== null)
    for (const [index, [key, { endedAt }]] of ended.entries()) {
      if (ended.length - index > keptMax || Date.now() - endedAt! > keptMs) runs.delete(key)
    }
  }
}

function late(limit: AbortSignal, withinS: number): string {
  return limit.aborted ? `not done within ${withinS} s` : 'it was cancelled'
}
