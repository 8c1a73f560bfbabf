/** Readiness over HTTP/2 and gRPC, against real servers of node:http2. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'node:test'
import { askHttp2 } from './ask-http2.ts'
import type { Question } from './ask-http2.ts'

async function asking(
  server: Server,
  question: Partial<Question>,
  act: (why: string | null) => void,
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const closed = new Promise((resolve) => server.once('close', resolve))
  const usual = { host: '127.0.0.1', port, path: '/x', speaks: 'grpc', timeoutMs: 2000 } as const
  try {
    act(await askHttp2({ ...usual, ...question }))
  } finally {
    server.close()
    // Nothing stays open to a server that was asked.
    await closed
  }
}

function serving(serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): Server {
  const server = createServer()
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    serve(stream, headers)
  })
  return server
}

const says = (message: readonly number[], status: string) =>
  serving((stream) => {
    stream.resume()
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    stream.once('wantTrailers', () =>
      stream.sendTrailers({ 'grpc-status': status, 'grpc-message': 'why' }),
    )
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]))
  })

test('ready is what answers SERVING, or true; the question is an empty message', async () => {
  let asked: IncomingHttpHeaders = {}
  let body = Buffer.alloc(0)
  const server = serving((stream, headers) => {
    asked = headers
    stream.on('data', (chunk: Buffer) => (body = Buffer.concat([body, chunk])))
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.of(0, 0, 0, 0, 2, 8, 1))
    })
  })
  await asking(server, {}, (why) => assert.equal(why, null))
  assert.deepEqual(
    [asked[':method'], asked['content-type'], asked['te'], body.toString('hex')],
    ['POST', 'application/grpc', 'trailers', '0000000000'],
  )
})

test('everything else is not ready, and says why', async () => {
  const cases: [Server, Partial<Question>, RegExp][] = [
    [says([8, 2], '0'), {}, /answers that it is not ready/],
    [says([], '0'), {}, /answers that it is not ready/],
    [says([8, 1], '14'), {}, /grpc-status 14 \(why\)/],
    [says([], '12'), {}, /not implemented there: name a method in ready\.path/],
    [
      serving((stream) => stream.respond({ ':status': 200 }, { endStream: true })),
      {},
      /grpc-status nothing/,
    ],
    [
      serving((stream) => stream.respond({ ':status': 503 }, { endStream: true })),
      {},
      /answers 503/,
    ],
    [serving((stream) => stream.close(2)), {}, /NGHTTP2_INTERNAL_ERROR|reset the stream/],
    [serving(() => {}), { timeoutMs: 100 }, /no answer within 100 ms/],
    [
      serving((stream) => (stream.respond(), stream.end(Buffer.alloc(100_000)))),
      {},
      /more than 65536 bytes/,
    ],
    [
      createTcpServer((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      ),
      {},
      /Protocol error.*asked in HTTP\/2|closed/,
    ],
  ]
  for (const [server, question, said] of cases)
    await asking(server, question, (why) => assert.match(why ?? 'ready', said))
})

test('without gRPC, a GET that answers 2xx is ready; nobody there is not; who gives up hears so', async () => {
  const server = () =>
    serving((stream, headers) => {
      stream.respond(
        { ':status': headers[':path'] === '/healthz' ? 204 : 404 },
        { endStream: true },
      )
    })
  await asking(server(), { speaks: 'http2', path: '/healthz' }, (why) => assert.equal(why, null))
  await asking(server(), { speaks: 'http2' }, (why) => assert.equal(why, 'GET /x answers 404'))
  const models = () =>
    serving((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('{"version":"v1"}')
    })
  const judge = (body: string) => (body.includes('v2') ? null : `says ${body}`)
  await asking(models(), { speaks: 'http2', judge }, (why) =>
    assert.equal(why, 'says {"version":"v1"}'),
  )
  const nobody = {
    host: '127.0.0.1',
    port: 1,
    path: '/',
    speaks: 'http2',
    timeoutMs: 1000,
  } as const
  assert.match((await askHttp2(nobody))!, /ECONNREFUSED/)
  assert.match((await askHttp2({ ...nobody, signal: AbortSignal.abort() }))!, /given up/)
})
