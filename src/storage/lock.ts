/** One process per role and data directory. The kernel frees the lock with its process, however that dies. */
import { DatabaseSync } from 'node:sqlite'
import { prepareDirectory } from './database.ts'
import { dirname } from 'node:path'

export type Lock = { release(): void }

/** Null when somebody else holds it. The lock is an open exclusive SQLite transaction. */
export function takeLock(file: string): Lock | null {
  prepareDirectory(dirname(file))
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    // Primary result code 5: busy.
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === 5) return null
    throw error
  }
}
