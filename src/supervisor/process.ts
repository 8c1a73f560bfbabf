/** One process of Beryl, in a session of its own, by identity: started here, or left running by an earlier supervisor. */
import { spawn } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { isDiskTrouble } from '../ipc/disk-trouble.ts'
import { identityOf, isAlive } from '../ipc/identity.ts'
import type { Identity } from '../ipc/identity.ts'
import { log } from '../log.ts'
import { entryOf, starter } from './entries.ts'

export type Role = Parameters<typeof entryOf>[0]

export type Program = {
  role: Role
  directory: DataDirectory
  /** Environment variables for each start; asked anew each time. */
  env: () => Record<string, string>
  /** Descriptors that the process inherits, from 3 on; asked anew each time. */
  inherit: () => readonly number[]
}

export type Process = {
  /** Null: it could not even be started. */
  identity: Identity | null
  /** How it ended; null while it runs. */
  exit(): string | null
  ended: Promise<string>
  /** Nobody waits for its end only because of it; it runs on. */
  unref(): void
}

const adoptedPollMs = 250
const writeAgainMs = 500
const logMaxBytes = 10 * 1024 * 1024

/** @param identityFile where its identity is written */
export function startProcess(
  { role, directory, env, inherit }: Program,
  identityFile: string,
): Process {
  const output = openLog(directory, role)
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', starter, entryOf(role)],
    {
      detached: true,
      stdio: ['ignore', output, output, ...inherit()],
      env: { ...process.env, ...env() },
    },
  )
  closeSync(output)
  let exit: string | null = null
  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => resolve((exit ??= how))
    child.on('error', (error) => end(`could not be started: ${error.message}`))
    child.on('exit', (code, signal) =>
      end(signal === null ? `exit code ${code}` : `signal ${signal}`),
    )
  })
  const identity = child.pid === undefined ? null : identityOf(child.pid)
  if (identity !== null) writeDown(identity, identityFile, () => exit !== null)
  return { identity, exit: () => exit, ended, unref: () => child.unref() }
}

/** A disk that takes nothing must not end who keeps processes running: it is written once there is room again. */
function writeDown(identity: Identity, file: string, isOver: () => boolean, isFirst = true): void {
  try {
    writeFileSync(file, JSON.stringify(identity))
  } catch (error) {
    if (!isDiskTrouble(error)) throw error
    if (isFirst)
      log.warn(
        { file, pid: identity.pid, error: (error as Error).message },
        'who runs could not be written down: free space there; it is tried again',
      )
    const again = () => (isOver() ? undefined : writeDown(identity, file, isOver, false))
    setTimeout(again, writeAgainMs).unref()
  }
}

export function adoptProcess(identity: Identity): Process {
  let exit: string | null = null
  let timer: NodeJS.Timeout | null = null
  let isWaitedFor = true
  const ended = new Promise<string>((resolve) => {
    const poll = () => {
      if (!isAlive(identity)) return resolve((exit = 'died (seen by its pid)'))
      timer = setTimeout(poll, adoptedPollMs)
      if (!isWaitedFor) timer.unref()
    }
    poll()
  })
  const unref = () => {
    isWaitedFor = false
    timer?.unref()
  }
  return { identity, exit: () => exit, ended, unref }
}

/** SIGTERM, then SIGKILL after the grace. */
export async function endProcess({ identity, ended }: Process, graceMs: number): Promise<void> {
  if (identity === null || !isAlive(identity)) return
  process.kill(identity.pid, 'SIGTERM')
  const kill = setTimeout(() => {
    if (isAlive(identity)) process.kill(identity.pid, 'SIGKILL')
  }, graceMs)
  await ended
  clearTimeout(kill)
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
