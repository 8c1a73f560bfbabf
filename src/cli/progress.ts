/** A release as it goes, on a terminal or in a pipe. */
import { stripVTControlCharacters } from 'node:util'
import type { ReleaseView } from '../api/shapes.ts'
import { gateText, phaseText } from './describe.ts'

export type Screen = { isTTY?: boolean; columns?: number; write(text: string): unknown }

const columnsUnknown = 100

/** Prints what changed: each phase, each verdict; on a terminal the waiting line is rewritten in place. */
export function progress(screen: Screen): (release: ReleaseView) => void {
  const said = new Set<string>()
  const live = screen.isTTY === true
  let waiting = ''
  const line = (text: string) => {
    if (waiting !== '') screen.write('\r\x1b[K')
    waiting = ''
    screen.write(`${text}\n`)
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
    screen.write(`\r\x1b[K${fitted(now, (screen.columns ?? columnsUnknown) - 1)}`)
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
