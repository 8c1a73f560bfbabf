/** A client of the demo runs in a thread of its own: what it measures must not wait for what the demo prints. */
import { Worker } from 'node:worker_threads'

/** @param program `traffic` or `streams`, beside this file @param last what it has said until it says something */
export function startClient<Message>(program: string, data: unknown, last: Message) {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./${program}.${extension}`, import.meta.url), {
    workerData: data,
  })
  let stopped: Promise<Message> | null = null
  let said = last
  worker.on('message', (message: Message) => (said = message))
  const ended = new Promise((resolve, reject) => {
    worker.once('exit', resolve)
    worker.once('error', reject)
  })
  // Whoever stops it hears of it.
  ended.catch(() => {})
  return {
    said: () => said,
    /** Lets what is under way end. Again: the same answer. */
    stop(): Promise<Message> {
      stopped ??= (async () => {
        worker.postMessage('stop')
        await ended
        return said
      })()
      return stopped
    },
  }
}
