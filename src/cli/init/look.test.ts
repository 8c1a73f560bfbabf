/** What is recognised, by what servers really say; and what is not. Real sockets. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'node:test'
import { lookAround, lookAt } from './look.ts'
import type { Found } from './look.ts'

type Answers = Record<string, [status: number, body?: unknown, headers?: Record<string, string>]>

const answering =
  (answers: Answers): RequestListener =>
  (request, response) => {
    const [status, body = '', headers = {}] = answers[request.url!] ?? [404]
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

async function found(listener: RequestListener): Promise<Found | null> {
  return on(createServer(listener), (port) => lookAt({ host: '127.0.0.1', port }, 300))
}

async function on<T>(server: Server, act: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await act((server.address() as AddressInfo).port)
  } finally {
    server.close()
    if ('closeAllConnections' in server)
      (server as { closeAllConnections(): void }).closeAllConnections()
  }
}

const models = { object: 'list', data: [{ id: 'org/Writer-7B' }, { id: 'writer' }] }
const v2 = { name: 'triton', version: '2.50', extensions: ['classification'] }

const cases: [string, Answers, Partial<Found>][] = [
  [
    'an OpenAI-style server, and where it says that it is ready',
    { '/v1/models': [200, models], '/health': [200] },
    { kind: 'openai', names: ['org/Writer-7B', 'writer'], ready: '/health', refused: [] },
  ],
  [
    'one that has no health path is ready when it lists its models (Ollama)',
    { '/v1/models': [200, models], '/': [200, 'running'] },
    { kind: 'openai', ready: '/v1/models' },
  ],
  [
    'one that is still loading',
    { '/v1/models': [200, { data: [] }], '/health': [503] },
    {
      kind: 'openai',
      names: [],
      ready: '/v1/models',
      refused: ['/health 503', '/healthz 404', '/ready 404'],
    },
  ],
  [
    'a server of KServe V2',
    { '/v2': [200, v2], '/v2/health/ready': [200] },
    { kind: 'kserve-v2', names: ['triton'], ready: '/v2/health/ready', refused: [] },
  ],
  [
    'one that is not ready yet',
    { '/v2': [200, v2], '/v2/health/ready': [503] },
    { kind: 'kserve-v2', ready: '/v2/health/ready', refused: ['/v2/health/ready 503'] },
  ],
  [
    'plain HTTP, at the first path that answers well',
    { '/healthz': [204], '/': [200] },
    { kind: 'http', names: [], ready: '/healthz', refused: ['/health 404'] },
  ],
  [
    'plain HTTP where nothing does',
    { '/': [302] },
    { kind: 'http', ready: null, refused: ['/health 404', '/healthz 404', '/ready 404', '/ 302'] },
  ],
  [
    'a page that answers everything with HTML is no OpenAI',
    {
      '/v1/models': [200, '<html>'],
      '/v2': [200, '<html>'],
      '/v2/health/ready': [200],
      '/': [200],
    },
    { kind: 'http', ready: '/' },
  ],
]

for (const [name, answers, expected] of cases)
  test(`${name} is recognised`, async () => {
    const seen = await found(answering(answers))
    assert.deepEqual({ ...seen, ...expected }, seen)
  })

test('Beryl itself is not what is looked for, live or not', async () => {
  assert.equal(
    await found(answering({ '/v1/models': [200, models, { 'Beryl-Request-Id': 'x' }] })),
    null,
  )
  const problem = {
    status: 503,
    code: 'no-live-version',
    title: 't',
    hint: 'beryl deploy a VERSION',
  }
  const type = { 'content-type': 'application/problem+json' }
  assert.equal(await found(answering({ '/v1/models': [503, problem, type] })), null)
})

test('silence, another protocol and a flood each end in time', async () => {
  assert.equal(await found(() => {}), null)
  const other = createTcpServer((socket) => socket.on('error', () => {}).end('SSH-2.0\r\n'))
  assert.equal(await on(other, (port) => lookAt({ host: '127.0.0.1', port }, 300)), null)
  const flood: RequestListener = (_request, response) => {
    const more = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more)
    }
    more()
  }
  assert.equal((await found(flood))?.kind, 'http')
})

test('ports are looked at together, and those that answer come in the order that was asked', async () => {
  const one = createServer(answering({ '/health': [200] }))
  const two = createServer(answering({ '/v1/models': [200, models] }))
  await on(one, (first) =>
    on(two, async (second) => {
      const all = await lookAround('127.0.0.1', [1, second, first])
      assert.deepEqual(
        all.map(({ address, kind }) => [address.port, kind]),
        [
          [second, 'openai'],
          [first, 'http'],
        ],
      )
    }),
  )
})
