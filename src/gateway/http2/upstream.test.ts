/** Model servers of HTTP/2 behind the real walk: from clients of either protocol, all kinds of gRPC calls, and servers that refuse, leave or break off. */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:http2'
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
  Settings,
} from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import { setImmediate as breathe } from 'node:timers/promises'
import { block, flags, frame, settings, types } from '../testing/frames.ts'
import { openPair } from '../testing/pair.ts'
import type { Pair } from '../testing/pair.ts'
import type { Kept } from '../wire/wire.ts'

let pair: Pair
const open: { destroy(): void }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy()
  await pair.close()
})

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => unknown

async function start(serve: Serve, own: Settings = {}, kept?: Kept) {
  const server = createServer({ settings: own })
  const sessions: ServerHttp2Session[] = []
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    serve(stream, headers)
  })
  const connected = (socket: Socket) => void server.emit('connection', socket)
  pair = await openPair(connected, {}, 'grpc', null, null, kept)
  return { sessions }
}

/** A server by hand: what it says on each connection once it has seen a head. */
async function byHand(said: (stream: number, socket: Socket, connection: number) => Buffer | null) {
  let connections = 0
  pair = await openPair(
    (socket) => {
      const connection = connections++
      socket.write(settings())
      let held = Buffer.alloc(0)
      let begun = false
      socket.on('data', (chunk: Buffer) => {
        held = Buffer.concat([held, chunk])
        if (!begun && held.length >= 24) {
          begun = true
          held = held.subarray(24)
        }
        while (begun && held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
          const [type, stream] = [held[3], held.readUInt32BE(5)]
          held = held.subarray(9 + held.readUIntBE(0, 3))
          const bytes = type === types.headers ? said(stream, socket, connection) : null
          if (bytes !== null) socket.write(bytes)
        }
      })
    },
    {},
    'http2',
  )
}

function client(): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${pair.port}`)
  session.on('error', () => {})
  open.push(session)
  return session
}

const grpc = {
  ':method': 'POST',
  ':path': '/t.Echo/Call',
  'content-type': 'application/grpc',
  te: 'trailers',
}

function message(text: string): Buffer {
  const bytes = Buffer.from(text)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** Whole messages as they come. */
function messagesOf(
  stream: ClientHttp2Stream | ServerHttp2Stream,
  each: (text: string) => void,
): void {
  let held = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const end = 5 + held.readUInt32BE(1)
      each(held.toString('utf8', 5, end))
      held = held.subarray(end)
    }
  })
}

type Answer = {
  status: number
  headers: Record<string, unknown>
  messages: string[]
  trailers: Record<string, unknown> | null
  code: number
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const answer: Answer = { status: 0, headers: {}, messages: [], trailers: null, code: 0 }
  stream.on('response', (headers) => {
    answer.status = headers[':status'] ?? 0
    answer.headers = headers
  })
  stream.on('trailers', (trailers) => (answer.trailers = trailers))
  messagesOf(stream, (text) => answer.messages.push(text))
  stream.on('error', () => {})
  return new Promise((resolve) =>
    stream.on('close', () => resolve({ ...answer, code: stream.rstCode ?? 0 })),
  )
}

function ends(stream: ServerHttp2Stream, status = '0'): void {
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
}

/** Answers each message with itself, and says at the end how many there were. */
const echo: Serve = (stream) => {
  let count = 0
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  messagesOf(stream, (text) => {
    count++
    stream.write(message(text))
  })
  stream.once('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': '0', count: String(count) }),
  )
  stream.on('end', () => stream.end())
}

function call(session: ClientHttp2Session, ...texts: string[]): Promise<Answer> {
  const stream = session.request(grpc)
  stream.end(Buffer.concat(texts.map(message)))
  return answerOf(stream)
}

test('a call of gRPC goes on with what its server needs, and comes back with its trailers', async () => {
  let seen: IncomingHttpHeaders = {}
  await start((stream, headers) => {
    seen = headers
    echo(stream, headers)
  })
  const answer = await call(client(), 'hello')
  assert.deepEqual(answer.messages, ['hello'])
  assert.equal(answer.trailers?.['grpc-status'], '0')
  assert.equal(answer.headers['beryl-version'], 'v1')
  assert.equal(seen['te'], 'trailers')
  assert.equal(seen[':scheme'], 'http')
  assert.equal(seen[':authority'], `127.0.0.1:${pair.port}`)
  assert.equal(seen['x-forwarded-for'], '127.0.0.1')
  assert.equal('host' in seen || 'connection' in seen, false)
})

test('messages of a stream pass one by one in both directions, while it is open', async () => {
  await start(echo)
  const stream = client().request(grpc)
  let heard: (text: string) => void = () => {}
  messagesOf(stream, (text) => heard(text))
  for (const text of ['a', 'b', 'c']) {
    const answer = new Promise((resolve) => (heard = resolve))
    stream.write(message(text))
    assert.equal(await answer, text)
  }
  const trailers = new Promise<IncomingHttpHeaders>((resolve) => stream.once('trailers', resolve))
  stream.end()
  assert.equal((await trailers)['count'], '3')
})

test('many to one, and one to many', async () => {
  await start((stream) => {
    const texts: string[] = []
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    ends(stream)
    messagesOf(stream, (text) => texts.push(text))
    stream.on('end', () => {
      if (texts.length > 1) return void stream.end(message(texts.join('')))
      for (let index = 0; index < 3; index++) stream.write(message(`${texts[0]}${index}`))
      stream.end()
    })
  })
  const session = client()
  assert.deepEqual((await call(session, 'a', 'b', 'c')).messages, ['abc'])
  assert.deepEqual((await call(session, 'x')).messages, ['x0', 'x1', 'x2'])
})

test('an answer that comes before the end of its request arrives whole, trailers and all', async () => {
  await start((stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    ends(stream)
    messagesOf(stream, (text) => stream.end(message(text)))
  })
  const session = client()
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, index) => call(session, `${index}`)),
  )
  for (const [index, { messages, trailers }] of all.entries()) {
    assert.deepEqual(messages, [`${index}`])
    assert.equal(trailers?.['grpc-status'], '0')
  }
  assert.ok((await pair.settled(100)).every(({ outcome }) => outcome === 'ok'))
})

test('a head that is the trailers too stays one, and counts as what it says', async () => {
  await start((stream) =>
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '13' },
      { endStream: true },
    ),
  )
  const stream = client().request(grpc)
  stream.end(message('x'))
  const ended = new Promise<number>((resolve) =>
    stream.once('response', (_headers, flag) => resolve(flag)),
  )
  stream.resume()
  assert.equal((await ended) & flags.endStream, flags.endStream)
  const [result] = await pair.settled(1)
  assert.deepEqual([result!.outcome, result!.status], ['error-status', 500])
})

test('what gRPC calls a failure of the server counts as one, what it calls the caller’s does not', async () => {
  let status = '14'
  await start((stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    ends(stream, status)
    stream.end(message('x'))
  })
  const session = client()
  await call(session, 'x')
  status = '3'
  await call(session, 'x')
  assert.deepEqual(
    (await pair.settled(2)).map((one) => [one.outcome, one.status]),
    [
      ['error-status', 503],
      ['ok', 200],
    ],
  )
})

test('a client of HTTP/1.1 is answered by a server of HTTP/2: lengths, chunks, trailers, HEAD, nothing', async () => {
  await start((stream, headers) => {
    switch (headers[':path']) {
      case '/length':
        stream.respond({ ':status': 200, 'content-length': 2 })
        return void stream.end('hi')
      case '/trailers':
        stream.respond({ ':status': 200 }, { waitForTrailers: true })
        stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': '2' }))
        return void stream.end('hi')
      case '/204':
        return stream.respond({ ':status': 204 }, { endStream: true })
      case '/head':
        return stream.respond({ ':status': 200, 'content-length': 7 }, { endStream: true })
      default:
        return stream.respond({ ':status': 200 }, { endStream: true })
    }
  })
  const one = await pair.dial()
  const ask = async (method: string, path: string, until: string) => {
    const before = one.said().length
    one.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await one.until((said) => said.slice(before).includes(until))
    return one.said().slice(before)
  }
  assert.match(await ask('GET', '/length', 'hi'), /content-length: 2\r\n[^]*\r\n\r\nhi$/)
  assert.match(
    await ask('GET', '/trailers', 'x-sum: 2\r\n\r\n'),
    /Transfer-Encoding: chunked\r\n[^]*2\r\nhi\r\n0\r\nx-sum: 2\r\n\r\n$/,
  )
  assert.doesNotMatch(await ask('GET', '/204', '\r\n\r\n'), /chunked|length/i)
  assert.match(await ask('HEAD', '/head', '\r\n\r\n'), /content-length: 7/)
  assert.match(await ask('GET', '/empty', '0\r\n\r\n'), /chunked/)
})

test('large bodies pass whole both ways, through slow windows', async () => {
  await start((stream) => {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const session = client()
  const body = Buffer.alloc(2 * 1024 * 1024, 'abcdefg')
  const all = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const stream = session.request({ ':method': 'POST', ':path': '/' })
      stream.end(body)
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    }),
  )
  for (const one of all) assert.ok(one.equals(body))
})

test('a server that takes one call at a time is given one, on each of several connections', async () => {
  const behind = await start(echo, { maxConcurrentStreams: 1 })
  const session = client()
  const all = await Promise.all(Array.from({ length: 5 }, (_, index) => call(session, `${index}`)))
  assert.deepEqual(
    all.map(({ messages }) => messages[0]),
    ['0', '1', '2', '3', '4'],
  )
  const connections = behind.sessions.length
  assert.ok(connections > 1 && connections <= 5)
  await call(session, 'again')
  assert.equal(behind.sessions.length, connections)
})

test('a call that the server says it never looked at is asked again, body and all', async () => {
  let tries = 0
  await start((stream, headers) => {
    if (++tries === 1) return stream.close(7)
    return echo(stream, headers)
  })
  assert.deepEqual((await call(client(), 'once')).messages, ['once'])
  assert.equal(tries, 2)
  assert.equal((await pair.settled(1))[0]!.outcome, 'ok')
})

test('a server that always refuses is believed in the end', async () => {
  let tries = 0
  await start((stream) => {
    tries++
    stream.close(7)
  })
  const answer = await call(client(), 'x')
  assert.equal(answer.headers['grpc-status'], '14')
  assert.equal(tries, 3)
})

test('a server that leaves finishes what it began, and what it did not begin goes to its next connection', async () => {
  const goaway = frame(types.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]))
  const created = block([[':status', '201']])
  let first: Socket
  await byHand((stream, socket, connection) => {
    if (connection === 1)
      return frame(types.headers, flags.endHeaders | flags.endStream, stream, created)
    first = socket
    return stream === 1
      ? frame(types.headers, flags.endHeaders, 1, block([[':status', '200']]))
      : goaway
  })
  const session = client()
  const begun = session.request({ ':path': '/1' })
  await new Promise((resolve) => begun.once('response', resolve))
  assert.equal((await answerOf(session.request({ ':path': '/2' }))).status, 201)
  first!.write(frame(types.data, flags.endStream, 1, Buffer.from('end')))
  let text = ''
  for await (const chunk of begun) text += String(chunk)
  assert.equal(text, 'end')
})

for (const code of [2, 8])
  test(`an answer that its server resets in the middle (code ${code}) is seen as broken`, async () => {
    await byHand((stream) =>
      Buffer.concat([
        frame(types.headers, flags.endHeaders, stream, block([[':status', '200']])),
        frame(types.data, 0, stream, Buffer.from('half')),
        frame(types.reset, 0, stream, Buffer.of(0, 0, 0, code)),
      ]),
    )
    const one = await pair.dial()
    one.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.doesNotMatch(await one.rest(), /\r\n0\r\n/)
    assert.equal((await pair.settled(1))[0]!.outcome, 'cut')
  })

for (const [what, more, last] of [
  ['of gRPC ends without its status', ['content-type', 'application/grpc'], 'reset'],
  ['is reset without an error before its length', ['content-length', '10'], 'reset'],
  ['is shorter than its length', ['content-length', '10'], 'end'],
] as const)
  test(`seen as broken: an answer that ${what}`, async () => {
    await byHand((stream) =>
      Buffer.concat([
        frame(types.headers, flags.endHeaders, stream, block([[':status', '200'], more])),
        frame(types.data, last === 'end' ? flags.endStream : 0, stream, Buffer.from('half')),
        frame(types.reset, 0, stream, Buffer.of(0, 0, 0, 0)),
      ]),
    )
    const one = await pair.dial()
    one.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await one.rest()
    assert.equal((await pair.settled(1))[0]!.outcome, 'cut')
  })

test('a client that goes cancels its call, and only its call', async () => {
  const streams: ServerHttp2Stream[] = []
  const behind = await start((stream, headers) => {
    if (headers[':path'] === '/long') return streams.push(stream)
    return echo(stream, headers)
  })
  const session = client()
  const long = session.request({ ':path': '/long' })
  long.on('error', () => {})
  while (streams.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const cancelled = new Promise((resolve) => streams[0]!.once('close', resolve))
  long.close(8)
  await cancelled
  assert.equal(streams[0]!.rstCode, 8)
  assert.deepEqual((await call(session, 'x')).messages, ['x'])
  assert.equal(behind.sessions.length, 1)
})

test('a server that speaks HTTP/1.1 is named as such, and no request has left', async () => {
  let seen = ''
  pair = await openPair(
    (socket) => {
      socket.on('data', (chunk) => (seen += chunk.toString('latin1')))
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
    },
    {},
    'http2',
  )
  const one = await pair.dial()
  one.send('GET /secret HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(await one.until((said) => said.includes('hint')), /502[^]*upstream: http2/)
  assert.doesNotMatch(seen, /secret/)
  assert.equal((await pair.settled(1))[0]!.outcome, 'connect-failed')
})

test('a kept connection that is gone is not the client’s concern', async () => {
  const behind = await start((stream) => {
    stream.respond({ ':status': 200 })
    stream.end('hi')
  })
  const session = client()
  for (let round = 0; round < 3; round++) {
    assert.equal((await answerOf(session.request({ ':path': '/' }))).status, 200)
    behind.sessions.at(-1)!.destroy()
  }
})

test('a connection that has carried as many calls as it may ends what it carries, and another one goes on', async () => {
  const held: ServerHttp2Stream[] = []
  const answer = (stream: ServerHttp2Stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    ends(stream)
    stream.end(message('x'))
  }
  const { sessions } = await start(
    (stream, headers) => {
      stream.resume()
      if (headers[':path'] === '/t.Echo/Hold') held.push(stream)
      else answer(stream)
    },
    {},
    { idleMax: 256, idleMs: null, requestsMax: 4 },
  )
  const session = client()
  const ask = (path: string) => {
    const stream = session.request({ ...grpc, ':path': path })
    stream.end(message('q'))
    return answerOf(stream)
  }
  const open: Promise<Answer>[] = []
  // Those that end theirs are not counted: there are more of them in the end than would be opened.
  for (let batch = 1; batch <= 3; batch++) {
    for (let turn = 0; turn < 40; turn++) open.push(ask('/t.Echo/Hold'))
    assert.equal((await ask('/t.Echo/Call')).status, 200)
    const isOver = Promise.race(open)
    while (held.length < open.length)
      if ((await Promise.race([isOver, breathe(null)])) !== null)
        assert.fail(`one was over: ${JSON.stringify(await isOver)}`)
  }
  assert.ok(sessions.length >= 30, `${sessions.length} connections`)
  for (const stream of held) answer(stream)
  const answers = await Promise.all(open)
  assert.ok(answers.every(({ status, code }) => status === 200 && code === 0))
})
