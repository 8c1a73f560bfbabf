/** What the machine gives: Node, disk, open files, a clock. Each is judged from plain figures. */
import { existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ok, problem, warning } from './finding.ts'
import type { Finding } from './finding.ts'

/** As package.json says (`engines`). */
const nodeAtLeast = [24, 15] as const

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const needed = nodeAtLeast.join('.')
  const isNew = major > nodeAtLeast[0] || (major === nodeAtLeast[0] && minor >= nodeAtLeast[1])
  return isNew
    ? ok('node', `Node ${version} (${needed} or newer is needed)`)
    : problem(
        'node',
        `Node ${version}, and ${needed} or newer is needed`,
        'install a current Node (https://nodejs.org), or in a checkout use npm run beryl -- …',
      )
}

/** The journal of a release is small; logs, and what model servers print, are not. */
const freeBytes = { problem: 100 * 2 ** 20, warning: 2 ** 30 } as const

export async function diskOf(directory: string): Promise<Finding> {
  const place = nearestThere(directory)
  const { bavail, bsize } = await statfs(place)
  return diskFinding(place, bavail * bsize)
}

export function diskFinding(place: string, free: number): Finding {
  const said = `${sizeText(free)} free at ${place}`
  const fix = `free space there, or use a data directory on another disk (--data)`
  if (free < freeBytes.problem)
    return problem(
      'disk',
      `${said}: on a full disk no release begins; only a rollback goes on`,
      fix,
    )
  return free < freeBytes.warning ? warning('disk', said, fix) : ok('disk', said)
}

/** Each request of a client is two descriptors, each idle connection one. */
const openFiles = { problem: 1024, warning: 4096 } as const

export function openFilesOf(): Finding {
  const { userLimits } = process.report.getReport() as unknown as {
    userLimits?: { open_files?: { soft: number | string } }
  }
  return openFilesFinding(userLimits?.open_files?.soft ?? 'unlimited')
}

export function openFilesFinding(limit: number | string): Finding {
  const said = `${limit} open files for each process`
  const fix =
    'raise it: `ulimit -n 65536` in the shell that starts Beryl, LimitNOFILE=65536 in a systemd unit'
  if (typeof limit !== 'number') return ok('open files', said)
  const carries = `${said}: the gateway carries about ${Math.floor(limit / 2)} requests at once`
  if (limit < openFiles.problem) return problem('open files', carries, fix)
  return limit < openFiles.warning ? warning('open files', carries, fix) : ok('open files', said)
}

/** Files are written by the same clock; a disk elsewhere may be a little ahead. */
const aheadMaxMs = 5000
/** Before this version was made. */
const notBefore = Date.UTC(2026, 0, 1)

export function clockOf(files: readonly string[]): Finding {
  const there = files.filter((file) => existsSync(file))
  return clockFinding(Date.now(), Math.max(0, ...there.map((file) => statSync(file).mtimeMs)))
}

/** @param newest when Beryl last wrote something, wall time in ms; 0: never */
export function clockFinding(now: number, newest: number): Finding {
  const fix = 'set it, and keep it right with NTP (`timedatectl set-ntp true`)'
  const time = new Date(now).toISOString()
  if (now < notBefore)
    return problem('clock', `it is ${time} by this machine: records and approvals go by that`, fix)
  if (newest - now > aheadMaxMs)
    return problem(
      'clock',
      `the clock is ${Math.round((newest - now) / 1000)} s behind what Beryl wrote last: it was set back, and records stand in the wrong order`,
      fix,
    )
  return ok('clock', time)
}

export function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path))
}

function sizeText(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
    : `${Math.floor(bytes / 2 ** 20)} MiB`
}
