/** Several servers, one pool: where a model goes, what happens to it when its server is lost, and who else is in there. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makePair } from '../../tls/testing.ts'
import type { PoolSpec } from '../provider.ts'
import { eventually, eventuallySeen } from '../testing.ts'
import { poolServer, poolSpec, withPool } from './testing.ts'
import type { PoolServer } from './testing.ts'

const becauseOf = ({ state }: { state: object }) =>
  'because' in state ? String(state.because) : ''
/** In a pool of all of them. */
const specIn = (servers: readonly PoolServer[], model: string, change: Partial<PoolSpec> = {}) =>
  poolSpec(servers[0]!, {
    model,
    pool: 'spare',
    servers: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    ...change,
  })
const where = (servers: readonly PoolServer[]) => servers.map(({ loaded }) => [...loaded].join())

test('models go where most places are free, and no server is asked for more than it has', async () => {
  await withPool(async (provider, { servers: [a, b] }) => {
    const two = [a!, b!]
    const specs = ['m1', 'm2', 'm3', 'm4', 'm5'].map((model) => specIn(two, model, { models: 2 }))
    for (const spec of specs.slice(0, 4)) {
      await provider.start(spec)
      await eventuallySeen(provider, spec.id, 'ready')
    }
    assert.deepEqual(where(two), ['m1,m3', 'm2,m4'])
    await provider.start(specs[4]!)
    const waits = await eventuallySeen(provider, specs[4]!.id, 'starting', (one) =>
      becauseOf(one).startsWith('pool spare is full'),
    )
    assert.match(
      becauseOf(waits),
      /full \(2 on each of 2\): m1 of tiny, m3 of tiny, m2 of tiny, m4/,
    )
    assert.equal(waits.pool?.models, 4)
    await provider.sleep(specs[1]!.id)
    await eventuallySeen(provider, specs[4]!.id, 'ready')
    assert.deepEqual([where(two), a!.most, b!.most], [['m1,m3', 'm4,m5'], 2, 2])
  })
})

test('a server that is lost: its model is loaded by another one, the pool is smaller, and when it comes back it gives up what it kept', async () => {
  await withPool(async (provider, bench) => {
    const two = bench.servers.slice(0, 2)
    const [a, b] = two as [PoolServer, PoolServer]
    const spec = specIn(two, 'm1')
    await provider.start(spec)
    assert.equal((await eventuallySeen(provider, spec.id, 'ready')).port, a.port)
    await a.close()
    const moved = await eventuallySeen(provider, spec.id, 'ready', ({ port }) => port === b.port)
    assert.equal(moved.restarts, 1)
    await eventually('one place', () => provider.look()[0]!.pool!.models === 1)
    const second = specIn(two, 'm2')
    await provider.start(second)
    const waits = await eventuallySeen(provider, second.id, 'starting', (one) =>
      becauseOf(one).includes('is lost'),
    )
    assert.match(becauseOf(waits), /m1 of tiny; 127.0.0.1:\d+ is lost: .*ECONNREFUSED/)
    // A network that was cut: its memory is as it was.
    assert.deepEqual([...a.loaded], ['m1'])
    await provider.close()
    await a.listen()
    const next = bench.provider()
    try {
      await next.open()
      await eventuallySeen(next, second.id, 'ready')
      assert.deepEqual(where(two), ['m2', 'm1'])
      assert.equal(a.most, 1)
    } finally {
      await next.close()
    }
  })
})

test('until it answers in its new place it is not said to be there', async () => {
  await withPool(async (provider, { servers: [a, b] }) => {
    const spec = specIn([a!, b!], 'm1')
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    b!.refuses.set('ready', 503)
    await a!.close()
    await eventually('it to be loaded there', () => b!.loaded.has('m1'))
    const [seen] = provider.look()
    assert.deepEqual([seen!.state.name, seen!.port], ['unready', a!.port])
    b!.refuses.clear()
    await eventuallySeen(provider, spec.id, 'ready', ({ port }) => port === b!.port)
  })
})

test('a server that refuses, or never answers, is passed over for one that loads it', async () => {
  await withPool(async (provider, { servers: [a, b, c] }) => {
    a!.refuses.set('load', 500)
    b!.isMute = true
    const spec = specIn([a!, b!, c!], 'm1')
    await provider.start(spec)
    assert.equal((await eventuallySeen(provider, spec.id, 'ready')).port, c!.port)
    await eventually('the one that refused to be asked to forget it', () =>
      a!.calls.includes('unload m1'),
    )
    assert.ok(!b!.calls.includes('load m1'))
  })
})

test('a pool in which no server loads it has failed, with what the last one said', async () => {
  await withPool(async (provider, { servers: [a, b] }) => {
    const two = [a!, b!]
    for (const one of two) one.refuses.set('load', 500)
    const spec = specIn(two, 'm1', { ready: { path: '/v2/models/m1/ready', withinS: 0.2 } })
    await provider.start(spec)
    const { state } = await eventuallySeen(provider, spec.id, 'failed')
    assert.match(becauseOf({ state }), /load answered 500/)
  })
})

test('a pool of which no server answers has failed, too; that is not a full one', async () => {
  await withPool(async (provider, { servers: [a, b] }) => {
    const two = [a!, b!]
    for (const one of two) await one.close()
    const spec = specIn(two, 'm1', { ready: { path: '/v2/models/m1/ready', withinS: 0.2 } })
    await provider.start(spec)
    const { state } = await eventuallySeen(provider, spec.id, 'failed')
    assert.match(becauseOf({ state }), /ECONNREFUSED/)
  })
})

test('an index that lies loads nothing: what counts is what answers; one that cannot be read stops nothing', async () => {
  await withPool(async (provider, { servers: [a, b] }) => {
    a!.index = [{ name: 'm1', state: 'READY' }]
    const lied = specIn([a!], 'm1')
    await provider.start(lied)
    await eventuallySeen(provider, lied.id, 'ready')
    assert.deepEqual([...a!.loaded], ['m1'])
    for (const index of ['what?', [7, null, { name: 3 }], { models: [] }]) {
      b!.index = index
      const spec = specIn([b!], 'm2', { pool: 'other' })
      await provider.start(spec)
      await eventuallySeen(provider, spec.id, 'ready')
      await provider.stop(spec.id)
      await eventually('it to be unloaded', () => b!.loaded.size === 0)
    }
  })
})

test('a server that answers before it has unloaded keeps its place until it has', async () => {
  await withPool(async (provider, { servers: [a] }) => {
    a!.unloading = new Set()
    const [first, second] = [specIn([a!], 'm1'), specIn([a!], 'm2')]
    await provider.start(first)
    await eventuallySeen(provider, first.id, 'ready')
    await provider.start(second)
    await provider.sleep(first.id)
    await eventually('it to be asked', () => a!.unloading!.has('m1'))
    const { looks } = a!
    await eventually('it to be looked at again and again', () => a!.looks > looks + 10)
    assert.ok(!a!.calls.includes('load m2'))
    a!.unloading.clear()
    await eventuallySeen(provider, second.id, 'ready')
  })
})

test('two Beryls on one server: who is in keeps its place, and the other waits for it, by name', async () => {
  await withPool(async (provider, { servers: [a, b] }) => {
    await withPool(async (others) => {
      const theirs = specIn([a!], 'their-m1')
      await others.start(theirs)
      await eventuallySeen(others, theirs.id, 'ready')
      const ours = specIn([a!], 'm1')
      await provider.start(ours)
      const waits = await eventuallySeen(provider, ours.id, 'starting', (one) =>
        becauseOf(one).includes('full'),
      )
      assert.match(becauseOf(waits), /their-m1, which nobody here asked for/)
      await eventually('no place to be left', () => provider.look()[0]!.pool!.models === 0)
      await others.stop(theirs.id)
      await eventuallySeen(provider, ours.id, 'ready')
      assert.deepEqual([a!.most, b!.most], [1, 0])
    })
  })
})

test('one name is one model: a second service under it is refused, and the first stays', async () => {
  await withPool(async (provider, { servers: [a] }) => {
    const first = specIn([a!], 'm1', { models: 2 })
    await provider.start(first)
    await eventuallySeen(provider, first.id, 'ready')
    const second = specIn([a!], 'm1', { models: 2, service: 'rank' })
    await provider.start(second)
    const { state } = await eventuallySeen(provider, second.id, 'failed')
    assert.match(becauseOf({ state }), /m1 in pool spare is tiny's model/)
    await provider.stop(second.id)
    await eventually('it to be gone', () => provider.look().length === 1)
    assert.deepEqual([...a!.loaded], ['m1'])
  })
})

test('over TLS, where the pool proves who it is; else it is not spoken to', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-pool-tls-'))
  const secret = makePair()
  const ca = join(directory, 'ca.pem')
  writeFileSync(ca, secret.cert)
  const server = await poolServer(secret)
  try {
    await withPool(async (provider) => {
      const trusted = specIn([server], 'm1', { tls: { ca }, models: 2 })
      await provider.start(trusted)
      await eventuallySeen(provider, trusted.id, 'ready')
      await provider.sleep(trusted.id)
      await eventually('it to be unloaded', () => server.loaded.size === 0)
      const ready = { path: '/v2/models/m2/ready', withinS: 0.2 }
      const other = specIn([server], 'm2', { tls: {}, models: 2, ready, pool: 'other' })
      await provider.start(other)
      const { state } = await eventuallySeen(provider, other.id, 'failed')
      assert.match(becauseOf({ state }), /its certificate is refused/)
      assert.ok(!server.calls.includes('load m2'))
    })
  } finally {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
})
