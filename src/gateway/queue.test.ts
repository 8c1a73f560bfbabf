import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, test } from 'node:test'
import type { TrafficRules } from './control.ts'
import { openGateway, openModel, placed, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

/** A model that answers only when told; knows the most it ever had at once. */
async function heldModel(text = 'ok') {
  const held: ServerResponse[] = []
  const state = { most: 0, now: 0, seen: 0 }
  const model = await openModel((incoming, response) => {
    incoming.resume()
    state.seen++
    state.most = Math.max(state.most, ++state.now)
    response.on('close', () => state.now--)
    held.push(response)
  })
  open.push(model)
  /** The one that came first, once it has come. */
  const answer = async () => {
    await until(
      () => held.length,
      (count) => count > 0,
    )
    held.shift()!.end(text)
  }
  return { ...model, state, held, answer }
}

/** One gateway for those that need no more: each test has a generation, rules and model servers of its own. */
const shared = await openGateway()
open.push(shared)
let generation = 0

async function gatewayWith(rules: Partial<TrafficRules>, ports: readonly number[]) {
  const gateway = shared
  const own = ++generation
  await gateway.client.putTable('s', {
    table: tableOf(own, 'blue', { blue: placed('v1', ports) }, { rules }),
    back: null,
  })
  const { run, services } = await gateway.client.state()
  const before = services['s']!.assigned
  const assigned = async () => (await gateway.client.state()).services['s']!.assigned - before
  const seen = async () => {
    const { items } = await gateway.client.observations(run, 0)
    return items.filter((one) => one.generation === own)
  }
  const waiting = async () => (await gateway.client.state()).services['s']!.waiting.blue
  return { ...gateway, waiting, assigned, seen }
}

test('no replica has more requests than it may, over all workers; the others wait and are answered', async () => {
  const model = await heldModel()
  const gateway = await gatewayWith({ concurrentMax: 2 }, [model.port])
  const answers = Array.from({ length: 30 }, () => gateway.ask())
  await until(gateway.waiting, (waiting) => waiting === 28)
  for (let count = 0; count < 30; count++) {
    await until(
      () => model.held.length,
      (held) => held > 0,
    )
    await model.answer()
  }
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
  assert.equal(model.state.most, 2)
  assert.equal(await gateway.waiting(), 0)
})

test('those who wait are served in the order in which they came', async () => {
  const model = await heldModel()
  const gateway = await openGateway({ workers: 1 })
  open.push(gateway)
  const rules = { concurrentMax: 1 }
  const table = tableOf(1, 'blue', { blue: placed('v1', [model.port]) }, { rules })
  await gateway.client.putTable('s', { table, back: null })
  const answered: number[] = []
  const answers: Promise<unknown>[] = []
  for (let number = 0; number < 10; number++) {
    answers.push(gateway.ask().then(() => answered.push(number)))
    await until(
      async () => (await gateway.client.state()).services['s']!.inFlight.blue,
      (inFlight) => inFlight === number + 1,
    )
  }
  for (let count = 0; count < 10; count++) {
    await until(
      () => model.held.length,
      (held) => held > 0,
    )
    await model.answer()
    await until(
      () => answered.length,
      (length) => length === count + 1,
    )
  }
  assert.deepEqual(
    answered,
    answered.toSorted((a, b) => a - b),
  )
})

test('when the queue is full the next one is told to come again, and is no evidence', async () => {
  const model = await heldModel()
  const gateway = await gatewayWith({ concurrentMax: 1, queueMax: 1 }, [model.port])
  const answers = [gateway.ask(), gateway.ask()]
  await until(gateway.waiting, (waiting) => waiting === 1)
  const refused = await gateway.ask()
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '1')
  assert.equal(JSON.parse(refused.text).code, 'queue-full')
  assert.equal(await gateway.assigned(), 2)
  for (let count = 0; count < 2; count++) {
    await until(
      () => model.held.length,
      (held) => held > 0,
    )
    await model.answer()
  }
  await Promise.all(answers)
})

test('who waited too long is told to come again; it is counted as refused, not as an error of the version', async () => {
  const model = await heldModel()
  const gateway = await gatewayWith({ concurrentMax: 1, queueMs: 300 }, [model.port])
  const first = gateway.ask()
  await until(
    () => model.held.length,
    (held) => held === 1,
  )
  const late = await gateway.ask()
  assert.equal(late.status, 503)
  assert.equal(late.headers['retry-after'], '1')
  assert.equal(JSON.parse(late.text).code, 'queue-timeout')
  await model.answer()
  await first
  const seen = await until(gateway.seen, (items) => items.length === 2)
  assert.deepEqual(seen.map(({ outcome }) => outcome).toSorted(), ['ok', 'refused'])
  assert.equal(model.state.seen, 1)
})

test('a client that leaves the queue leaves no trace in the counts, and no request at the model', async () => {
  const model = await heldModel()
  const gateway = await gatewayWith({ concurrentMax: 1 }, [model.port])
  const first = gateway.ask()
  await until(
    () => model.held.length,
    (held) => held === 1,
  )
  const leaving = new AbortController()
  const left = gateway.ask('/', { signal: leaving.signal }).catch(() => 'left')
  await until(gateway.waiting, (waiting) => waiting === 1)
  leaving.abort()
  assert.equal(await left, 'left')
  await until(gateway.waiting, (waiting) => waiting === 0)
  await model.answer()
  await first
  const again = gateway.ask()
  await until(
    () => model.held.length,
    (held) => held === 1,
  )
  await model.answer()
  assert.equal((await again).status, 200)
  assert.equal(model.state.seen, 2)
})

test('a request that waits keeps its environment through a switch, and that environment is not forgotten under it', async () => {
  const [blue, green] = [await heldModel('old'), await heldModel('new')]
  const gateway = await openGateway()
  open.push(gateway)
  const rules = { concurrentMax: 1 }
  const places = { blue: placed('v1', [blue.port]), green: placed('v2', [green.port]) }
  await gateway.client.putTable('s', { table: tableOf(1, 'blue', places, { rules }), back: null })
  const old = [gateway.ask(), gateway.ask()]
  await until(
    async () => (await gateway.client.state()).services['s']!.waiting.blue,
    (waiting) => waiting === 1,
  )
  await gateway.client.putTable('s', { table: tableOf(2, 'green', places, { rules }), back: null })
  await blue.answer()
  await Promise.race(old)
  await assert.rejects(
    gateway.client.forget('s', { environment: 'blue', generation: 2 }),
    /requests in flight/,
  )
  await until(
    () => blue.held.length,
    (held) => held === 1,
  )
  await blue.answer()
  assert.deepEqual(
    (await Promise.all(old)).map(({ text }) => text),
    ['old', 'old'],
  )
  // An answer is with its client a moment before it is counted as ended.
  await until(
    async () => (await gateway.client.state()).services['s']!.inFlight.blue,
    (inFlight) => inFlight === 0,
  )
  await gateway.client.forget('s', { environment: 'blue', generation: 2 })
  assert.equal(green.state.seen, 0)
})
