/** The thread of a backup: a connection of its own, which reads one moment and writes one file. */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { open } from './database.ts'

const { from, to } = workerData as { from: string; to: string }

const database = open(from)
try {
  database.prepare('VACUUM INTO ?').run(to)
} finally {
  database.close()
}
// What is told to be saved is on the disk.
const made = openSync(to, 'r+')
fsyncSync(made)
closeSync(made)
