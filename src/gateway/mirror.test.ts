import assert from 'node:assert/strict'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, test } from 'node:test'
import type { Copies, GatewayMetrics, Observation } from './control.ts'
import { copyMaxBytes } from './mirror.ts'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

const all: Copies = { to: 'green', share: 1, methods: ['GET', 'POST'], exclude: ['/admin'] }

async function gatewayWith(live: RequestListener, copyPort: number, copies: Partial<Copies> = {}) {
  const model = await openModel(live)
  const gateway = await openGateway()
  open.push(model, gateway)
  const places = { blue: placed('v1', [model.port]), green: placed('v2', [copyPort]) }
  const table = tableOf(1, 'blue', places, { copies: { ...all, ...copies } })
  await gateway.client.putTable('s', { table, back: null })
  const { run } = await gateway.client.state()
  const seen = async (enough: (items: readonly Observation[]) => boolean) =>
    (
      await until(
        () => gateway.client.observations(run, 0),
        ({ items }) => enough(items),
      )
    ).items
  const counted = (isSo: (copies: GatewayMetrics['copies']) => boolean) =>
    until(async () => (await gateway.client.metrics()).copies, isSo)
  return { ...gateway, seen, counted }
}

const copiesOf = (items: readonly Observation[]) => items.filter(({ isCopy }) => isCopy === true)

type Heard = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

/** Remembers what it was asked. */
async function listening(
  heard: Heard[],
  serve: RequestListener = (_, response) => response.end('copy'),
) {
  const model = await openModel((incoming, response) => {
    let body = ''
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      heard.push({ method, url, headers, body })
      serve(incoming, response)
    })
  })
  open.push(model)
  return model
}

test('a copy is the same request, marked, and its outcome carries the number of its original', async () => {
  const heard: Heard[] = []
  const candidate = await listening(heard)
  const gateway = await gatewayWith(saying('live'), candidate.port)
  const live = await gateway.ask('/v1/x?q=1', {
    method: 'POST',
    body: 'question',
    headers: { 'x-user': 'u1', 'beryl-copy': 'forged' },
  })
  assert.equal(live.text, 'live')
  assert.equal(live.version, 'v1')
  const items = await gateway.seen((seen) => seen.length === 2)
  assert.deepEqual(
    heard.map(({ method, url, body }) => [method, url, body]),
    [['POST', '/v1/x?q=1', 'question']],
  )
  assert.equal(heard[0]!.headers['beryl-copy'], '1')
  assert.equal(heard[0]!.headers['x-user'], 'u1')
  const [copy] = copiesOf(items)
  const original = items.find(({ isCopy }) => isCopy === undefined)!
  const { seq, generation, environment, version, release, outcome, status } = copy!
  assert.deepEqual([seq, generation], [original.seq, original.generation])
  assert.deepEqual([environment, version, release], ['green', 'v2', 'r-v2'])
  assert.deepEqual([outcome, status], ['ok', 200])
  assert.ok(copy!.firstByteMs > 0 && copy!.totalMs >= copy!.firstByteMs)
  assert.equal(original.copied, true)
  assert.equal((await gateway.client.state()).services['s']!.assigned, 1)
})

test('what a client says of itself never marks a live request as a copy', async () => {
  const heard: Heard[] = []
  const live = await listening(heard)
  const gateway = await openGateway()
  open.push(gateway)
  const table = tableOf(1, 'blue', { blue: placed('v1', [live.port]) })
  await gateway.client.putTable('s', { table, back: null })
  await gateway.ask('/', { headers: { 'beryl-copy': '1' } })
  assert.equal(heard[0]!.headers['beryl-copy'], undefined)
})

test('a body of any size up to the limit is copied whole; a larger one is not copied, and is counted', async () => {
  const heard: Heard[] = []
  const candidate = await listening(heard)
  const gateway = await gatewayWith(saying('live'), candidate.port)
  const chunked = { 'transfer-encoding': 'chunked' }
  const bodies = ['', 'x', 'y'.repeat(100_000), 'z'.repeat(copyMaxBytes)]
  for (const body of bodies)
    for (const headers of [{}, chunked])
      assert.equal((await gateway.ask('/', { method: 'POST', body, headers })).text, 'live')
  const tooLarge = 'w'.repeat(copyMaxBytes + 1)
  assert.equal((await gateway.ask('/', { method: 'POST', body: tooLarge })).text, 'live')
  await gateway.counted((copies) => copies['s too-large'] === 1 && copies['s sent'] === 8)
  // Nobody need wait for the other half of that one.
  const items = await gateway.seen((seen) => copiesOf(seen).length === 9)
  const voids = copiesOf(items).filter(({ outcome }) => outcome === 'void')
  const original = items.find(({ seq, isCopy }) => isCopy === undefined && seq === voids[0]!.seq)
  assert.deepEqual([voids.length, voids[0]!.replica, original?.copied], [1, '', true])
  assert.deepEqual(
    heard.map(({ body }) => body.length).toSorted((a, b) => a - b),
    bodies.flatMap(({ length }) => [length, length]),
  )
})

test('only what the service allows is copied: its methods, and not under its excluded paths', async () => {
  const heard: Heard[] = []
  const candidate = await listening(heard)
  const gateway = await gatewayWith(saying('live'), candidate.port, { methods: ['POST'] })
  for (const path of ['/admin', '/admin/keys?x', '/administrator', '/'])
    for (const method of ['GET', 'POST', 'PUT']) await gateway.ask(path, { method })
  await gateway.counted((copies) => copies['s sent'] === 2)
  assert.deepEqual(heard.map(({ method, url }) => `${method} ${url}`).toSorted(), [
    'POST /',
    'POST /administrator',
  ])
})

test('a share is copied, within binomial bounds', async () => {
  const candidate = await listening([])
  const gateway = await gatewayWith(saying('live'), candidate.port, { share: 0.3 })
  const draws = 1000
  for (let round = 0; round < draws / 50; round++)
    await Promise.all(Array.from({ length: 50 }, () => gateway.ask()))
  await gateway.seen((items) => items.length - copiesOf(items).length === draws)
  const { copies } = await until(
    () => gateway.client.metrics(),
    ({ rows }) => rows.reduce((sum, { statuses }) => sum + (statuses['200'] ?? 0), 0) === draws,
  )
  const off = 5 * Math.sqrt(draws * 0.3 * 0.7)
  assert.ok(Math.abs((copies['s sent'] ?? 0) - 300) < off, String(copies['s sent']))
})

/** A candidate below HTTP. */
async function raw(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  return (server.address() as AddressInfo).port
}

const harms: Record<string, (socket: Socket) => void> = {
  'hangs and never answers': () => {},
  'does not even read': (socket) => socket.pause(),
  'closes every connection at once': (socket) => socket.destroy(),
  'closes when it was asked': (socket) => socket.once('data', () => socket.destroy()),
  'answers garbage': (socket) => socket.once('data', () => socket.end('\u0000garbage\r\n\r\n')),
  'answers in a wrong framing': (socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ),
  'answers before it was asked': (socket) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad'),
  'answers without end': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    const more = () => {
      if (!socket.destroyed) socket.write('x'.repeat(65_536), () => setImmediate(more))
    }
    socket.once('data', more)
    socket.on('data', () => {})
  },
  'changes protocols unasked': (socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ),
}

for (const [harm, serve] of Object.entries(harms)) {
  test(`a candidate that ${harm} changes no live answer`, async () => {
    const live: RequestListener = (incoming, response) => {
      let body = ''
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
      incoming.on('end', () => response.end(`${incoming.method} ${body.length}`))
    }
    const gateway = await gatewayWith(live, await raw(serve))
    const assertLive = async (method: string, body: string) => {
      const answer = await gateway.ask('/', method === 'GET' ? {} : { method, body })
      const text = method === 'GET' ? 'GET 0' : `POST ${body.length}`
      assert.deepEqual([answer.status, answer.version, answer.text], [200, 'v1', text])
    }
    for (let round = 0; round < 5; round++) {
      const asked = Array.from({ length: 20 }, (_, index) => {
        const body = 'b'.repeat(index * 3000)
        const method = index % 2 === 0 ? 'POST' : 'GET'
        return assertLive(method, body)
      })
      await Promise.all(asked)
    }
    const items = await gateway.seen((seen) => seen.length - copiesOf(seen).length >= 100)
    for (const { outcome, isCopy } of items) if (isCopy === undefined) assert.equal(outcome, 'ok')
    const { blue, green } = (await gateway.client.state()).services['s']!.inFlight
    assert.deepEqual([blue, green], [0, 0])
  })
}

test('a candidate that crashed costs nothing but its copies', async () => {
  const candidate = await openModel(saying('copy'))
  const gateway = await gatewayWith(saying('live'), candidate.port)
  candidate.close()
  for (let count = 0; count < 20; count++) assert.equal((await gateway.ask()).text, 'live')
  const items = await gateway.seen((seen) => copiesOf(seen).length === 20)
  for (const { outcome } of copiesOf(items)) assert.equal(outcome, 'connect-failed')
  const { replicas } = (await gateway.client.state()).services['s']!
  assert.ok(
    Object.values(replicas).every(({ healthy }) => healthy),
    'copies say nothing about health',
  )
})

test('too many copies are dropped and counted; live requests go on', async () => {
  const gateway = await gatewayWith(saying('live'), await raw(() => {}))
  for (let round = 0; round < 14; round++) {
    const asked = await Promise.all(Array.from({ length: 50 }, () => gateway.ask()))
    for (const { status } of asked) assert.equal(status, 200)
  }
  // At most 256 in each of two workers hang at the candidate.
  await gateway.counted((counted) => (counted['s too-many'] ?? 0) >= 700 - 512)
})

test('a client that breaks off its request takes the copy with it: half a request would be another one', async () => {
  const heard: Heard[] = []
  const candidate = await listening(heard)
  const gateway = await gatewayWith(saying('live'), candidate.port)
  const leaving = new AbortController()
  const asked = gateway.ask('/', {
    method: 'POST',
    headers: { 'content-length': '100' },
    body: 'half',
    signal: leaving.signal,
  })
  await until(
    async () => (await gateway.client.state()).services['s']!.inFlight.blue,
    (inFlight) => inFlight === 1,
  )
  leaving.abort()
  await assert.rejects(asked)
  await gateway.counted((copies) => copies['s not-whole'] === 1)
  assert.equal(heard.length, 0)
})

test('what is on its way to an environment that is forgotten ends with it, and does not hold it up', async () => {
  let gone = 0
  const hanging = await raw((socket) => socket.resume().on('close', () => gone++))
  const gateway = await gatewayWith(saying('live'), hanging)
  for (let count = 0; count < 10; count++) assert.equal((await gateway.ask()).text, 'live')
  await gateway.client.forget('s', { environment: 'green', generation: 1 })
  await until(
    () => gone,
    (count) => count === 10,
  )
  await gateway.counted((copies) => copies['s forgotten'] === 10)
  assert.equal((await gateway.ask()).text, 'live')
})
