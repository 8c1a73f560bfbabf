/** What is somebody else's is looked at, routed to, and let go of: never started, stopped, or taken for what it is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, eventuallySeen, silentLog } from '../testing.ts'
import { theirs, withClaims } from './testing.ts'
import { externalProvider } from './external-provider.ts'

const version = { path: '/version', answer: '$.version', is: 'v1' }

test('what was let go of still answers, and its address can be claimed again', async () => {
  await withClaims(async (provider, bench) => {
    const specs = [bench.spec('serves'), bench.spec('serves'), bench.spec('serves')]
    for (const spec of specs) await provider.start(spec)
    const first = await eventuallySeen(provider, specs[0]!.id, 'ready')
    await provider.stop(first.id)
    assert.deepEqual(await bench.ask(first), { port: first.port })
    const again = bench.spec('serves')
    await provider.start(again)
    assert.equal((await eventuallySeen(provider, again.id, 'ready')).port, first.port)
  })
})

test('each place has its own addresses, and more replicas than addresses wait and say for what', async () => {
  await withClaims(async (provider, bench) => {
    const four = Array.from({ length: 4 }, () =>
      bench.spec('serves', { environment: 'green', ready: { path: '/', withinS: 1 } }),
    )
    for (const spec of four) await provider.start(spec)
    const green = bench.places.serves.green.map(({ address }) => address.port)
    for (const { id } of four.slice(0, 3))
      assert.ok(green.includes((await eventuallySeen(provider, id, 'ready')).port))
    const last = four[3]!.id
    const waits = await eventuallySeen(
      provider,
      last,
      'starting',
      ({ state }) => 'because' in state,
    )
    assert.match(
      'because' in waits.state ? waits.state.because : '',
      /^every address of green is claimed: 127\.0\.0\.1:\d+ by tiny-/,
    )
    const { state } = await eventuallySeen(provider, last, 'failed')
    assert.match('because' in state ? state.because : '', /no address within 1 s: every address/)
  })
})

test('an address that another claim let go of is taken by the one that waits', async () => {
  await withClaims(async (provider, bench) => {
    const four = Array.from({ length: 4 }, () => bench.spec('serves'))
    for (const spec of four) await provider.start(spec)
    const first = await eventuallySeen(provider, four[0]!.id, 'ready')
    await provider.stop(first.id)
    assert.equal((await eventuallySeen(provider, four[3]!.id, 'ready')).port, first.port)
  })
})

test('the version is waited for until it answers there, and until then it is said what does', async () => {
  await withClaims(async (provider, bench) => {
    const spec = bench.spec('serves', {
      ready: { path: '/', withinS: 60, version: { ...version, is: 'v2' } },
    })
    await provider.start(spec)
    const waits = await eventuallySeen(
      provider,
      spec.id,
      'starting',
      ({ state }) => 'because' in state,
    )
    assert.match(
      'because' in waits.state ? waits.state.because : '',
      /GET \/version answers v1, expected v2/,
    )
    bench.places.serves.blue[0]!.version = 'v2'
    await eventuallySeen(provider, spec.id, 'ready')
  })
})

test('another version under the address of a claim makes it unready until the right one is back', async () => {
  await withClaims(async (provider, bench) => {
    const spec = bench.spec('serves', { ready: { path: '/', withinS: 10, version } })
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    bench.places.serves.blue[0]!.version = 'v3'
    const { state, restarts } = await eventuallySeen(
      provider,
      spec.id,
      'unready',
      (one) => one.restarts > 0,
    )
    assert.match('because' in state ? state.because : '', /answers v3, expected v1/)
    assert.equal(restarts, 1)
    bench.places.serves.blue[0]!.version = 'v1'
    await eventuallySeen(provider, spec.id, 'ready')
  })
})

test('one that falls silent is unready, and ready again when its owner has mended it, however late', async () => {
  await withClaims(async (provider, bench) => {
    const spec = bench.spec('serves', { ready: { path: '/', withinS: 0.2 } })
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    const [server] = bench.places.serves.blue
    server!.status = 503
    const { state } = await eventuallySeen(provider, spec.id, 'unready')
    assert.match('because' in state ? state.because : '', /GET \/ answers 503/)
    // So many looks take longer than `within`, which is for the first time only.
    const before = server!.asked
    await eventually('it to be asked again', () => server!.asked >= before + 6)
    assert.equal(provider.look()[0]!.state.name, 'unready')
    server!.status = 200
    assert.equal((await eventuallySeen(provider, spec.id, 'ready')).restarts, 1)
  })
})

test('an address on spot capacity that falls silent is lost: no restart is counted, and nobody pays meanwhile', async () => {
  await withClaims(async (provider, bench) => {
    const [server] = bench.places.serves.blue
    const spec = { ...bench.spec('serves'), spot: [server!.address] }
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    server!.status = 503
    await eventuallySeen(provider, spec.id, 'unready', ({ spot }) => spot?.lost === 1)
    server!.status = 200
    assert.equal((await eventuallySeen(provider, spec.id, 'ready')).restarts, 0)
    const [record] = bench.journal.all()
    assert.deepEqual(
      record!.spells!.map(({ is }) => is),
      ['away', 'awake'],
    )
  })
})

test('a claim whose server died while no controller was there is unready for the next one, and counts on', async () => {
  await withClaims(async (provider, bench) => {
    const spec = bench.spec('serves')
    await provider.start(spec)
    const { port } = await eventuallySeen(provider, spec.id, 'ready')
    await provider.close()
    bench.places.serves.blue[0]!.status = 500
    const next = externalProvider({ journal: bench.journal, log: silentLog })
    await next.open()
    try {
      assert.deepEqual(
        next.look().map((one) => [one.state.name, one.port]),
        [['unready', port]],
      )
      await eventuallySeen(next, spec.id, 'unready', ({ restarts }) => restarts === 1)
    } finally {
      await next.close()
    }
  })
})

test('a host name and an IPv6 address are asked as they are written', async (t) => {
  const six = await theirs({ host: '::1' }).catch(() => null)
  if (six === null) return t.skip('this machine has no ::1')
  await withClaims(async (provider, bench) => {
    const { port } = bench.places.serves.blue[0]!.address
    const named = { host: 'localhost', port }
    const spec = {
      ...bench.spec('serves'),
      places: { blue: [six.address, named], green: [] },
    }
    const other = { ...bench.spec('serves'), places: spec.places }
    await provider.start(spec)
    await provider.start(other)
    assert.equal((await eventuallySeen(provider, spec.id, 'ready')).host, '::1')
    assert.equal((await eventuallySeen(provider, other.id, 'ready')).host, 'localhost')
  })
  await six.close()
})

test('a claim that could not be written when it was let go of is let go of all the same', async () => {
  await withClaims(async (provider, bench) => {
    const spec = bench.spec('serves')
    await provider.start(spec)
    const seen = await eventuallySeen(provider, spec.id, 'ready')
    bench.failJournal('the disk is full')
    await provider.stop(spec.id)
    await eventually('it to be gone', () => provider.look().length === 0)
    assert.deepEqual(await bench.ask(seen), { port: seen.port })
  })
})
