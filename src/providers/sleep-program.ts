/** Runs a program of the user's that puts a replica to sleep or wakes it; its process group ends with it, or when its time is over. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { onLeash } from '../ipc/leash.ts'
import { openTail } from '../ipc/tail.ts'
import { unsealed } from '../secrets/by-name.ts'
import type { ReplicaRecord, Run } from './provider.ts'

const shownLength = 200
/** After the program's end its output is read to the end; a child in a session of its own may hold it open for ever. */
const outputMs = 1000
/** Beryl's own settings and secrets are nobody else's. */
const privateVariables = /^BERYL_/

/** @returns null once it ended with exit code 0, else what became of it */
export async function runOnce(
  { run, directory, env }: Run,
  replica: Pick<ReplicaRecord, 'host' | 'port' | 'process'>,
  signal: AbortSignal,
): Promise<string | null> {
  const fill = fillingOf(replica)
  const program = run[0]!
  let child
  try {
    // Secrets stand in the journal by name, up to here.
    const own = Object.entries(unsealed(env)).map(([name, value]) => [name, fill(value)] as const)
    child = await onLeash({
      run: unsealed(run).map(fill),
      env: { ...inherited(), ...Object.fromEntries(own), PORT: String(replica.port) },
      directory,
    })
  } catch (error) {
    return `cannot run ${program} in ${directory}: ${(error as Error).message}`
  }
  const { stdout, stderr, ended, kill } = child
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  const tail = openTail()
  for (const output of [stdout, stderr]) output.on('data', (chunk: Buffer) => tail.add(chunk))
  const read = Promise.all([once(stdout, 'close'), once(stderr, 'close')])
  try {
    const how = await ended
    kill()
    if (signal.aborted) return `${program} was ended with its process group`
    await Promise.race([read, sleep(outputMs, null, { ref: false })])
    if (how !== null && 'error' in how) return `cannot run ${program} in ${directory}: ${how.error}`
    if (how?.code === 0) return null
    const last = tail.lines(1).slice(-shownLength)
    const by =
      how === null
        ? 'was killed'
        : how.code === null
          ? `was ended by ${how.signal}`
          : `ended with exit code ${how.code}`
    return `${program} ${by}${last === '' ? '' : ` (${last})`}`
  } finally {
    signal.removeEventListener('abort', kill)
    stdout.destroy()
    stderr.destroy()
  }
}

function fillingOf({ host, port, process: own }: Parameters<typeof runOnce>[1]) {
  const values: Record<string, string> = { host, port: String(port) }
  if (own !== null) values['pid'] = String(own.pid)
  return (text: string) =>
    text.replace(/\{(pid|host|port)\}/g, (whole, key: string) => values[key] ?? whole)
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !privateVariables.test(name)),
  )
}
