/** Starts a model server in a session of its own, so that it outlives whoever started it. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { identityOf } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import type { ReplicaSpec } from '../provider.ts'
import type { LogFiles } from './log-files.ts'

export type Launched = {
  identity: Identity | null
  /** How it ended; for our own children only. */ exited: Promise<string>
}

/** Beryl's own settings and secrets are nobody else's. */
const privateVariables = /^BERYL_/

/** @throws when the command cannot be run at all; the message says what to check */
export async function launch(
  spec: ReplicaSpec,
  port: number,
  gpus: readonly number[],
  logs: LogFiles,
): Promise<Launched> {
  const [file, ...args] = spec.command.map((part) => withPort(part, port))
  const output = logs.open(spec.id)
  try {
    const child = spawn(file!, args, {
      cwd: spec.directory,
      detached: true,
      stdio: ['ignore', output, output],
      env: environmentOf(spec, port, gpus),
    })
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
      )
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    return { identity: identityOf(child.pid!), exited }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const hint =
      code === 'ENOENT'
        ? 'is the command on PATH, and does the directory exist?'
        : code === 'EACCES'
          ? 'is the file executable?'
          : ''
    throw new Error(
      `cannot run ${JSON.stringify(file)} in ${spec.directory}: ${(cause as Error).message}${hint && `; ${hint}`}`,
      { cause },
    )
  } finally {
    logs.close(output)
  }
}

/** A process that was started right before its controller died, and never written down: it carries the replica's name. */
export function findByMark(id: string): Identity | null {
  if (process.platform !== 'linux') return null
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || !hasMark(name, id)) continue
    // Children inherit the mark: the session's leader is the one that was started.
    const identity = identityOf(Number(name))
    if (identity !== null && isSessionLeader(name)) return identity
  }
  return null
}

function hasMark(pid: string, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .includes(`BERYL_REPLICA=${id}`)
  } catch {
    return false
  }
}

function isSessionLeader(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): fields after the command name are state, ppid, pgrp, session.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3] === pid
  } catch {
    return false
  }
}

function environmentOf(
  spec: ReplicaSpec,
  port: number,
  gpus: readonly number[],
): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !privateVariables.test(name)),
  )
  const own = Object.fromEntries(
    Object.entries(spec.env).map(([name, value]) => [name, withPort(value, port)]),
  )
  const devices = gpus.length > 0 ? { CUDA_VISIBLE_DEVICES: gpus.join(',') } : {}
  return { ...inherited, ...devices, ...own, PORT: String(port), BERYL_REPLICA: spec.id }
}

function withPort(text: string, port: number): string {
  return text.replaceAll('{port}', String(port))
}
