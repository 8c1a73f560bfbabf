/** The gates that run now, and those that ended lately, keyed by release, gate and attempt. */
import { ProblemError } from '../ipc/problem.ts'
import type { Verdict } from '../release/release.ts'
import { bounded, undecided } from './examination.ts'
import type { Examination } from './examination.ts'
import type { About, GateAnswer, GateRun } from './gate.ts'
import { goldenSet } from './golden-set/golden-set.ts'
import type { Captures } from './capture/captures.ts'
import { compatibility } from './compatibility/compatibility.ts'
import { command } from './hooks/command.ts'
import { prometheus } from './hooks/prometheus.ts'
import { webhook } from './hooks/webhook.ts'
import { identity } from './identity/identity.ts'
import { load } from './load/load.ts'
import { replay } from './replay/replay.ts'
import { shadow } from './shadow/shadow.ts'
import type { Tap } from './tap/hear.ts'
import { timerMs } from './timer-ms.ts'
import { warmUp } from './warm-up/warm-up.ts'

export type Key = { release: string; gate: string; attempt: string }

type Run = Key & { answer: GateAnswer; abort: AbortController; endedAt: number | null }

const runningMax = 16
const keptMax = 500
const keptMs = 3_600_000
/** A gate whose time is over or that was cancelled gets this long to say how far it came; then it is answered for. */
const lastWordMs = 2000

/** What gates need beside the versions. */
export type Means = { tap: Pick<Tap, 'listen'>; captures: Pick<Captures, 'newest'> }

/** @param ended is told of every verdict */
export function openRuns(means: Means, ended: (key: Key, verdict: Verdict) => void = () => {}) {
  const runs = new Map<string, Run>()

  return {
    /** Asking again for the same attempt changes nothing. @throws ProblemError `busy` */
    start(key: Key, asked: GateRun): GateAnswer {
      const known = runs.get(nameOf(key))
      if (known !== undefined) return known.answer
      forgetOld()
      refuseTooMany()
      const run: Run = {
        ...key,
        answer: { state: 'running', progress: 'begins' },
        abort: new AbortController(),
        endedAt: null,
      }
      runs.set(nameOf(key), run)
      void examine(run, asked, means).then((verdict) => ended(key, verdict))
      return run.answer
    },
    look: (key: Key): GateAnswer | null => runs.get(nameOf(key))?.answer ?? null,
    cancel(release: string): void {
      for (const run of runs.values()) if (run.release === release) stop(run, 'it was cancelled')
    },
    cancelAll(): void {
      for (const run of runs.values()) stop(run, 'the examiner stops')
    },
  }

  function refuseTooMany(): void {
    const running = [...runs.values()].filter(({ endedAt }) => endedAt === null).length
    if (running < runningMax) return
    throw new ProblemError({
      status: 503,
      code: 'busy',
      title: `${running} gates run already, more than ${runningMax} never do`,
      hint: 'ask again when one of them has ended',
    })
  }

  function forgetOld(): void {
    const ended = [...runs]
      .filter(([, { endedAt }]) => endedAt !== null)
      .toSorted(([, a], [, b]) => b.endedAt! - a.endedAt!)
    for (const [index, [name, { endedAt }]] of ended.entries())
      if (index >= keptMax || Date.now() - endedAt! > keptMs) runs.delete(name)
  }
}

/** Whatever goes wrong in a gate, its answer is never a pass. */
async function examine(run: Run, asked: GateRun, means: Means): Promise<Verdict> {
  const { withinS } = asked.spec
  const limit = setTimeout(() => stop(run, `not done within ${withinS} s`), timerMs(withinS))
  const verdict = bounded(await Promise.race([verdictOf(run, asked, means), answeredFor(run)]))
  clearTimeout(limit)
  run.answer = { state: 'decided', ...verdict }
  run.endedAt = Date.now()
  return verdict
}

async function verdictOf(run: Run, asked: GateRun, means: Means): Promise<Verdict> {
  const { candidate } = asked
  const { signal } = run.abort
  const examination: Examination = {
    signal,
    progress: (text) => {
      if (run.answer.state === 'running') run.answer = { state: 'running', progress: text }
    },
  }
  try {
    if (candidate.addresses.length === 0) throw new Error('the candidate has no ready replica')
    const { release, gate, attempt } = run
    const about = { service: asked.service, release, gate, attempt }
    const verdict = await take(asked, about, { examination, ...means })
    if (signal.aborted && verdict.verdict === 'pass') return undecided(reasonOf(signal))
    return verdict
  } catch (error) {
    return undecided(signal.aborted ? reasonOf(signal) : (error as Error).message)
  }
}

function take(
  { service, spec, candidate, live }: GateRun,
  about: About,
  { examination, tap, captures }: { examination: Examination } & Means,
): Promise<Verdict> {
  switch (spec.kind) {
    case 'warmUp':
      return warmUp(spec, candidate, { service, captures }, examination)
    case 'identity':
      return identity(spec, candidate, examination)
    case 'goldenSet':
      return goldenSet(spec, candidate, live, examination)
    case 'load':
      return load(spec, candidate, { service, captures }, examination)
    case 'prometheus':
      return prometheus(spec, { candidate, live }, service, examination)
    case 'webhook':
      return webhook(spec, { candidate, live }, about, examination)
    case 'command':
      return command(spec, { candidate, live }, about, examination)
    case 'shadow':
      return shadow(spec, { service, candidate, live }, tap, examination)
    case 'replay':
      return replay(spec, { service, candidate, live }, captures, examination)
    case 'compatibility':
      return compatibility(spec, { service, candidate, live }, captures, examination)
  }
}

/** Comes only when a gate does not end although it was told to. */
function answeredFor({ abort: { signal } }: Run): Promise<Verdict> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () =>
      setTimeout(() => resolve(undecided(reasonOf(signal))), lastWordMs).unref(),
    )
  })
}

function stop({ abort, endedAt }: Run, because: string): void {
  if (endedAt === null) abort.abort(new Error(because))
}

function reasonOf(signal: AbortSignal): string {
  return (signal.reason as Error).message
}

function nameOf({ release, gate, attempt }: Key): string {
  return `${release}/${gate}/${attempt}`
}
