import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import type { Observation, TrafficRules } from './control.ts'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

/** One gateway for all: each test has a generation, rules and model servers of its own. */
const gateway = await openGateway()
open.push(gateway)
let generation = 0

async function gatewayTo(rules: Partial<TrafficRules>, ...serves: RequestListener[]) {
  const models = await Promise.all(serves.map(openModel))
  open.push(...models)
  const ports = models.map(({ port }) => port)
  const own = ++generation
  const table = tableOf(own, 'blue', { blue: placed('v1', ports) }, { rules })
  await gateway.client.putTable('s', { table, back: null })
  const { run } = await gateway.client.state()
  const seen = (count: number): Promise<Observation[]> =>
    until(
      async () => {
        const { items } = await gateway.client.observations(run, 0)
        return items.filter((one) => one.generation === own)
      },
      (found) => found.length >= count,
    )
  return { ...gateway, seen, models }
}

test('a replica that says nothing in time is given up, and its connection is closed', async () => {
  let closed = false
  const silent: RequestListener = (incoming) => incoming.on('close', () => (closed = true))
  const gateway = await gatewayTo({ firstByteMs: 300 }, silent)
  const { status, text } = await gateway.ask()
  assert.equal(status, 504)
  assert.match(JSON.parse(text).title, /sent nothing in 0.3 s/)
  assert.equal((await gateway.seen(1))[0]!.outcome, 'deadline')
  await until(() => closed, Boolean)
})

test('an answer that stops for too long is cut, and looks cut', async () => {
  const stops: RequestListener = (_, response) => void response.write('begun')
  const gateway = await gatewayTo({ idleMs: 300 }, stops)
  await assert.rejects(gateway.ask())
  assert.equal((await gateway.seen(1))[0]!.outcome, 'deadline')
})

/** Says something every 50 ms until its client has gone, or 2 s are over. */
function talking(type: string): RequestListener {
  return (_, response) => {
    response.writeHead(200, { 'content-type': type })
    let said = 0
    const timer = setInterval(() => {
      response.write('data: x\n\n')
      if (++said < 40) return
      clearInterval(timer)
      response.end()
    }, 50)
    response.on('close', () => clearInterval(timer))
  }
}

test('the limit on everything cuts an answer that never ends, but no stream', async () => {
  const endless = await gatewayTo({ totalMs: 500 }, talking('application/json'))
  await assert.rejects(endless.ask())
  assert.equal((await endless.seen(1))[0]!.outcome, 'deadline')
  // It goes on for two seconds, never silent for long.
  const stream = await gatewayTo(
    { totalMs: 500, idleMs: 1000 },
    talking('text/event-stream; charset=utf-8'),
  )
  assert.equal((await stream.ask()).text.length, 40 * 'data: x\n\n'.length)
})

test('the limit on everything holds while nothing was answered, too', async () => {
  const gateway = await gatewayTo({ totalMs: 300 }, () => {})
  const { status, text } = await gateway.ask()
  assert.equal(status, 504)
  assert.match(JSON.parse(text).title, /in 0.3 s/)
})

test('a client that goes away takes its request at the model with it', async () => {
  const state = { came: false, gone: false }
  const gateway = await gatewayTo({}, (_, response) => {
    state.came = true
    response.on('close', () => (state.gone = true))
  })
  const leaving = new AbortController()
  const asked = gateway.ask('/', { signal: leaving.signal }).catch(() => 'left')
  await until(() => state.came, Boolean)
  leaving.abort()
  await asked
  await until(() => state.gone, Boolean)
  assert.equal((await gateway.seen(1))[0]!.outcome, 'client-gone')
})

test('a body that says it is too large is refused before it is sent, and no replica hears of it', async () => {
  let asked = 0
  const gateway = await gatewayTo({ bodyMaxBytes: 1000 }, (incoming, response) => {
    asked++
    saying('ok')(incoming, response)
  })
  const raw = connect({ port: gateway.port, host: '127.0.0.1' })
  let said = ''
  raw.on('data', (chunk) => (said += chunk.toString()))
  raw.write('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n')
  await until(
    () => said,
    (text) => text.includes('body-too-large'),
  )
  raw.destroy()
  assert.match(said, /^HTTP\/1.1 413 /)
  assert.equal((await gateway.ask('/', { method: 'POST', body: 'x'.repeat(1000) })).status, 200)
  assert.equal(asked, 1)
})

test('a body in chunks is refused once it is too large, and nothing is held against the version', async () => {
  const gateway = await gatewayTo({ bodyMaxBytes: 1000 }, saying('ok'))
  const headers = { 'transfer-encoding': 'chunked' }
  const refused = await gateway.ask('/', { method: 'POST', body: 'x'.repeat(1001), headers })
  assert.equal(refused.status, 413)
  assert.equal((await gateway.seen(1))[0]!.outcome, 'refused')
  const taken = await gateway.ask('/', { method: 'POST', body: 'x'.repeat(1000), headers })
  assert.equal(taken.status, 200)
})

test('a path has deadlines and limits of its own, and a client that stops in the middle of its body is told so', async () => {
  const echoOrNothing: RequestListener = (incoming, response) => {
    incoming.resume()
    if (!incoming.url!.endsWith('/silent')) incoming.on('end', () => response.end('ok'))
  }
  const paths = [
    { path: '/quick', firstByteMs: 200, bodyMaxBytes: 10 },
    { path: '/quick/upload', bodyMaxBytes: null, bodySilenceMs: 200 },
  ]
  const gateway = await gatewayTo({ firstByteMs: 60_000, paths }, echoOrNothing)
  const post = (path: string, body: string) => gateway.ask(path, { method: 'POST', body })
  const big = 'x'.repeat(1000)
  assert.equal((await post('/', big)).status, 200)
  assert.equal((await post('/quick', big)).status, 413)
  assert.equal((await post('/quick/upload', big)).status, 200)
  assert.match((await post('/quick/silent', '')).text, /sent nothing in 0.2 s/)
  const socket = connect({ port: gateway.port, host: '127.0.0.1' })
  socket.write('POST /quick/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi')
  let said = ''
  socket.on('data', (chunk) => (said += chunk.toString()))
  await until(
    () => said,
    (text) => text.includes('body-too-slow'),
  )
  socket.destroy()
  assert.match(said, /^HTTP\/1\.1 408 /)
  // Whoever was slow, it was not the version.
  assert.equal((await gateway.seen(4)).at(-1)!.outcome, 'refused')
})

/** Takes the request, and dies under it. */
const dying: RequestListener = (incoming) => {
  incoming.resume()
  incoming.on('end', () => incoming.socket.destroy())
}
const echo: RequestListener = (incoming, response) => {
  let text = ''
  incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
  incoming.on('end', () => response.end(text))
}

test('where its method allows it, a request whose replica dies is sent whole to another one', async () => {
  const gateway = await gatewayTo({ retryMethods: ['POST'], retryShare: 1 }, dying, echo)
  const body = 'question '.repeat(2000)
  for (let count = 0; count < 20; count++) {
    const { status, text } = await gateway.ask('/', { method: 'POST', body })
    assert.equal(status, 200)
    assert.equal(text, body)
  }
  for (const { outcome, replica } of await gateway.seen(20))
    assert.deepEqual([outcome, replica], ['ok', 'v1-1'])
})

test('without the leave of its service nothing is sent twice that a replica may have seen', async () => {
  let echoed = 0
  const gateway = await gatewayTo({}, dying, (incoming, response) => {
    echoed++
    echo(incoming, response)
  })
  const statuses: number[] = []
  for (let count = 0; count < 30 && !statuses.includes(502); count++)
    statuses.push((await gateway.ask('/', { method: 'POST', body: 'once' })).status)
  assert.ok(statuses.includes(502))
  assert.equal(echoed, statuses.filter((status) => status === 200).length)
})

test('a replica that accepts nothing costs no request: another one has it', async () => {
  const gateway = await gatewayTo({}, saying('gone'), saying('ok'))
  gateway.models[0]!.close()
  for (let count = 0; count < 20; count++) assert.equal((await gateway.ask()).text, 'ok')
})

test('when every replica fails, second tries are no more than their share', async () => {
  let asked = 0
  const counting: RequestListener = (incoming, response) => {
    asked++
    dying(incoming, response)
  }
  const rules = { retryMethods: ['GET'], retryShare: 0.1 }
  const gateway = await gatewayTo(rules, counting, counting, counting)
  for (let count = 0; count < 200; count++) assert.equal((await gateway.ask()).status, 502)
  // Two workers with ten saved tries each, and a tenth of the requests.
  assert.ok(asked <= 200 + 20 + 20, `${asked} requests reached replicas`)
  assert.ok(asked > 200)
})

for (const rules of [
  { affinity: { by: 'header', name: 'x-user' } as const },
  { affinity: { by: 'cookie', name: 'user' } as const },
]) {
  test(`the same ${rules.affinity.by} reaches the same replica through every worker`, async () => {
    const gateway = await gatewayTo(rules, ...['a', 'b', 'c'].map(saying))
    const replicas = new Set<string>()
    for (let user = 0; user < 20; user++) {
      const headers = { 'x-user': `u${user}`, cookie: `a=b; user=u${user}` }
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => gateway.ask('/', { headers })),
      )
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
      replicas.add(answers[0]!.text)
    }
    assert.equal(replicas.size, 3)
  })
}

test('connections to a replica: so many are kept, for so long, and each carries so many requests', async () => {
  const usual = { idleMax: 256, idleMs: null, requestsMax: null }
  const opened = async (kept: TrafficRules['kept'], atOnce: number, rounds: number) => {
    const gateway = await gatewayTo({ kept }, saying('x'))
    const sockets = new Set<Socket>()
    const closed = new Set<Socket>()
    gateway.models[0]!.server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => closed.add(socket))
    })
    for (let round = 0; round < rounds; round++)
      await Promise.all(Array.from({ length: atOnce }, () => gateway.ask()))
    return { sockets, closed }
  }
  // Each of the two workers has its own.
  assert.ok((await opened(usual, 1, 9)).sockets.size <= 2)
  const { sockets } = await opened({ ...usual, requestsMax: 3 }, 1, 12)
  assert.ok(sockets.size >= 4 && sockets.size <= 6, `${sockets.size}`)
  assert.equal((await opened({ ...usual, idleMax: 0 }, 1, 5)).sockets.size, 5)
  const short = await opened({ ...usual, idleMs: 20 }, 4, 1)
  await until(
    () => short.closed.size,
    (size) => size === short.sockets.size,
  )
})
