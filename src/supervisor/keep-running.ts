/**
 * One process of Beryl: started in a session of its own, watched, and started again when it dies. One that an earlier
 * supervisor left running is taken over, by identity.
 */
import { spawn } from 'node:child_process'
import {
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { identityOf, isAlive } from '../ipc/identity.ts'
import type { Identity } from '../ipc/identity.ts'
import { log } from '../log.ts'
import { entryOf, starter } from './entries.ts'

type Role = Parameters<typeof entryOf>[0]

export type Program = {
  role: Role
  directory: DataDirectory
  /** Environment variables for each start; asked anew each time. */
  env: () => Record<string, string>
  /** Descriptors that the process inherits, from 3 on. */
  inherit: readonly number[]
}

export type Kept = {
  pid(): number | null
  /** Set by the process's own death; null while it runs. */
  lastExit(): string | null
  /** How often it ended by itself. */
  exits(): number
  /** SIGTERM, then SIGKILL after the grace. Not started again. */
  stop(graceMs: number): Promise<void>
}

const restartFirstMs = 50
const restartMaxMs = 5000
/** A process that ran this long died of something new: back-off begins again. */
const steadyMs = 30_000
const adoptedPollMs = 250
const logMaxBytes = 10 * 1024 * 1024

export function keepRunning(program: Program): Kept {
  const { role, directory } = program
  const identityFile = join(directory.root, `${role}.process.json`)
  let identity: Identity | null = null
  let lastExit: string | null = null
  let exits = 0
  let stopping = false
  let backOffMs = restartFirstMs
  let timer: NodeJS.Timeout | null = null
  let gone: (() => void) | null = null

  const running = readIdentity(identityFile)
  if (running !== null && isAlive(running)) adopt(running)
  else start()

  return {
    pid: () => identity?.pid ?? null,
    lastExit: () => lastExit,
    exits: () => exits,
    stop: async (graceMs) => {
      stopping = true
      if (timer !== null && identity === null) clearTimeout(timer)
      const target = identity
      if (target === null) return
      const ended = new Promise<void>((resolve) => (gone = resolve))
      if (!isAlive(target)) return
      process.kill(target.pid, 'SIGTERM')
      const kill = setTimeout(() => {
        if (isAlive(target)) process.kill(target.pid, 'SIGKILL')
      }, graceMs)
      await ended
      clearTimeout(kill)
      rmSync(identityFile, { force: true })
    },
  }

  function start(): void {
    const startedAt = Date.now()
    const output = openLog(directory, role)
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', starter, entryOf(role)],
      {
        detached: true,
        stdio: ['ignore', output, output, ...program.inherit],
        env: { ...process.env, ...program.env() },
      },
    )
    closeSync(output)
    child.on('error', (error) => onGone(`could not be started: ${error.message}`, startedAt))
    child.on('exit', (code, signal) =>
      onGone(signal === null ? `exit code ${code}` : `signal ${signal}`, startedAt),
    )
    if (child.pid === undefined) return
    identity = identityOf(child.pid)
    if (identity !== null) writeFileSync(identityFile, JSON.stringify(identity))
    lastExit = null
  }

  function adopt(found: Identity): void {
    identity = found
    log.info({ role, pid: found.pid }, 'took over a running process')
    const poll = () => {
      if (!isAlive(found)) return onGone('died (seen by its pid)', Date.now())
      timer = setTimeout(poll, adoptedPollMs)
    }
    poll()
  }

  function onGone(how: string, startedAt: number): void {
    if (identity === null && lastExit !== null) return
    identity = null
    lastExit = how
    gone?.()
    if (stopping) return
    exits++
    if (Date.now() - startedAt > steadyMs) backOffMs = restartFirstMs
    log.warn({ role, how, againInMs: backOffMs }, `${role} ended; it is started again`)
    timer = setTimeout(start, backOffMs)
    backOffMs = Math.min(restartMaxMs, backOffMs * 2)
  }
}

/** The last lines of a process's log: what a person needs when it does not start. */
export function lastLogLines(directory: DataDirectory, role: Role, count: number): string[] {
  try {
    return readFileSync(join(directory.logs, `${role}.log`), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-count)
  } catch {
    return []
  }
}

export function readIdentity(file: string): Identity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Identity
  } catch {
    return null
  }
}

function openLog(directory: DataDirectory, role: Role): number {
  mkdirSync(directory.logs, { recursive: true, mode: 0o700 })
  const file = join(directory.logs, `${role}.log`)
  try {
    if (statSync(file).size > logMaxBytes) renameSync(file, `${file}.1`)
  } catch {
    // There is no log yet.
  }
  return openSync(file, 'a', 0o600)
}
