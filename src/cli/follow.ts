/** Follows a release to where the person can stop looking: live progress on a terminal, plain lines in a pipe. */
import { stripVTControlCharacters } from 'node:util'
import type { ApiClient } from '../api/client.ts'
import type { ReleaseView } from '../api/shapes.ts'
import { ProblemError } from '../ipc/problem.ts'
import { gateText, isSettled, phaseText } from './describe.ts'

const pollMs = 150
/** A controller that is being restarted is away for less than this. */
const patienceMs = 30_000

export type FollowOptions = {
  json: boolean
  timeoutS: number | null
  /** Follow on through `stabilizing`, to the end. */ toTheEnd: boolean
}

/** @returns the release as it was last seen; not over when the time was */
export async function follow(
  api: ApiClient,
  id: string,
  { json, timeoutS, toTheEnd }: FollowOptions,
): Promise<ReleaseView> {
  const until = timeoutS === null ? Infinity : Date.now() + timeoutS * 1000
  const print = json ? () => {} : printer()
  let release = await patiently(() => api.release(id), json)
  for (;;) {
    print(release)
    const settled = isSettled(release.phase) && !(toTheEnd && release.phase === 'stabilizing')
    if (settled || Date.now() >= until) break
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    release = await patiently(() => api.release(id), json)
  }
  return release
}

/** A restart of the controller must not end the wait. */
async function patiently<Result>(ask: () => Promise<Result>, json: boolean): Promise<Result> {
  const until = Date.now() + patienceMs
  let told = false
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (
        !(error instanceof ProblemError) ||
        error.problem.code !== 'unreachable' ||
        Date.now() > until
      )
        throw error
      if (!told && !json) console.error('the API does not answer; waiting for it …')
      told = true
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }
}

/** Prints what changed: each phase, each verdict; on a terminal the waiting line is rewritten in place. */
function printer(): (release: ReleaseView) => void {
  const said = new Set<string>()
  const live = process.stdout.isTTY
  let waiting = ''
  const line = (text: string) => {
    if (waiting !== '') process.stdout.write('\r\x1b[K')
    waiting = ''
    process.stdout.write(`${text}\n`)
  }
  const once = (key: string, text: string) => {
    if (said.has(key)) return
    said.add(key)
    line(text)
  }
  return (release) => {
    for (const { name, because } of release.leftOut)
      once(`left ${name}`, `    ${name} left out: ${because}`)
    for (const gate of release.gates)
      if (gate.state === 'decided')
        once(`${gate.name} ${gate.verdict} ${gate.attempt}`, `    ${gateText(gate)}`)
    if (release.switched !== null)
      once(
        'switched',
        `    switched in one step, ${release.switched.tookMs.toFixed(1)} ms after the decision`,
      )
    if (release.rolledBack !== null)
      once(
        'back',
        `    rolled back in ${release.rolledBack.tookMs.toFixed(1)} ms by ${release.rolledBack.by}: ${release.rolledBack.why.split('\n')[0]}`,
      )
    const reason = release.waitingFor ?? release.because ?? ''
    const now = `${release.id} ${phaseText(release)}`
    if (!live) return once(`${release.phase} ${isPersonal(reason) ? reason : ''}`, now)
    if (release.waitingFor === null) return once(release.phase, now)
    if (now === waiting) return
    process.stdout.write(`\r\x1b[K${fitted(now, (process.stdout.columns ?? 100) - 1)}`)
    waiting = now
  }
}

/** One line of the terminal: longer ones would wrap, and only the last piece would be rewritten. Colours go with what is cut. */
function fitted(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text)
  return plain.length <= columns ? text : `${plain.slice(0, columns - 1)}…`
}

/** Waits that somebody must end are told again when their reason changes. */
function isPersonal(reason: string): boolean {
  return /^(approval|a person|`)/.test(reason)
}
