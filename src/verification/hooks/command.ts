/**
 * The command gate: runs a program of the user's, without a shell, in a process group of its own. Exit code 0 is a pass, 1 a
 * failure of the candidate; anything else is the command's own failure, and undecided. When its time is over the group is
 * killed, and so is what is left of it when the program has ended: nothing stays behind.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from '../../release/release.ts'
import { short, undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { About, GateRun, GateSpec } from '../gate.ts'
import { saidVerdict } from './said-verdict.ts'
import { openTail } from './tail.ts'
import { idempotencyKey } from './webhook.ts'

export type CommandSpec = GateSpec & { kind: 'command' }

type Ended = { code: number | null; signal: NodeJS.Signals | null }

const becauseLines = 3
const shownLength = 2000
/** After the program's end its output is read to the end; a child in a session of its own may hold it open for ever. */
const outputMs = 1000

/** @throws Error where it cannot be started: nothing is decided then */
export async function command(
  { run, env, directory }: CommandSpec,
  targets: Pick<GateRun, 'candidate' | 'live'>,
  about: About,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const [program, ...args] = run
  signal.throwIfAborted()
  progress(`${program} runs`)
  const child = spawn(program!, args, {
    cwd: directory,
    env: { ...ownEnv(), ...env, ...tellsOf(targets, about) },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killAll = () => killGroup(child.pid)
  signal.addEventListener('abort', killAll, { once: true })
  const [told, all] = [openTail(), openTail()]
  child.stdout.on('data', (chunk: Buffer) => {
    told.add(chunk)
    all.add(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => all.add(chunk))
  const begun = performance.now()
  const closed = once(child, 'close').catch(() => undefined)
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [Ended['code'], Ended['signal']]
    killAll()
    await Promise.race([closed, sleep(outputMs, null, { ref: false })])
    const evidence = {
      command: run,
      exitCode: code,
      signal: killedBy,
      ms: Math.round(performance.now() - begun),
      output: all.text().slice(-shownLength),
    }
    if (signal.aborted) {
      const last = all.lines(1)
      return undecided(
        `${(signal.reason as Error).message}: ${program} was killed${last === '' ? '' : `; its last line was ${short(last, 200)}`}`,
        evidence,
      )
    }
    return verdictOf(
      program!,
      { code, signal: killedBy },
      { told: told.text(), because: all.lines(becauseLines), evidence },
    )
  } catch (cause) {
    throw new Error(`cannot run ${program} in ${directory}: ${(cause as Error).message}`, { cause })
  } finally {
    signal.removeEventListener('abort', killAll)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

function verdictOf(
  program: string,
  { code, signal }: Ended,
  { told, because, evidence }: { told: string; because: string; evidence: Record<string, unknown> },
): Verdict {
  const own = (text: string) => undecided(`the command itself failed: ${text}`, evidence)
  if (code === null) return own(`${program} was ended by ${signal}`)
  const lastLine = told.trimEnd().split('\n').at(-1) ?? ''
  const said = saidVerdict(told) ?? saidVerdict(lastLine)
  if (said !== null && 'wrong' in said) return own(said.wrong)
  if (said?.verdict === 'pass' && code !== 0)
    return own(`it says pass and ends with exit code ${code}`)
  if (said !== null) return { ...said, evidence: { ...said.evidence, ...evidence } }
  if (code > 1) return own(`exit code ${code} (${because || 'it said nothing'})`)
  const verdict = code === 0 ? 'pass' : 'fail'
  return { verdict, because: because || `${program} ended with exit code ${code}`, evidence }
}

/** Beryl's own settings are nobody's business. */
function ownEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('BERYL_')),
  )
}

function tellsOf(
  { candidate, live }: Pick<GateRun, 'candidate' | 'live'>,
  about: About,
): Record<string, string> {
  return {
    BERYL_SERVICE: about.service,
    BERYL_RELEASE: about.release,
    BERYL_GATE: about.gate,
    BERYL_ATTEMPT: about.attempt,
    BERYL_IDEMPOTENCY_KEY: idempotencyKey(about),
    BERYL_VERSION: candidate.version,
    BERYL_ENVIRONMENT: candidate.environment,
    BERYL_ADDRESSES: candidate.addresses.join(','),
    BERYL_URL: `http://${candidate.addresses[0]}`,
    BERYL_LIVE_VERSION: live?.version ?? '',
    BERYL_LIVE_ENVIRONMENT: live?.environment ?? '',
    BERYL_LIVE_ADDRESSES: live?.addresses.join(',') ?? '',
  }
}

/** At once and as a whole: its time is over, and the examiner may be about to end itself. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
