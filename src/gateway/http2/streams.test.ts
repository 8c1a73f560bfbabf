/** Clients of HTTP/2 through the real walk, to a model server of HTTP/1.1: real clients of node:http2, and frames by hand. RFC 9113. */
import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import { block, dialFrames, flags, frame, settings, types } from '../testing/frames.ts'
import { answering, ok, openPair } from '../testing/pair.ts'
import type { Pair } from '../testing/pair.ts'
import type { Limits } from '../wire/accept.ts'

let pair: Pair
const open: { destroy(): void }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy()
  await pair.close()
})

async function start(serve: (socket: Socket) => void, limits?: Partial<Limits>): Promise<void> {
  pair = await openPair(serve, limits)
}

function client(): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${pair.port}`)
  session.on('error', () => {})
  open.push(session)
  return session
}

async function byHand(first?: Buffer) {
  const connection = await dialFrames(pair.port, first)
  open.push(connection.socket)
  return connection
}

type Answer = {
  status: number
  headers: Record<string, unknown>
  body: string
  trailers: Record<string, unknown> | null
  code: number
}

/** Everything of one answer, however it ended. */
function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const answer: Answer = { status: 0, headers: {}, body: '', trailers: null, code: 0 }
  stream.on('response', (headers) => {
    answer.status = headers[':status'] ?? 0
    answer.headers = headers
  })
  stream.on('trailers', (trailers) => (answer.trailers = trailers))
  stream.on('data', (chunk: Buffer) => (answer.body += chunk.toString('latin1')))
  stream.on('error', () => {})
  return new Promise((resolve) =>
    stream.on('close', () => resolve({ ...answer, code: stream.rstCode ?? 0 })),
  )
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string) {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body, 'latin1')
  return answerOf(stream)
}

const get = [
  [':method', 'GET'],
  [':path', '/x'],
  [':scheme', 'http'],
  [':authority', 'a'],
] as const

test('by prior knowledge, on the port of HTTP/1.1: a stream goes on as a request, and its answer comes back', async () => {
  let seen = ''
  await start(
    answering(
      (request) => (
        (seen = request),
        ok('hi', 'Set-Cookie: a\r\nSet-Cookie: b\r\nConnection: x\r\nX: 1\r\nKeep-Alive: 5\r\n')
      ),
    ),
  )
  const answer = await ask(
    client(),
    {
      ':method': 'POST',
      ':path': '/a?b',
      ':authority': 'model.example:80',
      cookie: ['c=1', 'd=2'],
      te: 'trailers',
      'beryl-version': 'forged',
      'x-forwarded-for': '10.1.1.1',
      'content-length': '3',
    },
    'abc',
  )
  assert.equal(
    seen,
    'POST /a?b HTTP/1.1\r\nHost: model.example:80\r\ncontent-length: 3\r\ncookie: c=1; d=2\r\nX-Forwarded-For: 10.1.1.1, 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: model.example:80\r\n\r\nabc',
  )
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'hi')
  assert.deepEqual(answer.headers['set-cookie'], ['a', 'b'])
  assert.equal(answer.headers['beryl-version'], 'v1')
  assert.equal('x' in answer.headers || 'keep-alive' in answer.headers, answer.headers['x'] === '1')
  const again = await pair.dial()
  again.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await again.until((said) => said.includes('hi'))
})

test('the preface may come byte by byte', async () => {
  await start(answering(() => ok('hi')))
  const { connect: dial } = await import('node:net')
  const socket = dial(pair.port, '127.0.0.1')
  socket.setNoDelay(true)
  const session = connect('http://a', { createConnection: () => socket })
  open.push(session)
  assert.equal((await ask(session, { ':path': '/' })).body, 'hi')
  const { preface } = await import('../testing/frames.ts')
  const slow = dial(pair.port, '127.0.0.1')
  open.push(slow)
  slow.setNoDelay(true)
  await new Promise((resolve) => slow.once('connect', resolve))
  let came = Buffer.alloc(0)
  const first = new Promise<void>((resolve) =>
    slow.on('data', (chunk: Buffer) => {
      came = Buffer.concat([came, chunk])
      if (came.length >= 9) resolve()
    }),
  )
  for (const byte of preface) {
    slow.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await first
  assert.equal(came[3], types.settings)
})

test('a preface behind a request of HTTP/1.1 is no preface', async () => {
  await start(answering(() => ok('hi')))
  const one = await pair.dial()
  one.send('GET / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.match(await one.rest(), /hi[^]*HTTP\/1\.1 505/)
})

test('a body without a length goes on in chunks, and trailers pass both ways', async () => {
  let seen = ''
  await start(
    answering((request) => {
      seen = request
      return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 2\r\nX-Sum: 3\r\n\r\n'
    }),
  )
  const stream = client().request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': '7' }))
  stream.end('abc')
  const answer = await answerOf(stream)
  assert.match(seen, /Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-check: 7\r\n\r\n$/)
  assert.equal(answer.body, 'hi')
  assert.equal(answer.trailers?.['x-sum'], '2, 3')
})

test('HEAD, 204, 304, empty answers and interim ones arrive as they are', async () => {
  const said: Record<string, string> = {
    '/head': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    '/204': 'HTTP/1.1 204 No Content\r\n\r\n',
    '/304': 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
    '/empty': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    '/early': `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('hi')}`,
  }
  await start(answering((request) => said[request.split(' ')[1]!]!))
  const session = client()
  const head = await ask(session, { ':method': 'HEAD', ':path': '/head' })
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '5', ''])
  for (const status of [204, 304])
    assert.equal((await ask(session, { ':path': `/${status}` })).status, status)
  assert.equal((await ask(session, { ':path': '/empty' })).status, 200)
  const early = session.request({ ':path': '/early' })
  const hints: unknown[] = []
  early.on('headers', (headers) => hints.push(headers[':status'], headers['link']))
  assert.equal((await answerOf(early)).body, 'hi')
  assert.deepEqual(hints, [103, '</a>'])
})

test('100-continue is said once the body is wanted', async () => {
  await start(answering(() => ok('hi')))
  const stream = client().request({ ':method': 'POST', ':path': '/', expect: '100-continue' })
  await new Promise((resolve) => stream.once('continue', resolve))
  stream.end('abc')
  assert.equal((await answerOf(stream)).body, 'hi')
})

test('pieces of an answer pass one by one, without waiting for more', async () => {
  let say: (text: string) => void = () => {}
  await start(
    answering((_request, socket) => {
      say = (text) => socket.write(`${text.length.toString(16)}\r\n${text}\r\n`)
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
    }),
  )
  const stream = client().request({ ':path': '/events' })
  await new Promise((resolve) => stream.once('response', resolve))
  for (const piece of ['data: 1\n\n', 'data: 2\n\n']) {
    const came = new Promise<Buffer>((resolve) => stream.once('data', resolve))
    say(piece)
    assert.equal((await came).toString(), piece)
  }
  stream.on('error', () => {})
  stream.close(8)
})

test('large bodies pass whole both ways on many streams at once', async () => {
  const megabyte = 'x'.repeat(1024 * 1024)
  await start(answering((request) => ok(request.slice(request.indexOf('\r\n\r\n') + 4))))
  const session = client()
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      ask(
        session,
        { ':method': 'POST', ':path': '/', 'content-length': String(megabyte.length + 1) },
        megabyte + index,
      ),
    ),
  )
  assert.deepEqual(
    all.map(({ body }) => [body.length, body.at(-1)]),
    Array.from({ length: 8 }, (_, index) => [megabyte.length + 1, String(index)]),
  )
})

test('a client that resets one stream ends that request upstream, and no other of its connection', async () => {
  const asked: Socket[] = []
  await start(
    answering((request, socket) => {
      asked.push(socket)
      return request.startsWith('GET /other') ? ok('hi') : null
    }),
  )
  const session = client()
  const stream = session.request({ ':path': '/long' })
  stream.on('error', () => {})
  await new Promise((resolve) => stream.once('ready', resolve))
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const cut = new Promise((resolve) => asked[0]!.once('close', resolve))
  stream.close(8)
  await cut
  assert.equal((await ask(session, { ':path': '/other' })).body, 'hi')
  const ended = await pair.settled(2)
  assert.deepEqual(
    ended.map(({ outcome }) => outcome),
    ['client-gone', 'ok'],
  )
})

test('an answer that breaks off is seen as broken, and only its stream', async () => {
  await start(
    answering((request, socket) => {
      if (request.startsWith('GET /other')) return ok('hi')
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      setImmediate(() => socket.destroy())
      return null
    }),
  )
  const session = client()
  assert.notEqual((await ask(session, { ':path': '/' })).code, 0)
  assert.equal((await ask(session, { ':path': '/other' })).body, 'hi')
})

test('an early answer arrives while the request body still flows, and the connection goes on', async () => {
  let socketBehind: Socket
  await start(
    (socket) => {
      socketBehind = socket
      socket.once('data', () => socket.write(ok('no')))
    },
    { lingerMs: 100 },
  )
  const session = client()
  const stream = session.request({ ':method': 'POST', ':path': '/' })
  stream.write('begun')
  const answer = await answerOf(stream)
  assert.deepEqual([answer.status, answer.body, answer.code], [200, 'no', 0])
  socketBehind!.destroy()
  assert.equal((await ask(session, { ':path': '/' })).body, 'no')
})

/** What a stream may smuggle into HTTP/1.1: refused, and no byte of it reaches a model server. */
const smuggled: [name: string, fields: readonly (readonly [string, string])[]][] = [
  ['capitals in a name', [...get, ['X-Upper', 'b']]],
  ['Transfer-Encoding', [...get, ['transfer-encoding', 'chunked']]],
  ['Connection', [...get, ['connection', 'content-length']]],
  ['Upgrade', [...get, ['upgrade', 'websocket']]],
  ['TE other than trailers', [...get, ['te', 'gzip']]],
  ['a length and no body', [...get, ['content-length', '5']]],
  ['two lengths', [...get, ['content-length', '0'], ['content-length', '5']]],
  ['a length with a plus', [...get, ['content-length', '+0']]],
  [
    'CR LF in the path',
    [
      [':method', 'GET'],
      [':path', '/ HTTP/1.1\r\nx: y'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  [
    'a space in the path',
    [
      [':method', 'GET'],
      [':path', '/ HTTP/1.1'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  [
    'a path without a slash',
    [
      [':method', 'GET'],
      [':path', 'x'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  [
    'an empty path',
    [
      [':method', 'GET'],
      [':path', ''],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  [
    'CR LF in the method',
    [
      [':method', 'GET / HTTP/1.1\r\nx: y'],
      [':path', '/'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  [
    'CR LF in the authority',
    [
      [':method', 'GET'],
      [':path', '/'],
      [':scheme', 'http'],
      [':authority', 'a\r\nx: y'],
    ],
  ],
  [
    'a name before the host',
    [
      [':method', 'GET'],
      [':path', '/'],
      [':scheme', 'http'],
      [':authority', 'me@a'],
    ],
  ],
  ['two hosts', [...get, ['host', 'b']]],
  [
    'no host',
    [
      [':method', 'GET'],
      [':path', '/'],
      [':scheme', 'http'],
    ],
  ],
  [
    'no method',
    [
      [':path', '/'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  [
    'no path',
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ],
  ],
  ['two paths', [...get, [':path', '/y']]],
  ['an unknown pseudo-header', [...get, [':x', 'y']]],
  [
    'a pseudo-header behind a field',
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'a'],
      ['x', 'y'],
      [':path', '/'],
    ],
  ],
  ['an answer’s pseudo-header', [...get, [':status', '200']]],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'a:80'],
    ],
  ],
]
for (const [name, fields] of smuggled)
  test(`refused, with nothing forwarded: ${name}`, async () => {
    let requests = 0
    await start(answering(() => (requests++, ok('hi'))))
    const one = await byHand()
    one.send(frame(types.headers, flags.endHeaders | flags.endStream, 1, block(fields)))
    await one.until(
      ({ type, stream }) =>
        (stream === 1 && (type === types.reset || type === types.headers)) || type === types.goaway,
    )
    assert.equal(requests, 0)
  })

/** Node's own framing leaves such a field out before anybody sees it; what is left means what it says, and no byte of the field goes on. */
const leftOut: typeof smuggled = [
  ['CR LF in a value', [...get, ['x', 'a\r\nTransfer-Encoding: chunked']]],
  ['LF in a value', [...get, ['x', 'a\nGET / HTTP/1.1']]],
  ['CR in a value', [...get, ['x', 'a\rb']]],
  ['NUL in a value', [...get, ['x', 'a\0b']]],
  ['a colon in a name', [...get, ['x:y', 'b']]],
  ['a space in a name', [...get, ['x y', 'b']]],
  ['CR LF in a name', [...get, ['x: 1\r\ny', 'b']]],
  ['an empty name', [...get, ['', 'b']]],
]
for (const [name, fields] of leftOut)
  test(`never goes on: ${name}`, async () => {
    let seen = ''
    await start(answering((request) => ((seen = request), ok('hi'))))
    const one = await byHand()
    one.send(frame(types.headers, flags.endHeaders | flags.endStream, 1, block(fields)))
    await one.until(({ type, stream }) => stream === 1 && type === types.headers)
    if (seen === '') return
    const ours = 'X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n'
    assert.equal(seen, `GET /x HTTP/1.1\r\nHost: a\r\n${ours}\r\n`)
  })

test('a body that is longer or shorter than its length never passes as a whole request', async () => {
  for (const body of ['abcdef', 'ab']) {
    let whole = 0
    await start(answering(() => (whole++, ok('hi'))))
    const one = await byHand()
    const post = [[':method', 'POST'], ...get.slice(1), ['content-length', '3']] as [
      string,
      string,
    ][]
    one.send(
      frame(types.headers, flags.endHeaders, 1, block(post)),
      frame(types.data, flags.endStream, 1, Buffer.from(body)),
    )
    await one.until(
      ({ type, stream }) => (stream === 1 && type === types.reset) || type === types.goaway,
    )
    await pair.settled(1)
    assert.equal(whole, 0)
    if (body === 'abcdef') await pair.close()
  }
})

test('stopping: the client is told twice what was the last, what is open ends whole, nothing new begins', async () => {
  let finish = () => {}
  await start(
    answering(
      (_, socket) => (
        (finish = () => socket.write('5\r\nlater\r\n0\r\n\r\n')),
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
      ),
    ),
  )
  const session = client()
  const goaways: number[] = []
  session.on('goaway', (code, last) => goaways.push(code, last))
  const stream = session.request({ ':path': '/' })
  const answer = answerOf(stream)
  await new Promise((resolve) => stream.once('response', resolve))
  await pair.acceptor.stop()
  finish()
  assert.equal((await answer).body, 'later')
  if (!session.destroyed) await new Promise((resolve) => session.once('close', resolve))
  assert.deepEqual(goaways.slice(0, 2), [0, 2 ** 31 - 1])
})

test('a client of gRPC is refused in its own words', async () => {
  await start((socket) => socket.destroy())
  const answer = await ask(
    client(),
    { ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc' },
    '\0\0\0\0\0',
  )
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'application/grpc')
  assert.equal(answer.headers['grpc-status'], '14')
  assert.match(String(answer.headers['grpc-message']), /r closed the connection/)
})

test('refusals arrive while the bodies that they refuse still come, and more of those is not taken', async () => {
  await start((socket) => socket.destroy())
  const session = client()
  const all = await Promise.all(
    Array.from({ length: 100 }, () =>
      ask(session, { ':method': 'POST', ':path': '/' }, 'x'.repeat(1000)),
    ),
  )
  for (const { status, body } of all) {
    assert.equal(status, 502)
    assert.match(body, /upstream-failed/)
  }
  const endless = session.request({ ':method': 'POST', ':path': '/' })
  const piece = Buffer.alloc(16 * 1024)
  const more = () => void (endless.closed || endless.write(piece, more))
  more()
  assert.equal((await answerOf(endless)).status, 502)
})

test('rapid reset: the connection ends, few of its requests were begun, and others are served', async () => {
  let begun = 0
  await start(
    answering((request) => (request.startsWith('GET /other') ? ok('hi') : (begun++, null))),
  )
  const one = await byHand()
  const head = block(get)
  for (let stream = 1; stream < 40_000 && !one.isClosed(); stream += 2) {
    const more = one.send(
      frame(types.headers, flags.endHeaders | flags.endStream, stream, head),
      frame(types.reset, 0, stream, Buffer.of(0, 0, 0, 8)),
    )
    if (!more) await new Promise((resolve) => setImmediate(resolve))
  }
  await one.closed()
  assert.ok(begun < 2000, `${begun} requests were begun`)
  assert.equal((await ask(client(), { ':path': '/other' })).body, 'hi')
})

test('made you reset: whoever brings us to reset streams ends the connection just so, and others are served', async () => {
  let begun = 0
  await start(
    answering((request) => (request.startsWith('GET /other') ? ok('hi') : (begun++, null))),
  )
  const one = await byHand()
  const head = block(get)
  for (let stream = 1; stream < 40_000 && !one.isClosed(); stream += 2) {
    // A window that grows by nothing is an error of its stream (RFC 9113 §6.9).
    const more = one.send(
      frame(types.headers, flags.endHeaders | flags.endStream, stream, head),
      frame(types.windowUpdate, 0, stream, Buffer.alloc(4)),
    )
    if (!more) await new Promise((resolve) => setImmediate(resolve))
  }
  await one.closed()
  assert.ok(begun < 2000, `${begun} requests were begun`)
  assert.equal((await ask(client(), { ':path': '/other' })).body, 'hi')
})

for (const [name, flood] of [
  ['settings', () => settings([[3, 100]])],
  ['pings', () => frame(types.ping, 0, 0, Buffer.alloc(8))],
] as const)
  test(`a flood of ${name} whose answers nobody reads ends the connection`, async () => {
    await start(answering(() => ok('hi')))
    const one = await byHand()
    await one.until(({ type }) => type === types.settings)
    one.socket.pause()
    const many = Buffer.concat(Array.from({ length: 2000 }, flood))
    while (!one.socket.destroyed && !one.isClosed()) {
      one.socket.write(many)
      await new Promise((resolve) => setImmediate(resolve))
      if (one.socket.writableLength > 64 * 1024 * 1024) break
    }
    one.socket.resume()
    await one.closed()
    assert.equal((await ask(client(), { ':path': '/' })).body, 'hi')
  })

test('a flood of continuations ends the connection, long before it is much', async () => {
  let requests = 0
  await start(answering(() => (requests++, ok('hi'))))
  const one = await byHand()
  one.send(frame(types.headers, 0, 1, block(get)))
  const piece = frame(types.continuation, 0, 1, block([['x', 'y'.repeat(100)]]))
  for (let count = 0; count < 10_000 && !one.isClosed(); count++) {
    one.send(piece)
    if (count % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await one.closed()
  assert.ok(
    one.socket.bytesWritten < 2 * 1024 * 1024,
    `${one.socket.bytesWritten} bytes were taken`,
  )
  assert.equal(requests, 0)
})

test('a head beyond the limit is refused, and the connection or its stream ends', async () => {
  let requests = 0
  await start(answering(() => (requests++, ok('hi'))))
  const session = client()
  const big = session.request({ ':path': '/', x: 'y'.repeat(70_000) })
  const answer = await answerOf(big)
  assert.notEqual(answer.status, 200)
  assert.equal(requests, 0)
})

test('streams beyond the limit are refused, and the others are served', async () => {
  const waiting: Socket[] = []
  await start(answering((_, socket) => (waiting.push(socket), null)))
  const one = await byHand()
  const head = block(get)
  for (let index = 0; index < 140; index++)
    one.send(frame(types.headers, flags.endHeaders | flags.endStream, 2 * index + 1, head))
  const refused = await one.until(({ type }) => type === types.reset)
  assert.equal(refused.payload.readUInt32BE(0), 7)
  while (waiting.length < 128) await new Promise((resolve) => setImmediate(resolve))
  for (const socket of waiting) socket.write(ok('hi'))
  await one.until(({ type, stream }) => type === types.headers && stream === 1)
  assert.equal(waiting.length, 128)
})

test('zero-window stalls: large answers that nobody takes are held at the model server, and given up', async () => {
  const sent = new Map<Socket, number>()
  await start(
    (socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
        const more = () => {
          do sent.set(socket, (sent.get(socket) ?? 0) + chunk.length)
          while (sent.get(socket)! < 100_000_000 && socket.write(chunk))
        }
        socket.on('drain', more)
        more()
      }),
    { blockedMs: 200 },
  )
  // Windows of streams are as usual; the one of the connection is never opened again.
  const one = await byHand()
  const streams = 20
  for (let index = 0; index < streams; index++)
    one.send(frame(types.headers, flags.endHeaders | flags.endStream, 2 * index + 1, block(get)))
  const outcomes = (await pair.settled(streams)).map(({ outcome }) => outcome)
  assert.deepEqual(new Set(outcomes), new Set(['client-gone']))
  assert.equal(sent.size, streams)
  for (const bytes of sent.values())
    assert.ok(bytes < 20_000_000, `${bytes} bytes were taken from one model server`)
})

test('a client that opens no window is given up after the limit, and its model server is free again', async () => {
  await start(
    answering((request) => ok('x'.repeat(request.startsWith('GET /x') ? 10_000_000 : 100))),
    { blockedMs: 100 },
  )
  const one = await byHand(settings([[4, 0]]))
  one.send(frame(types.headers, flags.endHeaders | flags.endStream, 1, block(get)))
  const reset = await one.until(({ type, stream }) => type === types.reset && stream === 1)
  assert.equal(reset.payload.readUInt32BE(0), 8)
  assert.equal((await pair.settled(1))[0]!.outcome, 'client-gone')
  const small = get.map(([key, value]) => [key, key === ':path' ? '/small' : value] as const)
  one.send(frame(types.headers, flags.endHeaders | flags.endStream, 3, block(small)))
  await one.until(({ type, stream }) => type === types.reset && stream === 3)
})

test('a connection that sends nothing, or nothing more, is ended', async () => {
  await start(
    answering(() => ok('hi')),
    { headMs: 100, idleMs: 100 },
  )
  const silent = await byHand()
  await silent.closed()
  const session = client()
  await ask(session, { ':path': '/' })
  if (!session.destroyed) await new Promise((resolve) => session.once('close', resolve))
})
