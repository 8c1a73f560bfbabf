import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { identityOf, isAlive } from '../../ipc/identity.ts'
import { eventually, eventuallySeen, specOf } from '../testing.ts'
import { askJson, fixture, withProvider } from './bench.ts'
import { endSession } from './end-session.ts'

const linux = { skip: process.platform !== 'linux' && 'children are found through /proc' }
type Worker = { pid: number; leader: number }

for (const variant of ['', '--bare'])
  test(`children that outlive their leader get the grace too, and the replica is gone after them ${variant}`, async () => {
    await withProvider(async (provider) => {
      const spec = specOf(fixture('forks.js', variant))
      await provider.start(spec)
      const { port, pid } = await eventuallySeen(provider, spec.id, 'ready')
      const { pid: worker, leader } = (await askJson<Worker>(`http://127.0.0.1:${port}/`))!
      assert.equal(leader, pid)
      const whenGone = new Promise<boolean>((resolve) => {
        provider.changed(() => provider.look().length === 0 && resolve(identityOf(worker) !== null))
      })
      await provider.stop(spec.id)
      assert.equal(await whenGone, false)
      const said = await provider.lastLines(spec.id, 1)
      assert.deepEqual(said, ['the worker has finished its answers'])
    })
  })

test('a child that left the session is ended with its replica', linux, async () => {
  await withProvider(async (provider) => {
    const spec = specOf(fixture('forks.js', '--leaves'))
    await provider.start(spec)
    const { port } = await eventuallySeen(provider, spec.id, 'ready')
    const { pid: worker } = (await askJson<Worker>(`http://127.0.0.1:${port}/`))!
    await provider.stop(spec.id)
    await eventually('the replica to be gone', () => provider.look().length === 0)
    assert.equal(identityOf(worker), null)
  })
})

test(
  'children of a crashed leader are ended before it is started again: they hold its port',
  linux,
  async () => {
    await withProvider(async (provider) => {
      const spec = specOf(fixture('forks.js'), {
        alive: { path: '/', everyS: 60, timeoutS: 1, failures: 3 },
      })
      await provider.start(spec)
      const { port } = await eventuallySeen(provider, spec.id, 'ready')
      const { pid: worker } = (await askJson<Worker>(`http://127.0.0.1:${port}/kill-leader`))!
      const after = await eventuallySeen(
        provider,
        spec.id,
        'ready',
        ({ restarts }) => restarts === 1,
      )
      assert.equal(identityOf(worker), null)
      assert.equal(after.port, port)
      assert.equal((await askJson<Worker>(`http://127.0.0.1:${port}/`))!.leader, after.pid)
    })
  },
)

test('a process whose pid is the same and whose start is another is never signalled', async () => {
  const innocent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  })
  try {
    const identity = identityOf(innocent.pid!)!
    const signal = AbortSignal.timeout(5000)
    await endSession({
      id: 'nobody-blue-r0-0',
      identity: { ...identity, startTime: '1' },
      graceMs: 100,
      signal,
      survived: () => assert.fail('nothing was to be killed'),
    })
    assert.equal(signal.aborted, false)
    assert.ok(isAlive(identity))
  } finally {
    innocent.kill('SIGKILL')
  }
})

test('a replica that is stopped between its death and its next start stays down', async () => {
  await withProvider(async (provider, { journal }) => {
    const spec = specOf(fixture('crashes-at-start.js'))
    await provider.start(spec)
    await eventually('its back-off', () => 'because' in provider.look()[0]!.state)
    await provider.stop(spec.id)
    await eventually('it to be gone', () => provider.look().length === 0)
    assert.deepEqual(journal.all(), [])
    const starts = (await provider.lastLines(spec.id, 99)).length / 2
    assert.equal(starts, 1)
  })
})
