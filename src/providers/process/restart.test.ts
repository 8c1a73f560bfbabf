import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { ReplicaSeen } from '../provider.ts'
import { eventually, eventuallySeen, silentLog, specOf } from '../testing.ts'
import { askJson, fixture, withProvider } from './bench.ts'
import { processProvider } from './process-provider.ts'

test('a replica that ends after it was ready is started again at once: same id, same port, another process', async () => {
  await withProvider(async (provider) => {
    const reasons: string[] = []
    provider.changed(() => reasons.push(reasonOf(provider.look()[0])))
    const spec = specOf(fixture('serves.js'))
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    await askJson(`http://127.0.0.1:${before.port}/exit?code=7`)
    const after = await eventuallySeen(provider, spec.id, 'ready', ({ restarts }) => restarts === 1)
    assert.equal(after.port, before.port)
    assert.notEqual(after.pid, before.pid)
    assert.ok(
      reasons.some((because) => /exit code 7/.test(because) && /leaving with code 7/.test(because)),
      JSON.stringify(reasons),
    )
  })
})

test('a replica whose port was taken meanwhile gets another one, and whoever listens is told', async () => {
  await withProvider(async (provider, { journal, logDirectory }) => {
    const spec = specOf(fixture('serves.js'))
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    await provider.close()
    process.kill(before.pid!, 'SIGKILL')
    const thief = createServer()
    await eventually('the port to be free', () => listens(thief, before.port))
    const next = processProvider({ journal, logDirectory, gpuSlots: [], log: silentLog })
    try {
      const portWhileDown = new Set<number>()
      next.changed(() => {
        const [{ port, state }] = next.look() as [ReplicaSeen]
        if (state.name === 'unready') portWhileDown.add(port)
      })
      await next.open()
      const after = await eventuallySeen(next, spec.id, 'ready')
      assert.notEqual(after.port, before.port)
      assert.ok(portWhileDown.has(after.port))
      assert.equal(after.restarts, 1)
    } finally {
      await next.close()
      thief.close()
    }
  })
})

test('a replica that falls silent is killed and started again, and the reason is the silence', async () => {
  await withProvider(async (provider) => {
    const reasons: string[] = []
    provider.changed(() => reasons.push(reasonOf(provider.look()[0])))
    const alive = { path: '/', everyS: 0.05, timeoutS: 0.1, failures: 2 }
    const spec = specOf(fixture('serves.js'), { alive })
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    await askJson(`http://127.0.0.1:${before.port}/hang`)
    const after = await eventuallySeen(provider, spec.id, 'ready', ({ restarts }) => restarts === 1)
    assert.notEqual(after.pid, before.pid)
    assert.ok(reasons.some((because) => /no sign of life in 2 probes.*within 100 ms/.test(because)))
  })
})

test('one failed probe is not yet a death', async () => {
  await withProvider(async (provider) => {
    const alive = { path: '/', everyS: 0.05, timeoutS: 0.1, failures: 1000 }
    const spec = specOf(fixture('serves.js'), { alive })
    await provider.start(spec)
    const { port, pid } = await eventuallySeen(provider, spec.id, 'ready')
    await askJson(`http://127.0.0.1:${port}/hang`)
    const began = performance.now()
    await eventually('some probes to fail', () => performance.now() - began > 250)
    assert.deepEqual(
      provider.look().map(({ state, pid }) => [state.name, pid]),
      [['ready', pid]],
    )
  })
})

test('deaths in a row are met with growing pauses, and health in between makes the next one the first again', async () => {
  let skippedS = 0
  const pauses: number[] = []
  const log = {
    ...silentLog,
    warn: (about: object) => void ('againInMs' in about && pauses.push(Number(about.againInMs))),
  }
  const now = () => ({ wall: Date.now(), up: performance.now() / 1000 + skippedS })
  await withProvider(
    async (provider) => {
      const spec = specOf(fixture('serves.js'))
      await provider.start(spec)
      for (const [restarts, healthyS] of [1, 61, 59].entries()) {
        const { pid } = await eventuallySeen(
          provider,
          spec.id,
          'ready',
          (replica) => replica.restarts === restarts,
        )
        skippedS += healthyS
        process.kill(pid!, 'SIGKILL')
        await eventually('its death', () => pauses.length === restarts + 1)
      }
    },
    { log, now },
  )
  assert.deepEqual(pauses, [0, 0, 1000])
})

test('a full disk does not keep a replica down that served before', async () => {
  await withProvider(async (provider, { journal, logDirectory }) => {
    const spec = specOf(fixture('serves.js'))
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    journal.failWith('no space left on the disk')
    process.kill(before.pid!, 'SIGKILL')
    const after = await eventuallySeen(provider, spec.id, 'ready', ({ restarts }) => restarts === 1)
    // And the process that nobody could write down is found by its mark.
    await provider.close()
    journal.failWith(null)
    const next = processProvider({ journal, logDirectory, gpuSlots: [], log: silentLog })
    try {
      await next.open()
      assert.equal((await eventuallySeen(next, spec.id, 'ready')).pid, after.pid)
    } finally {
      await next.close()
    }
  })
})

function reasonOf(replica: ReplicaSeen | undefined): string {
  return replica?.state.name === 'unready' ? replica.state.because : ''
}

function listens(server: ReturnType<typeof createServer>, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
}
