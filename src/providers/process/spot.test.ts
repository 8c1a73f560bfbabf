/** Replicas on spot capacity, with real processes: taken away, asked for again, said to be taken away; and crashes that are none of that. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { SpotTerms } from '../provider.ts'
import { eventually, eventuallySeen, silentLog, specOf } from '../testing.ts'
import { askJson, fixture, withProvider } from './bench.ts'
import { processProvider } from './process-provider.ts'
import { wasTaken } from './spot.ts'

const terms: SpotTerms = { exitCodes: [42], tries: 2, retryS: 0.2 }
const onSpot = (change: Partial<SpotTerms> = {}) =>
  specOf(fixture('serves.js'), { spot: { ...terms, ...change } })

test('one that is taken away is asked for again, and no restart of its version is counted', async () => {
  await withProvider(async (provider, { journal }) => {
    const spec = onSpot()
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    assert.deepEqual(before.spot, { lost: 0, short: false, noticed: false })
    process.kill(before.pid!, 'SIGKILL')
    const after = await eventuallySeen(provider, spec.id, 'ready', ({ spot }) => spot!.lost === 1)
    assert.equal(after.restarts, 0)
    assert.notEqual(after.pid, before.pid)
    // Nobody pays for the time in which it was not there.
    const spells = journal.all()[0]!.spells!.map(({ is }) => is)
    assert.deepEqual(spells, ['away', 'awake'])
  })
})

test('a crash is a crash on spot capacity too; a code of its own may say that it was taken', async () => {
  await withProvider(async (provider) => {
    const spec = onSpot()
    await provider.start(spec)
    const first = await eventuallySeen(provider, spec.id, 'ready')
    await askJson(`http://127.0.0.1:${first.port}/exit?code=7`)
    const second = await eventuallySeen(provider, spec.id, 'ready', (one) => one.restarts === 1)
    assert.equal(second.spot!.lost, 0)
    await askJson(`http://127.0.0.1:${second.port}/exit?code=42`)
    const third = await eventuallySeen(provider, spec.id, 'ready', ({ spot }) => spot!.lost === 1)
    assert.equal(third.restarts, 1)
  })
})

test('one that was taken away while no controller was there is asked for again, and counted as lost', async () => {
  await withProvider(async (provider, { journal, logDirectory }) => {
    const spec = onSpot()
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    await provider.close()
    process.kill(before.pid!, 'SIGKILL')
    const next = processProvider({ journal, logDirectory, gpuSlots: [], log: silentLog })
    try {
      await next.open()
      const after = await eventuallySeen(next, spec.id, 'ready', ({ spot }) => spot!.lost === 1)
      assert.equal(after.restarts, 0)
    } finally {
      await next.close()
    }
  })
})

test('what cannot be had so often is short, with the reason, and is had once it is there', async () => {
  await withProvider(async (provider, { logDirectory }) => {
    const there = join(logDirectory, 'capacity')
    const run = fixture('serves.js').map((part) => `'${part}'`)
    const asks = ['sh', '-c', `test -e '${there}' || exit 1; exec ${run.join(' ')}`]
    const spec = specOf(asks, { spot: terms })
    await provider.start(spec)
    const short = await eventuallySeen(provider, spec.id, 'starting', ({ spot }) => spot!.short)
    const because = 'because' in short.state ? short.state.because : ''
    assert.match(because, /spot capacity could not be had .*exit code 1.* 2 times in a row; asked/)
    writeFileSync(there, '')
    const had = await eventuallySeen(provider, spec.id, 'ready')
    assert.equal(had.spot!.short, false)
  })
})

test('a program that is not there is not had either: no failure of the version', async () => {
  await withProvider(async (provider) => {
    const spec = specOf(['/nowhere/srun'], { spot: terms })
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'starting', ({ spot }) => spot!.short)
  })
})

test('a notice is heard; once it is gone it is not asked for again', async () => {
  await withProvider(async (provider, { logDirectory }) => {
    const file = join(logDirectory, 'notice')
    const run = ['test', '-e', file]
    const spec = onSpot({
      notice: { run, directory: logDirectory, env: {}, everyS: 0.02, withinS: 5 },
    })
    await provider.start(spec)
    const before = await eventuallySeen(provider, spec.id, 'ready')
    assert.equal(before.spot!.noticed, false)
    writeFileSync(file, '')
    await eventuallySeen(provider, spec.id, 'ready', ({ spot }) => spot!.noticed)
    process.kill(before.pid!, 'SIGTERM')
    const gone = await eventuallySeen(provider, spec.id, 'unready')
    assert.deepEqual(gone.spot, { lost: 1, short: false, noticed: true })
    await provider.stop(spec.id)
    await eventually('it to be gone', async () => provider.look().length === 0)
  })
})

test('what is said to be taken away before it was ready was not had: it is asked for again, now and then at last', async () => {
  await withProvider(async (provider, { logDirectory: directory }) => {
    const notice = { run: ['true'], directory, env: {}, everyS: 60, withinS: 5 }
    const spec = specOf(fixture('never-ready.js'), { spot: { ...terms, notice } })
    await provider.start(spec)
    const { state, spot } = await eventuallySeen(
      provider,
      spec.id,
      'starting',
      (one) => one.spot!.short,
    )
    assert.match(
      JSON.stringify(state),
      /spot capacity could not be had \(before it was ready true said/,
    )
    assert.equal(spot!.noticed, false)
  })
})

describe('how an end is read', () => {
  test('signals of batch systems, what a shell makes of them, and codes of the manifest', () => {
    const how = (text: string) => wasTaken(`the process ended (${text})`, terms)
    assert.deepEqual(
      ['signal SIGKILL', 'signal SIGTERM', 'exit code 143', 'exit code 42', 'exit code 0'].map(how),
      [true, true, true, true, true],
    )
    assert.deepEqual(
      ['signal SIGSEGV', 'signal SIGABRT', 'exit code 2', 'exit code 1', 'exit code 139'].map(how),
      [false, false, false, false, false],
    )
    assert.equal(how('how is not known: it was started by an earlier controller'), true)
  })
})
