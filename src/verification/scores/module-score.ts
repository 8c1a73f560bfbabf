/** A user's own score: an ES module in a thread of its own, with time limits and a bound on its memory. One call at a time. */
import { MessageChannel, Worker } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Scorer } from './scores.ts'

/** From the start of the thread until the module is loaded. */
const loadMs = 10_000
const callMs = 5000
/** Of objects; buffers are not counted by Node. */
const memoryMb = 256
const messageMaxLength = 500

/**
 * Runs in the thread: plain JavaScript, so that it needs nothing but Node. It speaks over a channel of its own, because
 * the module can post to its parent too.
 */
const host = `
import { workerData } from 'node:worker_threads'
import { pathToFileURL } from 'node:url'
const { file, port } = workerData
const said = (error) => ({ error: String(error?.message ?? error).slice(0, ${messageMaxLength}) })
try {
  const { default: score } = await import(pathToFileURL(file).href)
  if (typeof score !== 'function') throw new Error('it has no default export that is a function')
  port.on('message', async ({ answer, expected, line }) => {
    try {
      const value = await score(answer, expected, line)
      if (typeof value === 'boolean') return port.postMessage({ value: Number(value) })
      if (typeof value === 'number' && value >= 0 && value <= 1) return port.postMessage({ value })
      throw new Error('it must answer a number between 0 and 1 or a boolean, it answered ' + String(value))
    } catch (error) {
      port.postMessage(said(error))
    }
  })
  port.postMessage({ value: 0 })
} catch (error) {
  // Listening keeps the thread alive: its end could be seen before its last words.
  port.on('message', () => {})
  port.postMessage(said(error))
}
`

type Said = { value: number } | { error: string }

/** @throws Error when the module cannot be loaded */
export async function openModuleScore(
  file: string,
  limits: { callMs: number } = { callMs },
): Promise<Scorer & { readonly isDead: boolean }> {
  const { port1: port, port2 } = new MessageChannel()
  const worker = startThread(file, port2)
  let dead: string | null = null
  let answer: ((said: Said) => void) | null = null
  const die = (error: string) => {
    dead ??= error
    answer?.({ error: dead })
  }
  port.on('message', (said: Said) => answer?.(said))
  worker.on('error', (error) => die(`it crashed: ${error.message}`))
  worker.on('exit', (code) => die(`it ended its thread with code ${code}`))
  const close = async () => {
    port.close()
    await worker.terminate()
  }

  /** The next thing it says, or why it says nothing more. */
  const next = async (limitMs: number, what: string): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<Said>()
    const late = setTimeout(() => die(`${what} took longer than ${limitMs / 1000} s`), limitMs)
    answer = resolve
    if (dead !== null) resolve({ error: dead })
    const said = await promise
    answer = null
    clearTimeout(late)
    if ('value' in said) return said.value
    throw new Error(`the score module ${file} failed: ${said.error}`)
  }
  const call = async (before: Promise<unknown>, message: unknown, line: number) => {
    await before
    if (dead === null) port.postMessage(message)
    return next(limits.callMs, `scoring line ${line}`)
  }

  try {
    await next(loadMs, 'loading it')
  } catch (error) {
    await close()
    throw error
  }
  let turn: Promise<unknown> = Promise.resolve()
  return {
    wrongWith: () => null,
    get isDead() {
      return dead !== null
    },
    score(value, { expected, line }) {
      const scored = call(turn, { answer: value, expected, line }, line)
      turn = scored.catch(() => undefined)
      return scored
    },
    close,
  }
}

function startThread(file: string, port: MessagePort): Worker {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(host)}`), {
    workerData: { file, port },
    transferList: [port],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    // Beryl's own variables are none of its business.
    env: {},
    stdout: true,
    stderr: true,
  })
  // Standard output is the log of this process, one JSON line per event.
  for (const stream of [worker.stdout, worker.stderr])
    stream.on('data', (chunk: Buffer) => process.stderr.write(chunk))
  return worker
}
