/** `beryl down`: the Beryl of a data directory is asked to stop, as Ctrl-C does, and its end is waited for. */
import { readFileSync } from 'node:fs'
import { dataDirectory } from '../ipc/data-directory.ts'
import { identityOf, isAlive } from '../ipc/identity.ts'
import { ProblemError } from '../ipc/problem.ts'
import { takeLock } from '../storage/lock.ts'
import type { RunningBeryl } from './running.ts'

/** Longer than everything that stopping may take: traffic, model servers, processes. */
const downWithinMs = 180_000
const pollMs = 100

/** @returns the process that ended @throws ProblemError `not-running`, `still-running` */
export async function down(root: string): Promise<number> {
  const directory = dataDirectory(root)
  const running = read(directory.running)
  // Who holds the lock runs; a file that somebody left behind names anybody's process.
  const lock = running === null ? null : takeLock(directory.lock('supervisor'))
  lock?.release()
  const identity = running === null || lock !== null ? null : identityOf(running.pid)
  if (identity === null)
    throw new ProblemError({
      status: 409,
      code: 'not-running',
      title: `no Beryl runs on ${directory.root}`,
      hint: 'say where it is with --data DIR',
    })
  process.kill(identity.pid, 'SIGINT')
  const until = Date.now() + downWithinMs
  while (isAlive(identity)) {
    if (Date.now() > until)
      throw new ProblemError({
        status: 503,
        code: 'still-running',
        title: `Beryl (pid ${identity.pid}) was asked to stop and still runs after ${downWithinMs / 1000} s`,
        hint: `read ${directory.logs}; a second \`beryl down\` asks again`,
      })
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  return identity.pid
}

function read(file: string): RunningBeryl | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunningBeryl
  } catch {
    return null
  }
}
