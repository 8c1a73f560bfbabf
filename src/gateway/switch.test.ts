import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { after, test } from 'node:test'
import type { Environment } from './control.ts'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'
import { oldAfterNew, openClients } from './testing/toggles.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

/** A gateway of two workers with a door, live on blue; `back` is prepared with every table. */
async function gatewayOfTwo(serve: { blue?: RequestListener; green?: RequestListener } = {}) {
  const blue = await openModel(serve.blue ?? saying('v1'))
  const green = await openModel(serve.green ?? saying('v2'))
  const gateway = await openGateway({}, 'with a door')
  open.push(blue, green, gateway)
  const places = { blue: placed('v1', [blue.port]), green: placed('v2', [green.port]) }
  const put = (generation: number, live: Environment) =>
    gateway.client.putTable('s', {
      table: tableOf(generation, live, places),
      back: tableOf(generation + 1, live === 'blue' ? 'green' : 'blue', places),
    })
  await put(1, 'blue')
  const state = async () => (await gateway.client.state()).services['s']!
  return { ...gateway, put, state, places }
}

type Gateway = Awaited<ReturnType<typeof gatewayOfTwo>>

/** Many new connections: the system spreads them over the workers. */
async function answersOf(gateway: Gateway): Promise<Set<string>> {
  const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.ask()))
  return new Set(answers.map(({ text }) => text))
}

test('a worker that dies while a change is prepared is replaced, and the change starts again', async () => {
  const gateway = await gatewayOfTwo()
  gateway.door('prepare-0-die')
  const stored = await gateway.put(3, 'green')
  assert.equal(stored.generation, 3)
  assert.match(gateway.logged(), /a gateway worker died; it is replaced/)
  assert.match(gateway.logged(), /a change starts again with a new worker/)
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
  assert.equal((await gateway.client.state()).workers, 2)
})

test('a worker that does not acknowledge in time is named and replaced while the change waits', async () => {
  const gateway = await gatewayOfTwo()
  gateway.door('prepare-1-block')
  const stored = await gateway.put(3, 'green')
  assert.equal(stored.generation, 3)
  assert.match(gateway.logged(), /"worker":1,"order":"prepare","limitMs":250/)
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
  assert.equal((await gateway.client.state()).workers, 2)
})

test('a worker that dies between changes is replaced, and the next change waits for its successor', async () => {
  const gateway = await gatewayOfTwo()
  gateway.door('open-0-die')
  await gateway.client.open('s')
  await gateway.put(3, 'green')
  assert.equal((await gateway.client.state()).workers, 2)
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
})

test('a worker that joins later knows every table and every way back', async () => {
  const gateway = await gatewayOfTwo()
  for (const index of [0, 1]) {
    gateway.door(`open-${index}-die`)
    await gateway.client.open('s')
    await until(
      () => gateway.client.state(),
      ({ workers }) => workers === 2,
    )
  }
  assert.deepEqual(await answersOf(gateway), new Set(['v1']))
  await gateway.client.back('s', { generation: 2 })
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
})

test('the prepared way back is stored while a worker is busy, and waits for nobody', async () => {
  const gateway = await gatewayOfTwo()
  gateway.door('open-1-block')
  const listing = gateway.client.open('s')
  await until(() => gateway.isBlocked(1), Boolean)
  const stored = await gateway.client.back('s', { generation: 2 })
  assert.ok(gateway.isBlocked(1), 'the worker was still busy')
  assert.equal(stored.prepareMs, 0)
  await listing
  await until(() => !gateway.isBlocked(1), Boolean)
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
  assert.doesNotMatch(gateway.logged(), /did not acknowledge|worker died/)
})

test('a change that was being prepared when the way back was stored is refused: its world is gone', async () => {
  const gateway = await gatewayOfTwo()
  gateway.door('prepare-1-block')
  const put = gateway.put(3, 'blue')
  const refused = assert.rejects(put, /was rolled back while generation 3 was prepared/)
  await until(() => gateway.isBlocked(1), Boolean)
  await gateway.client.back('s', { generation: 2 })
  await refused
  assert.equal((await gateway.state()).generation, 2)
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
})

test('the routes file is written before the store: where it cannot be, nothing moves', async () => {
  const gateway = await gatewayOfTwo()
  mkdirSync(`${gateway.routes}.next`)
  await assert.rejects(gateway.put(3, 'green'))
  const { generation, live } = await gateway.state()
  assert.deepEqual([generation, live], [1, 'blue'])
  assert.deepEqual(await answersOf(gateway), new Set(['v1']))
  rmdirSync(`${gateway.routes}.next`)
  assert.equal((await gateway.put(3, 'green')).durable, true)
})

test('on a full disk the way back goes on, and says that it is not durable', async () => {
  const gateway = await gatewayOfTwo()
  mkdirSync(`${gateway.routes}.next`)
  const stored = await gateway.client.back('s', { generation: 2 })
  assert.deepEqual([stored.durable, stored.generation], [false, 2])
  assert.match(gateway.logged(), /the routes file takes no writes: rolled back all the same/)
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
})

test('after a crash the gateway serves by what it stored last, without anybody telling it', async () => {
  const gateway = await gatewayOfTwo()
  await gateway.put(3, 'green')
  await gateway.restart()
  assert.deepEqual(await answersOf(gateway), new Set(['v2']))
  assert.equal((await gateway.state()).generation, 3)
  await gateway.client.back('s', { generation: 4 })
  await gateway.restart()
  assert.deepEqual(await answersOf(gateway), new Set(['v1']))
})

test('the requests of a worker that died are cleared from the counts, and are void for their service', async () => {
  let arrived = 0
  const gateway = await gatewayOfTwo({ blue: () => arrived++ })
  const asked = Array.from({ length: 40 }, () => gateway.ask().catch(() => 'lost'))
  await until(
    () => arrived,
    (count) => count === 40,
  )
  await gateway.put(3, 'green')
  await assert.rejects(
    gateway.client.forget('s', { environment: 'blue', generation: 3 }),
    /40 requests in flight/,
  )
  for (const index of [0, 1]) {
    gateway.door(`open-${index}-die`)
    await gateway.client.open('s')
  }
  assert.deepEqual(
    await Promise.all(asked),
    asked.map(() => 'lost'),
  )
  await until(gateway.state, ({ inFlight }) => inFlight.blue === 0)
  const { void: died, assigned } = await gateway.state()
  assert.deepEqual([died, assigned], [40, 40])
  await gateway.client.forget('s', { environment: 'blue', generation: 3 })
})

test('numbers are given out once each, over all workers, in the order of assignment', async () => {
  const gateway = await gatewayOfTwo()
  for (let round = 0; round < 10; round++) await answersOf(gateway)
  const { run } = await gateway.client.state()
  const { items } = await until(
    () => gateway.client.observations(run, 0),
    (answer) => answer.items.length === 400,
  )
  assert.deepEqual(
    items.map(({ seq }) => seq).toSorted((a, b) => a - b),
    Array.from({ length: 400 }, (_, seq) => seq),
  )
})

test('what is in flight is listed with its id, age and bytes; a busy worker is left alone', async () => {
  const gateway = await gatewayOfTwo({ blue: (_, response) => void response.write('begun') })
  const asked = gateway.ask('/', { method: 'POST', body: 'question' }).catch((): null => null)
  const { open: listed, more } = await until(
    () => gateway.client.open('s'),
    (answer) => answer.open[0]?.bytesOut === 5,
  )
  const [one] = listed
  assert.deepEqual(
    [listed.length, more, one!.environment, one!.generation, one!.bytesIn, one!.kind],
    [1, 0, 'blue', 1, 8, 'request'],
  )
  gateway.door('open-0-block')
  gateway.door('open-1-block')
  assert.deepEqual(await gateway.client.open('s'), { open: [], more: 0 })
  await until(() => !gateway.isBlocked(0) && !gateway.isBlocked(1), Boolean)
  assert.doesNotMatch(gateway.logged(), /worker died/)
  await gateway.put(3, 'green')
  const { cut } = await gateway.client.cut('s', { environment: 'blue', because: 'a test' })
  assert.deepEqual(
    cut.map(({ requestId, bytesOut }) => [requestId, bytesOut]),
    [[one!.requestId, 5]],
  )
  await asked
})

test('100 switches under load, ways back among them: nothing old after something new, nothing lost', async () => {
  const gateway = await gatewayOfTwo()
  const clients = openClients(gateway.base, 12)
  let generation = 1
  // The first generation answers too before it is left.
  await until(
    () => clients.seen,
    (seen) => seen.length > 0,
  )
  for (let toggle = 0; toggle < 100; toggle++) {
    const before = clients.seen.length
    // Blue answers by odd generations; every move to green is a prepared way back.
    if (toggle % 2 === 0) await gateway.client.back('s', { generation: ++generation })
    else await gateway.put(++generation, 'blue')
    // What was under way while it was prepared may be answered by the old one still.
    await until(
      () => clients.seen.slice(before),
      (seen) => seen.length >= 24 && seen.some((one) => one.generation === generation),
    )
  }
  await clients.stop()
  assert.deepEqual(clients.lost, [])
  assert.deepEqual(oldAfterNew(clients.seen), [])
  assert.equal(new Set(clients.seen.map((one) => one.generation)).size, 101)
  for (const { generation: by, version } of clients.seen)
    assert.equal(version, by % 2 === 1 ? 'v1' : 'v2', `generation ${by}`)
})

test('an answer that comes old after new is found by the test itself', () => {
  const seen = (generation: number, sentAt: number, answeredAt: number) => ({
    generation,
    version: '',
    sentAt,
    answeredAt,
  })
  const late = seen(1, 30, 40)
  assert.deepEqual(oldAfterNew([seen(1, 0, 50), seen(2, 10, 20), late, seen(2, 35, 45)]), [late])
})
