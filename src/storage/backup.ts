/** A copy of all that is kept, as of one moment, made while others go on writing. */
import { closeSync, openSync, rmSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Database } from './database.ts'

/**
 * `VACUUM INTO` in a thread of its own: a gigabyte takes seconds, and the loop must not wait for it.
 * @param file does not exist yet; readable by this user only, and gone again when this fails
 */
export async function backUp(database: Database, file: string): Promise<void> {
  // Made here, so that nobody else can read it at any moment. SQLite takes an empty file for a new one.
  closeSync(openSync(file, 'wx', 0o600))
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./backup-thread.${extension}`, import.meta.url), {
    workerData: { from: database.location(), to: file },
  })
  try {
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      worker.once('exit', () => resolve())
    })
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  }
}
