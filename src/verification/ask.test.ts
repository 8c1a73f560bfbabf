import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { askerOf } from './ask.ts'
import { inputOf } from './inputs/input.ts'
import { NoAnswer } from './wire/exchange.ts'
import { model } from './testing.ts'
import type { Behaviour } from './testing.ts'

function asking(context: TestContext, signal = new AbortController().signal) {
  const shape = {
    method: 'POST',
    path: '/classify?deep=1',
    headers: { 'x-tenant': 't', 'Beryl-Test': 'mine', 'Content-Length': '7' },
    timeoutS: 0.25,
  } as const
  const asker = askerOf({ timeoutS: shape.timeoutS, connections: 2, signal })
  context.after(() => asker.close())
  return {
    ask: (address: string, body: unknown, timeoutS?: number) =>
      asker.ask(address, inputOf(shape, body, 'golden-set').sent, timeoutS),
  }
}

test('a request carries its body and its mark, whatever headers were asked for', async (context) => {
  const server = await model(context, () => ({ label: 'fr' }))
  const { status, body, ms } = await asking(context).ask(server.address, { text: 'ô' })
  assert.deepEqual([status, body], [200, '{"label":"fr"}'])
  assert.ok(ms > 0)
  assert.deepEqual(
    server.asked.map((one) => [one.method, one.url, one.body, one.test]),
    [['POST', '/classify?deep=1', '{"text":"ô"}', 'golden-set']],
  )
})

test('no answer is an error that says why', async (context) => {
  const cases: [Behaviour, RegExp, boolean][] = [
    ['hang', /no whole answer in 0.25 s/, true],
    ['stall', /no whole answer in 0.25 s/, true],
    ['close', /socket hang up/, false],
    ['cut', /closed in the middle of the answer/, false],
    [{ bytes: 64 * 1024 * 1024 }, /larger than 16777216 bytes/, false],
  ]
  for (const [behaviour, message, late] of cases) {
    const server = await model(context, () => behaviour)
    await assert.rejects(
      asking(context).ask(server.address, {}, late ? undefined : 5),
      (error) => error instanceof NoAnswer && message.test(error.message) && error.late === late,
      String(message),
    )
  }
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  await once(gone.close(), 'close')
  await assert.rejects(asking(context).ask(`127.0.0.1:${port}`, {}), /ECONNREFUSED/)
})

test('garbage instead of HTTP is no answer', async (context) => {
  const server = createServer((socket) => void socket.end('this is not HTTP\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  await assert.rejects(asking(context).ask(`127.0.0.1:${port}`, {}), NoAnswer)
})

test('an answer without a length ends with its connection', async (context) => {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.0 200 OK\r\n\r\n{"label":')
      setImmediate(() => socket.end('"fr"}'))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { body } = await asking(context).ask(`127.0.0.1:${port}`, {})
  assert.equal(body, '{"label":"fr"}')
})

test('told to stop, it cuts what is under way, with the reason, and leaves no listener behind', async (context) => {
  const stop = new AbortController()
  const server = await model(context, (_, count) => (count === 1 ? { label: 1 } : 'hang'))
  const asker = asking(context, stop.signal)
  await asker.ask(server.address, {})
  const hanging = asker.ask(server.address, {}, 60)
  assert.equal(getEventListeners(stop.signal, 'abort').length, 1)
  stop.abort(new Error('time is over'))
  await assert.rejects(hanging, /time is over/)
  await assert.rejects(asker.ask(server.address, {}), /time is over/)
})

test('an idle connection is closed before a server would close it under a request', async (context) => {
  const server = createServer((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const connected = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  await asking(context).ask(`127.0.0.1:${port}`, {})
  const [socket] = (await connected) as [NodeJS.EventEmitter]
  // Node's own servers close an idle connection after 5 s.
  await once(socket, 'close', { signal: AbortSignal.timeout(4900) })
})
