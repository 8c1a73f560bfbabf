/**
 * The command gate: runs a program of the user's, without a shell, in a process group of its own. Exit code 0 is a pass, 1 a
 * failure of the candidate; anything else is the command's own failure, and undecided. When its time is over the group is
 * killed, and so is what is left of it when the program has ended, or when the examiner is no more.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from '../../release/release.ts'
import { short, undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { About, GateRun, GateSpec } from '../gate.ts'
import { onLeash } from '../../ipc/leash.ts'
import { saidVerdict } from './said-verdict.ts'
import { openTail } from '../../ipc/tail.ts'
import { idempotencyKey } from './webhook.ts'

export type CommandSpec = GateSpec & { kind: 'command' }

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
  const [program] = run as [string]
  signal.throwIfAborted()
  const child = await onLeash({
    run,
    env: { ...ownEnv(), ...env, ...tellsOf(targets, about) },
    directory,
  }).catch((cause: Error) => {
    throw new Error(`cannot run ${program} in ${directory}: ${cause.message}`, { cause })
  })
  signal.addEventListener('abort', child.kill, { once: true })
  if (signal.aborted) child.kill()
  progress(`${program} runs`)
  const [told, all] = [openTail(), openTail()]
  child.stdout.on('data', (chunk: Buffer) => {
    told.add(chunk)
    all.add(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => all.add(chunk))
  const begun = performance.now()
  const read = Promise.all([once(child.stdout, 'close'), once(child.stderr, 'close')])
  try {
    const ended = await child.ended
    child.kill()
    await Promise.race([read, sleep(outputMs, null, { ref: false })])
    if (ended !== null && 'error' in ended)
      return undecided(`cannot run ${program} in ${directory}: ${ended.error}`, { command: run })
    const evidence = {
      command: run,
      exitCode: ended?.code ?? null,
      signal: ended?.signal ?? null,
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
    return verdictOf(program, ended, {
      told: told.text(),
      because: all.lines(becauseLines),
      evidence,
    })
  } finally {
    signal.removeEventListener('abort', child.kill)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

function verdictOf(
  program: string,
  ended: { code: number | null; signal: string | null } | null,
  { told, because, evidence }: { told: string; because: string; evidence: Record<string, unknown> },
): Verdict {
  const own = (text: string) => undecided(`the command itself failed: ${text}`, evidence)
  if (ended === null) return own(`${program} was killed with its process group`)
  const { code, signal } = ended
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
export function ownEnv(): NodeJS.ProcessEnv {
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
    BERYL_URL: `${candidate.reach?.tls === undefined ? 'http' : 'https'}://${candidate.addresses[0]}`,
    BERYL_LIVE_VERSION: live?.version ?? '',
    BERYL_LIVE_ENVIRONMENT: live?.environment ?? '',
    BERYL_LIVE_ADDRESSES: live?.addresses.join(',') ?? '',
  }
}
