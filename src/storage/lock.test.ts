/** One process per role and data directory, held against another real process. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { takeLock } from './lock.ts'
import { temporary } from './testing/directory.ts'

const at = temporary()

test('a second taker gets nothing until the first lets go', () => {
  const first = takeLock(at('role.lock.db'))
  assert.ok(first)
  assert.equal(takeLock(at('role.lock.db')), null)
  assert.ok(takeLock(at('other.lock.db')))
  first.release()
  const next = takeLock(at('role.lock.db'))
  assert.ok(next)
  next.release()
})

test('a lock is free again with the death of its process, however it dies', async () => {
  const file = at('killed.lock.db')
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { takeLock } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)}
       // Held on to: a lock that nobody refers to is closed by the garbage collector.
       globalThis.lock = takeLock(process.argv[1])
       console.log(globalThis.lock === null ? 'refused' : 'held')
       setInterval(() => {}, 1000)`,
      file,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    const [said] = (await once(holder.stdout, 'data')) as [Buffer]
    assert.equal(String(said).trim(), 'held')
    assert.equal(takeLock(file), null)
  } finally {
    const gone = once(holder, 'exit')
    holder.kill('SIGKILL')
    await gone
  }
  const mine = takeLock(file)
  assert.ok(mine)
  mine.release()
})
