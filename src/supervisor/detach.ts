/** `beryl up --detach`: the same `beryl up`, in a session of its own, watched until it is up. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { prepareDirectory } from '../storage/database.ts'

const upWithinMs = 60_000
const pollMs = 50

/**
 * @param args how `beryl` is started: the program and its arguments, without `--detach`
 * @returns where it writes what it says
 * @throws ProblemError `cannot-start` with its last words; then nothing runs
 */
export async function detach(
  root: string,
  args: readonly string[],
): Promise<{ pid: number; log: string }> {
  const directory = dataDirectory(root)
  prepareDirectory(directory.root)
  mkdirSync(directory.logs, { recursive: true, mode: 0o700 })
  const log = join(directory.logs, 'supervisor.log')
  const output = openSync(log, 'a', 0o600)
  const from = statSync(log).size
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended = `it ended with ${signal ?? `code ${code}`}`))
  const until = Date.now() + upWithinMs
  while (pidIn(directory.running) !== child.pid) {
    if (ended !== null || Date.now() > until)
      throw new ProblemError({
        status: 409,
        code: 'cannot-start',
        title: `Beryl did not come up (${ended ?? `not within ${upWithinMs / 1000} s`}):\n${saidSince(log, from)}`,
        hint: `beryl doctor, or read ${log}`,
      })
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  child.unref()
  return { pid: child.pid, log }
}

function pidIn(file: string): number | null {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid
  } catch {
    return null
  }
}

function saidSince(file: string, from: number): string {
  return readFileSync(file).subarray(from).toString().trim().split('\n').slice(-20).join('\n')
}
