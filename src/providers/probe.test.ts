import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { probe } from './probe.ts'

test('only a status of 2xx is an answer', async () => {
  for (const [status, expected] of [
    [204, null],
    [302, 'GET /health answers 302'],
    [503, 'GET /health answers 503'],
  ] as const)
    await asked(
      (_request, response) => response.writeHead(status).end(),
      async (ask) => assert.equal(await ask(), expected),
    )
})

test('a server that never answers, or drips, is left after the time limit', async () => {
  await asked(
    () => {},
    async (ask) => assert.match((await ask())!, /no answer within 100 ms/),
  )
  let open = true
  await asked(
    (request, response) => {
      const drip = setInterval(() => response.write('.'), 10)
      request.on('close', () => {
        clearInterval(drip)
        open = false
      })
    },
    async (ask, closed) => {
      assert.equal(await ask(), null)
      await closed
      assert.equal(open, false)
    },
  )
})

test('a connection that is closed without an answer, or refused, is no answer', async () => {
  await asked(
    (request) => request.destroy(),
    async (ask) => assert.match((await ask())!, /hang up|closed/),
  )
  const signal = AbortSignal.timeout(1000)
  const trouble = await probe({ host: '127.0.0.1', port: 1, path: '/', timeoutMs: 100, signal })
  assert.match(trouble!, /ECONNREFUSED/)
})

async function asked(
  listener: RequestListener,
  act: (ask: () => Promise<string | null>, closed: Promise<void>) => Promise<void>,
): Promise<void> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const closed = new Promise<void>((resolve) =>
    server.on('connection', (socket) => socket.on('close', () => setImmediate(resolve))),
  )
  const { port } = server.address() as AddressInfo
  const signal = new AbortController().signal
  const ask = () => probe({ host: '127.0.0.1', port, path: '/health', timeoutMs: 100, signal })
  try {
    await act(ask, closed)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
