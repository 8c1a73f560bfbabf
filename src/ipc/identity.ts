/**
 * Who a process is: boot id + pid + start time. A pid alone is nobody: pids are used again, after a reboot all of them.
 * Linux reads /proc (proc(5): start time is field 22 of stat, in clock ticks since boot); elsewhere `ps` is asked.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type Identity = { bootId: string; pid: number; startTime: string }

/** Null when there is no such process, or only its zombie. */
export function identityOf(pid: number): Identity | null {
  const startTime = process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
  return startTime === null ? null : { bootId: bootId(), pid, startTime }
}

export function isAlive(identity: Identity): boolean {
  const now = identityOf(identity.pid)
  return now !== null && now.startTime === identity.startTime && now.bootId === identity.bootId
}

/** Of the process that wrote, or was written, this file; null where there is none. */
export function readIdentity(file: string): Identity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Identity
  } catch {
    return null
  }
}

let known: string | null = null

export function bootId(): string {
  known ??=
    process.platform === 'linux'
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      : bootTime()
  return known
}

function linuxStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name may hold spaces and parentheses: fields count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTime] = [fields[0], fields[19]]
    return state === 'Z' || state === 'X' || startTime === undefined ? null : startTime
  } catch {
    return null
  }
}

function psStart(pid: number): string | null {
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 2000,
    })
      .trim()
      .split(/\s+/)
    return state === undefined || state.startsWith('Z') ? null : start.join(' ')
  } catch {
    return null
  }
}

function bootTime(): string {
  return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8', timeout: 2000 }).trim()
}
