/**
 * A worker with a door for tests: a file `KIND-INDEX-HOW` in the directory BERYL_TEST_DOOR makes worker INDEX `die` or `block` (be
 * busy, as under a long computation) when it hears the next order of that kind, before it obeys. `blocked-INDEX` stands there meanwhile.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { ToWorker, WorkerData } from '../messages.ts'

/** Longer than a worker may take for an acknowledgement. */
const blockMs = 1500
const directory = process.env['BERYL_TEST_DOOR']!
const { index } = workerData as WorkerData

// Heard before the worker's own listener, which is added below: nothing is sent before it said that it is ready.
parentPort!.on('message', ({ kind }: ToWorker) => {
  if (taken(`${kind}-${index}-die`)) process.exit(1)
  if (taken(`${kind}-${index}-block`)) block()
})
await import('../worker.ts')

function taken(name: string): boolean {
  try {
    rmSync(join(directory, name))
    return true
  } catch {
    return false
  }
}

function block(): void {
  const mark = join(directory, `blocked-${index}`)
  writeFileSync(mark, '')
  const until = performance.now() + blockMs
  while (performance.now() < until);
  rmSync(mark)
}
