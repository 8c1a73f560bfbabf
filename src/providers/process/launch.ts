/** Starts a model server in a session of its own, so that it outlives whoever started it. */
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { identityOf } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import { unsealed } from '../../secrets/by-name.ts'
import type { ProcessSpec } from '../provider.ts'
import type { LogFiles } from './log-files.ts'
import { markName } from './marks.ts'

export type Launched = {
  /** Null when it could not be run, or has ended already. */
  identity: Identity | null
  /** How it ended. Rejects with `CannotRun` when it was never run. */
  exited: Promise<string>
}

export class CannotRun extends Error {
  /** True where the machine was short of something (processes, descriptors, memory), not the command wrong. */
  readonly maybeLater: boolean
  constructor(message: string, options: { cause: unknown; maybeLater: boolean }) {
    super(message, { cause: options.cause })
    this.name = 'CannotRun'
    this.maybeLater = options.maybeLater
  }
}

/** Beryl's own settings and secrets are nobody else's. */
const privateVariables = /^BERYL_/
const shortages: readonly (string | undefined)[] = ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']

/** Returns in the same breath as the process exists, so that the caller can write it down before anything else happens. */
export function launch(
  spec: ProcessSpec,
  port: number,
  gpus: readonly number[],
  logs: LogFiles,
): Launched {
  let [file = '', ...args] = spec.command.map((part) => withPort(part, port))
  const output = logs.open(spec.id)
  try {
    // Secrets stand in the journal by name, up to here.
    ;[file, ...args] = unsealed([file, ...args])
    const child = spawn(file, args, {
      cwd: spec.directory,
      detached: true,
      stdio: ['ignore', output, output],
      env: environmentOf(spec, port, gpus),
    })
    child.unref()
    const exited = new Promise<string>((resolve, reject) => {
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
      )
      child.once('error', (cause) => reject(cannotRun(file, spec.directory, cause)))
    })
    return { identity: child.pid === undefined ? null : identityOf(child.pid), exited }
  } catch (cause) {
    return { identity: null, exited: Promise.reject(cannotRun(file, spec.directory, cause)) }
  } finally {
    logs.close(output)
  }
}

function environmentOf(
  spec: ProcessSpec,
  port: number,
  gpus: readonly number[],
): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !privateVariables.test(name)),
  )
  const own = Object.fromEntries(
    Object.entries(unsealed(spec.env)).map(([name, value]) => [name, withPort(value, port)]),
  )
  // After the user's own: two replicas that name the same device would share it.
  const devices = gpus.length > 0 ? { CUDA_VISIBLE_DEVICES: gpus.join(',') } : {}
  return { ...inherited, ...own, ...devices, PORT: String(port), [markName]: spec.id }
}

function withPort(text: string, port: number): string {
  return text.replaceAll('{port}', String(port))
}

function cannotRun(file: string, directory: string, cause: unknown): CannotRun {
  const { code, message } = cause as NodeJS.ErrnoException
  return new CannotRun(
    `cannot run ${JSON.stringify(file)} in ${directory}: ${hintOf(code, directory) ?? message}`,
    { cause, maybeLater: shortages.includes(code) },
  )
}

/** A missing directory and a missing command are both ENOENT, with the command's name in the message. */
function hintOf(code: string | undefined, directory: string): string | null {
  if (!isDirectory(directory)) return 'there is no such directory'
  if (code === 'ENOENT') return 'there is no such command; is it installed, and on PATH?'
  if (code === 'EACCES') return 'this user may not execute it; `chmod +x`?'
  return null
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
