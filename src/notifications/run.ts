/** Tells a command of the user's own: in a process group of its own, killed when its time is over. What ends with 0 has taken it. */
import { onLeash } from '../ipc/leash.ts'
import type { Sent } from './send.ts'

/** Of what it said last: no more than fits into a line of `beryl notifications`. */
const shownMax = 200

export async function run(
  command: readonly string[],
  { env, directory }: { env: NodeJS.ProcessEnv; directory: string },
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Sent> {
  const stop = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal])
  const child = await onLeash({ run: command, env, directory })
  let last = ''
  const hear = (chunk: Buffer) => {
    last = `${last}${chunk.toString()}`.slice(-10 * shownMax)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  if (stop.aborted) child.kill()
  stop.addEventListener('abort', child.kill)
  try {
    const ended = await child.ended
    if (stop.aborted) return { ok: false, because: `killed after ${timeoutMs / 1000} s` }
    if (ended === null) return { ok: false, because: 'it was killed' }
    if ('error' in ended) return { ok: false, because: `cannot be run: ${ended.error}` }
    if (ended.code === 0) return { ok: true }
    const how = ended.code === null ? `signal ${ended.signal}` : `exit code ${ended.code}`
    const said = last.trim().split('\n').at(-1)!.slice(0, shownMax)
    return { ok: false, because: said === '' ? how : `${how}: ${said}` }
  } finally {
    stop.removeEventListener('abort', child.kill)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}
