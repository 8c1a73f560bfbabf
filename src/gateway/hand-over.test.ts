/** Two gateway processes on the same sockets: who answers what, until the first one has ended. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { dataDirectory } from '../ipc/data-directory.ts'
import { gatewayClient } from './client.ts'
import type { Environment, OpenRequest } from './control.ts'
import { gatewaysClient } from './gateways.ts'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'
import type { TestGateway } from './testing/gateway.ts'
import { canBind } from './wire/bind.ts'

const skip = canBind() ? false : 'two gateways cannot share a port here'
const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

/** Of one test. */
type Pair = Awaited<ReturnType<typeof opened>>

/** Live on blue, with green as the way back, prepared; `slow` requests are answered when the test says so. */
async function opened(door: 'with a door' | 'as it is' = 'as it is') {
  const slow: ServerResponse[] = []
  const answering =
    (text: string): RequestListener =>
    (asked, response) =>
      asked.url === '/slow' ? void slow.push(response) : saying(text)(asked, response)
  const blue = await openModel(answering('v1'))
  const green = await openModel(answering('v2'))
  const gateway = await openGateway({}, door)
  open.push(blue, green, gateway)
  const places = { blue: placed('v1', [blue.port]), green: placed('v2', [green.port]) }
  const directory = dataDirectory(gateway.root)
  const cut: OpenRequest[] = []
  const both = gatewaysClient(directory, (_, requests) => cut.push(...requests))
  const table = (generation: number, live: Environment) => ({
    table: tableOf(generation, live, places),
    back: tableOf(generation + 1, live === 'blue' ? 'green' : 'blue', places),
  })
  await both.putTable('s', table(1, 'blue'))
  const left = gatewayClient(directory.socket('leaving'))
  return {
    gateway,
    both,
    left,
    table,
    slow,
    cut,
    state: async () => (await both.state()).services['s']!,
  }
}

/** A connection of the first gateway, on which a request has begun: nobody closes it for being quiet. */
async function begun(
  { port }: TestGateway,
  path = '/',
): Promise<{ socket: Socket; finish(): Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET ' + path + ' HTTP/1.1\r\nHost: s\r\n')
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return {
    socket,
    finish: () => {
      const answer = new Promise<string>((resolve) => socket.once('end', () => resolve(said)))
      socket.write('\r\n')
      return answer
    },
  }
}

const many = (pair: Pair) => Promise.all(Array.from({ length: 8 }, () => begun(pair.gateway)))
const versionsOf = (answers: readonly string[]) =>
  new Set(answers.map((text) => /Beryl-Version: (\w+)/.exec(text)?.[1]))

test(
  'both answer; what either has in flight counts; a way back is stored in both; then the first one ends, heard out',
  { skip },
  async () => {
    const pair = await opened()
    const { gateway, both, left, table, slow } = pair
    const held = [await many(pair), await many(pair), await many(pair)] as const
    const stream = await begun(gateway, '/slow')
    const streamed = stream.finish()
    await until(pair.state, ({ inFlight }) => inFlight.blue === 1)
    const first = await both.state()
    const before = await gateway.succeed()

    const state = await both.state()
    assert.notEqual(state.run, first.run)
    assert.deepEqual(state.predecessor, {
      run: first.run,
      open: 1,
      isLevel: true,
      isOver: false,
      replicas: [],
    })
    assert.equal(state.services['s']!.inFlight.blue, 1)
    assert.equal((await gateway.ask()).text, 'v1')
    await assert.rejects(both.putTable('s', { ...table(3, 'green'), isSwitch: true }), {
      message: /hands over to another/,
    })
    assert.equal((await left.state()).services['s']!.generation, 1)

    // The other one goes back first: who asks the first one meanwhile waits, and is not answered by what was left.
    await left.hold()
    const meanwhile = held[0].map((one) => one.finish())
    const now = gatewayClient(dataDirectory(gateway.root).socket('gateway'))
    await now.back('s', { generation: 2 })
    assert.equal((await gateway.ask()).text, 'v2')
    await left.back('s', { generation: 2 })
    const answers = await Promise.all(meanwhile)
    assert.deepEqual(versionsOf(answers), new Set(['v2']))
    assert.ok(answers.every((text) => text.includes('Connection: close')))

    // What was stored in one alone is brought level; it is in flight in the first one, and is not forgotten in either.
    await now.putTable('s', table(3, 'green'))
    assert.equal((await both.state()).predecessor?.isLevel, true)
    assert.equal((await left.state()).services['s']!.generation, 3)
    await assert.rejects(both.forget('s', { environment: 'blue', generation: 3 }), {
      message: /1 requests in flight/,
    })
    assert.equal((await both.open('s')).open.length, 1)
    assert.equal((await both.back('s', { generation: 4 })).inBoth, true)
    assert.deepEqual(
      versionsOf(await Promise.all(held[1].map((one) => one.finish()))),
      new Set(['v1']),
    )

    // Held, and nobody says what was stored: by what the other one has written down.
    await both.putTable('s', table(5, 'blue'))
    await left.hold()
    await now.back('s', { generation: 6 })
    assert.deepEqual(
      versionsOf(await Promise.all(held[2].map((one) => one.finish()))),
      new Set(['v2']),
    )

    for (const response of slow) response.end('v1')
    assert.match(await streamed, /v1$/)
    // It waits to be heard out, and hands on what it counted.
    await until(left.state, ({ leaving }) => leaving!.isOver)
    const seen = await both.observations(first.run, 0)
    assert.equal(seen.items.length, 25)
    await both.observations(first.run, seen.next)
    assert.equal(await before.ended, 0)
    const metrics = await both.metrics()
    assert.deepEqual(metrics.inherited, [first.run])
    await until(
      both.metrics,
      ({ rows }) => rows.reduce((sum, { outcomes }) => sum + (outcomes.ok ?? 0), 0) === 27,
    )
    assert.equal((await both.state()).predecessor, undefined)
    const others = await both.observations((await both.state()).run, 0)
    assert.equal(others.items.length, 2)
    await both.forget('s', { environment: 'blue', generation: 6 })
  },
)

test(
  'what is still open at the deadline is cut, counted as void, and told by request id',
  { skip },
  async () => {
    process.env['BERYL_TEST_HAND_OVER_MS'] = '1000'
    const pair = await opened('with a door').finally(
      () => delete process.env['BERYL_TEST_HAND_OVER_MS'],
    )
    const { gateway, both, cut } = pair
    const stream = await begun(gateway, '/slow')
    const closed = once(stream.socket, 'close')
    void stream.finish()
    await until(pair.state, ({ inFlight }) => inFlight.blue === 1)
    const [one] = (await both.open('s')).open
    const before = await gateway.succeed()
    await closed
    await until(both.state, () => cut.length > 0)
    assert.deepEqual(
      cut.map(({ requestId }) => requestId),
      [one!.requestId],
    )
    assert.match(gateway.logged(), new RegExp(`"cut":{"s":\\["${one!.requestId}"\\]}`))
    assert.equal(await before.ended, 0)
    const { rows } = await both.metrics()
    assert.deepEqual(
      rows.map(({ outcomes }) => outcomes),
      [{ void: 1 }],
    )
  },
)

test(
  'over HTTP/2 a client is told to come back on another connection, and its open stream ends whole',
  { skip },
  async () => {
    const { gateway, slow, state } = await opened()
    const session = connectHttp2(gateway.base)
    const idle = connectHttp2(gateway.base)
    open.push(session, idle)
    await once(idle, 'remoteSettings')
    const stream = session.request({ ':path': '/slow' })
    await until(state, ({ inFlight }) => inFlight.blue === 1)
    const told = Promise.all([once(session, 'goaway'), once(idle, 'close')])
    const before = await gateway.succeed()
    await told
    for (const response of slow) response.end('v1')
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    assert.equal(text, 'v1')
    await once(session, 'close')
    process.kill(before.pid, 'SIGKILL')
  },
)

test(
  'a successor that does not come: the first one goes on, by what was stored meanwhile',
  { skip },
  async () => {
    const { gateway, both, left, table, state } = await opened()
    const { identity } = await gatewayClient(dataDirectory(gateway.root).socket('gateway')).leave()
    assert.equal(identity.pid, gateway.pid())
    await assert.rejects(both.back('s', { generation: 2 }), {
      message: /nobody answers|hands over to another/,
    })
    assert.equal((await gateway.ask()).text, 'v1')
    await left.stay()
    await both.back('s', { generation: 2 })
    assert.equal((await gateway.ask()).text, 'v2')
    await both.putTable('s', table(3, 'blue'))
    assert.equal((await state()).generation, 3)
    await assert.rejects(left.state(), { message: /nobody answers/ })
  },
)
