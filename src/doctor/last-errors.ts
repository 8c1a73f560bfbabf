/** What Beryl's own processes last complained of. */
import type { DataDirectory } from '../ipc/data-directory.ts'
import { lastLogLines } from '../supervisor/process.ts'
import { ok, warning } from './finding.ts'
import type { Finding } from './finding.ts'

const roles = ['gateway', 'controller', 'examiner'] as const
/** What is older has been seen, or has passed. */
const recentMs = 24 * 3600 * 1000
/** Of each log. */
const linesMax = 2000
const shownMax = 200
/** Of pino: errors, and what is worse. */
const errorLevel = 50

export function errorFindings(directory: DataDirectory, now = Date.now()): Finding[] {
  const found = roles.flatMap((role) => {
    const errors = lastLogLines(directory, role, linesMax)
      .map(entryOf)
      .filter((entry) => entry !== null && now - entry.time < recentMs)
    const last = errors.at(-1)
    return last === null || last === undefined ? [] : [{ role, last, count: errors.length }]
  })
  if (found.length === 0) return [ok('errors', 'none in the logs of the last 24 h')]
  return found.map(({ role, last, count }) =>
    warning(
      'errors',
      `${role}: ${count === 1 ? 'one error' : `${count} errors`} in 24 h, the last at ${new Date(last.time).toISOString()}: ${last.text.slice(0, shownMax)}`,
      `read ${directory.logs}/${role}.log`,
    ),
  )
}

/** Null for what is no error: other levels, and lines that are not pino's. */
function entryOf(line: string): { time: number; text: string } | null {
  try {
    const entry = JSON.parse(line) as {
      level?: number
      time?: number
      msg?: string
      error?: string
    }
    if ((entry.level ?? 0) < errorLevel || typeof entry.time !== 'number') return null
    const text = [entry.msg, entry.error].filter((one) => one !== undefined).join(': ')
    return { time: entry.time, text }
  } catch {
    return null
  }
}
