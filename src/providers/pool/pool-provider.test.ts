/** Several models, few places: nothing is loaded beyond them, what is refused is said and asked for again, and a restart knows what is in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, eventuallySeen } from '../testing.ts'
import { poolSpec, poolServer, withPool } from './testing.ts'

const becauseOf = ({ state }: { state: object }) =>
  'because' in state ? String(state.because) : ''

test('no more are loaded than there are places; who waits says for whom, and is loaded once that one has left', async () => {
  await withPool(async (provider, { servers: [server] }) => {
    const [first, second] = [poolSpec(server!, { model: 'm1' }), poolSpec(server!, { model: 'm2' })]
    await provider.start(first)
    await eventuallySeen(provider, first.id, 'ready')
    await provider.start(second)
    const waits = await eventuallySeen(
      provider,
      second.id,
      'starting',
      (one) => becauseOf(one) !== '',
    )
    assert.match(becauseOf(waits), /^pool spare-\d+ is full \(1\): m1 of tiny$/)
    await provider.sleep(first.id)
    await eventuallySeen(provider, second.id, 'ready')
    await eventuallySeen(provider, first.id, 'asleep')
    assert.deepEqual([...server!.loaded], ['m2'])
    await provider.wake(first.id)
    await eventuallySeen(provider, first.id, 'starting')
    await provider.stop(second.id)
    await eventuallySeen(provider, first.id, 'ready')
    assert.deepEqual([server!.most, [...server!.loaded]], [1, ['m1']])
  })
})

test('a load that is refused is said, and asked for again', async () => {
  await withPool(async (provider, { servers: [server] }) => {
    server!.refuses.set('load', 500)
    const spec = poolSpec(server!)
    await provider.start(spec)
    const waits = await eventuallySeen(
      provider,
      spec.id,
      'starting',
      (one) => becauseOf(one) !== '',
    )
    assert.equal(becauseOf(waits), 'POST /v2/repository/models/m1/load answered 500')
    server!.refuses.clear()
    await eventuallySeen(provider, spec.id, 'ready')
  })
})

test('a model that was ready before, and is refused now, is unready with the reason, and never given up', async () => {
  await withPool(async (provider, { servers: [server] }) => {
    const spec = poolSpec(server!, { ready: { path: '/v2/models/m1/ready', withinS: 0.2 } })
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    await provider.sleep(spec.id)
    await eventually('it to be unloaded', () => server!.loaded.size === 0)
    server!.refuses.set('load', 500)
    await provider.wake(spec.id)
    assert.match(becauseOf(await eventuallySeen(provider, spec.id, 'unready')), /answered 500/)
    server!.refuses.clear()
    await eventuallySeen(provider, spec.id, 'ready')
  })
})

test('a server that forgot its models, as after a restart, is asked to load again', async () => {
  await withPool(async (provider, { servers: [server] }) => {
    const spec = poolSpec(server!)
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    server!.loaded.clear()
    const back = await eventuallySeen(provider, spec.id, 'ready', ({ restarts }) => restarts === 1)
    assert.equal(back.restarts, 1)
    assert.deepEqual([...server!.loaded], ['m1'])
  })
})

test('one that does not unload keeps its place, and who waits for it says so; one that leaves for good is not waited for for ever', async () => {
  await withPool(async (provider, { servers: [server] }) => {
    const [first, second] = [poolSpec(server!, { model: 'm1' }), poolSpec(server!, { model: 'm2' })]
    await provider.start(first)
    await eventuallySeen(provider, first.id, 'ready')
    server!.refuses.set('unload', 500)
    await provider.start(second)
    await provider.sleep(first.id)
    const out = await eventuallySeen(provider, first.id, 'asleep', (one) => becauseOf(one) !== '')
    assert.match(becauseOf(out), /unload answered 500/)
    assert.equal(provider.look().find(({ id }) => id === second.id)?.state.name, 'starting')
    assert.ok(!server!.calls.includes('load m2'))
    await provider.stop(first.id)
    // Given up; it is in memory all the same, as the server says.
    await eventuallySeen(provider, second.id, 'starting', (one) =>
      becauseOf(one).includes('m1, which nobody here asked for'),
    )
    assert.ok(!server!.calls.includes('load m2'))
    server!.loaded.clear()
    await eventuallySeen(provider, second.id, 'ready')
  })
})

test('the next provider knows what is in, unloads what was to leave, and leaves alone what was out', async () => {
  await withPool(async (provider, bench) => {
    const [server, other] = bench.servers
    const [first, second] = [poolSpec(server!, { model: 'm1' }), poolSpec(server!, { model: 'm2' })]
    const leaving = poolSpec(other!)
    for (const spec of [first, leaving]) {
      await provider.start(spec)
      await eventuallySeen(provider, spec.id, 'ready')
    }
    await provider.start(second)
    await provider.sleep(second.id)
    other!.refuses.set('unload', 500)
    await provider.stop(leaving.id)
    await eventually('it to be asked', () => other!.calls.includes('unload m1'))
    await provider.close()
    other!.refuses.clear()
    const calls = server!.calls.length
    const next = bench.provider()
    try {
      await next.open()
      assert.equal((await eventuallySeen(next, first.id, 'ready')).restarts, 0)
      await eventually('it to be gone', () => next.look().every(({ id }) => id !== leaving.id))
      assert.equal(other!.loaded.size, 0)
      assert.equal(server!.calls.length, calls)
    } finally {
      await next.close()
    }
  })
})

test('another model under the name of this one is never taken for it', async () => {
  const server = await poolServer()
  try {
    await withPool(async (provider) => {
      const version = { path: '/v2/models/m1', answer: '$.name', is: 'm9' }
      const spec = poolSpec(server, {
        ready: { path: '/v2/models/m1/ready', withinS: 0.2, version },
      })
      await provider.start(spec)
      assert.match(
        becauseOf(await eventuallySeen(provider, spec.id, 'failed')),
        /answers m1, expected m9/,
      )
    })
  } finally {
    await server.close()
  }
})
