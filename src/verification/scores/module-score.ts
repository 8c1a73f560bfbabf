/** A user's own score: an ES module in a thread of its own, with a time limit for each call and a bound on its memory. */
import { Worker } from 'node:worker_threads'
import type { Scorer } from './scores.ts'

const callMs = 5000
const memoryMb = 256

/** Runs in the thread: plain JavaScript, so that it needs nothing but Node. */
const host = `
import { parentPort, workerData } from 'node:worker_threads'
import { pathToFileURL } from 'node:url'
const loaded = await import(pathToFileURL(workerData.file).href).then((module) => ({ score: module.default }), (error) => ({ error }))
parentPort.on('message', async ({ id, answer, expected, line }) => {
  try {
    if (loaded.error) throw loaded.error
    if (typeof loaded.score !== 'function') throw new Error('it has no default export that is a function')
    parentPort.postMessage({ id, value: await loaded.score(answer, expected, line) })
  } catch (error) {
    parentPort.postMessage({ id, error: String(error?.message ?? error) })
  }
})
`

export async function openModuleScore(file: string): Promise<Scorer> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(host)}`), {
    workerData: { file },
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    env: {},
  })
  const waiting = new Map<
    number,
    { resolve: (value: number) => void; reject: (error: Error) => void }
  >()
  let dead: Error | null = null
  let next = 0
  const fail = (error: Error) => {
    dead = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error !== undefined)
      return call?.reject(new Error(`the score module ${file} failed: ${error}`))
    const score = typeof value === 'boolean' ? Number(value) : value
    if (typeof score === 'number' && score >= 0 && score <= 1) return call?.resolve(score)
    call?.reject(
      new Error(
        `the score module ${file} must answer a number between 0 and 1 or a boolean, it answered ${String(value)}`,
      ),
    )
  })
  worker.on('error', (error) =>
    fail(new Error(`the score module ${file} crashed: ${error.message}`, { cause: error })),
  )
  worker.on('exit', (code) => fail(new Error(`the score module ${file} ended with code ${code}`)))

  return {
    score(answer, expected, line) {
      if (dead !== null) throw dead
      const id = next++
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          fail(
            new Error(
              `line ${line}: the score module ${file} did not answer in ${callMs / 1000} s`,
            ),
          )
          void worker.terminate()
        }, callMs)
        const settle =
          <Value>(act: (value: Value) => void) =>
          (value: Value) => {
            clearTimeout(late)
            act(value)
          }
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
        worker.postMessage({ id, answer, expected, line })
      })
    },
    close: async () => void (await worker.terminate()),
  }
}
