import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { identityOf, isAlive } from '../../ipc/identity.ts'
import type { ProcessSpec, ReplicaRecord } from '../provider.ts'
import { eventually, eventuallySeen, journalFake, silentLog, specOf } from '../testing.ts'
import { askJson, fixture, processBench } from './bench.ts'
import type { ProcessBench } from './bench.ts'
import { marked } from './marks.ts'
import { processProvider } from './process-provider.ts'

const controller = fileURLToPath(new URL('fixtures/controller.ts', import.meta.url))

test('kill -9 of the controller leaves a replica alone; the next one has it ready at once and notices its death', async () => {
  const spec = specOf(fixture('serves.js'))
  await killedWhen('ready', spec, async (bench) => {
    const [record] = journalFake(bench.journalFile).all()
    const { pid } = record!.process!
    const said = await askJson<{ pid: number }>(`http://127.0.0.1:${record!.port}/`)
    assert.equal(said?.pid, pid)
    await afterwards(bench, async (provider) => {
      const [adopted] = provider.look()
      assert.deepEqual(
        [adopted?.state.name, adopted?.pid, adopted?.port, adopted?.restarts],
        ['ready', pid, record!.port, 0],
      )
      process.kill(pid, 'SIGKILL')
      const again = await eventuallySeen(
        provider,
        spec.id,
        'ready',
        ({ restarts }) => restarts === 1,
      )
      assert.notEqual(again.pid, pid)
    })
  })
})

test(
  'a process that was started and never written down is found by its mark, not started twice',
  { skip: process.platform !== 'linux' && 'marks are read through /proc' },
  async () => {
    const spec = specOf(fixture('serves.js'))
    await killedWhen('spawned', spec, async (bench) => {
      assert.equal(journalFake(bench.journalFile).all()[0]?.process, null)
      const pids = () => marked(spec.id).map(({ identity }) => identity.pid)
      const before = pids()
      assert.equal(before.length, 1)
      await afterwards(bench, async (provider) => {
        const adopted = await eventuallySeen(provider, spec.id, 'ready')
        assert.deepEqual([adopted.pid], before)
        assert.deepEqual(pids(), before)
      })
    })
  },
)

test('a stop that the controller did not live to see is finished by the next one', async () => {
  const spec = specOf(fixture('serves.js', '--ignore-term'), { stopGraceS: 0.3 })
  await killedWhen('stopping', spec, async (bench) => {
    const { process: identity } = journalFake(bench.journalFile).all()[0]!
    assert.ok(isAlive(identity!))
    await afterwards(bench, async (provider) => {
      await eventually('the replica to be gone', () => provider.look().length === 0)
      assert.equal(isAlive(identity!), false)
      assert.deepEqual(journalFake(bench.journalFile).all(), [])
    })
  })
})

test('a replica that died while no controller was there is started again', async () => {
  const spec = specOf(fixture('serves.js'))
  await killedWhen('ready', spec, async (bench) => {
    const { process: identity } = journalFake(bench.journalFile).all()[0]!
    process.kill(identity!.pid, 'SIGKILL')
    await eventually('its death', () => !isAlive(identity!))
    await afterwards(bench, async (provider) => {
      const again = await eventuallySeen(provider, spec.id, 'ready')
      assert.equal(again.restarts, 1)
    })
  })
})

test('after a reboot a replica is gone since then, and whoever has its pid now is left alone', async () => {
  const bench = await processBench()
  const innocent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  })
  try {
    const identity = identityOf(innocent.pid!)!
    const startedAt = Date.now() - 3_600_000
    bench.journal.put({
      ...recordOf(),
      process: { ...identity, bootId: 'another' },
      startedAt,
    })
    const now = () => ({ wall: Date.now(), up: 60 })
    const provider = processProvider({ ...bench, now, log: silentLog })
    await provider.open()
    assert.deepEqual(provider.look(), [])
    await provider.close()
    const { endedAt } = bench.journal.everything()[0]!
    assert.ok(Math.abs(endedAt! - (Date.now() - 60_000)) < 5000)
    assert.ok(isAlive(identity))
  } finally {
    innocent.kill('SIGKILL')
    await bench.dispose()
  }
})

test('the time a start had taken before the controller came back counts', async () => {
  const bench = await processBench()
  const provider = bench.provider()
  const spec = specOf(fixture('never-ready.js'), { ready: { path: '/', withinS: 600 } })
  await provider.open()
  await provider.start(spec)
  await eventually('its start', () => provider.look()[0]!.pid !== null)
  await provider.close()
  const now = () => ({ wall: Date.now(), up: performance.now() / 1000 + 1e9 })
  const later = processProvider({ ...bench, gpuSlots: [], now, log: silentLog })
  try {
    await later.open()
    const { state } = await eventuallySeen(later, spec.id, 'failed')
    assert.match(state.name === 'failed' ? state.because : '', /not ready within 600 s/)
    await eventually('its process to end', () => marked(spec.id).length === 0)
  } finally {
    await later.close()
    await bench.dispose()
  }
})

/** Runs a controller of its own that kills itself with SIGKILL at that moment. */
async function killedWhen(
  moment: 'ready' | 'spawned' | 'stopping',
  spec: ProcessSpec,
  act: (bench: ProcessBench) => Promise<void>,
): Promise<void> {
  const bench = await processBench()
  try {
    const { journalFile, logDirectory } = bench
    const args = [controller, journalFile, logDirectory, JSON.stringify(spec), moment]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 10_000,
    })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    assert.equal(signal, 'SIGKILL')
    await act(bench)
  } finally {
    await bench.dispose()
  }
}

async function afterwards(
  { journalFile, logDirectory }: ProcessBench,
  act: (provider: ReturnType<typeof processProvider>) => Promise<void>,
): Promise<void> {
  const provider = processProvider({
    journal: journalFake(journalFile),
    logDirectory,
    gpuSlots: [0, 1],
    log: silentLog,
  })
  try {
    await provider.open()
    await act(provider)
  } finally {
    await provider.close()
  }
}

function recordOf(): ReplicaRecord<ProcessSpec> {
  return {
    spec: specOf(fixture('serves.js')),
    host: '127.0.0.1',
    port: 1,
    gpus: [],
    process: null,
    restarts: 0,
    readyOnce: true,
    startedAt: Date.now(),
    endedAt: null,
    failed: null,
    stopping: false,
  }
}
