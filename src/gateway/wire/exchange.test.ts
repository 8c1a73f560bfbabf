/** Requests and answers through the gateway over real sockets, and where proxies go wrong (RFC 9110, RFC 9112). */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { afterEach, test } from 'node:test'
import { answering, ok, openPair } from '../testing/pair.ts'
import type { Pair } from '../testing/pair.ts'
import type { Limits } from './accept.ts'

let pair: Pair
afterEach(() => pair.close())

async function open(serve: (socket: Socket) => void, limits?: Partial<Limits>): Promise<void> {
  pair = await openPair(serve, limits)
}

const get = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
const whole = (text: string) => (said: string) => said.includes(text)

test('a request goes on as it is, but for what was meant for this connection, and says who asked', async () => {
  let seen = ''
  await open(answering((request) => ((seen = request), ok('hi'))))
  const client = await pair.dial()
  client.send(
    'POST /a?b HTTP/1.1\r\nHost: model.example:80\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Authorization: z\r\nBeryl-Version: forged\r\nX-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: gopher\r\nX-Custom:  kept as it is \r\nContent-Length: 3\r\n\r\nabc',
  )
  await client.until(whole('hi'))
  assert.equal(
    seen,
    'POST /a?b HTTP/1.1\r\nHost: model.example:80\r\nX-Custom:  kept as it is \r\nContent-Length: 3\r\nX-Forwarded-For: 10.1.1.1, 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: model.example:80\r\n\r\nabc',
  )
  assert.match(
    client.said(),
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\nBeryl-Version: v1\r\nBeryl-Environment: blue\r\nBeryl-Request-Id: id\r\n\r\nhi$/,
  )
})

test('`Connection` may not take away what frames a message or where it goes', async () => {
  let seen = ''
  await open(answering((request) => ((seen = request), ok('hi'))))
  const client = await pair.dial()
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, Host\r\nContent-Length: 3\r\n\r\nabc',
  )
  await client.until(whole('hi'))
  assert.match(seen, /\r\nHost: a\r\n/)
  assert.match(seen, /\r\nContent-Length: 3\r\n/)
})

/** The published families of request smuggling: each is refused, and no byte of it reaches a model server. */
const smuggled: [name: string, request: string, status: number][] = [
  [
    'CL.TE',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
    400,
  ],
  [
    'TE.CL',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nG\r\n0\r\n\r\n',
    400,
  ],
  [
    'TE.TE, the second one odd',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n',
    501,
  ],
  [
    'TE twice',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  [
    '0.CL, its length with a space before the colon',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 23\r\n\r\nGET /b HTTP/1.1\r\nX: y\r\n',
    400,
  ],
  [
    '0.CL, its length folded',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 23\r\n\r\nGET /b HTTP/1.1\r\nX: y\r\n',
    400,
  ],
  [
    '0.CL, its length behind a folded line',
    'POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 23\r\n\r\nGET /b HTTP/1.1\r\nX: y\r\n',
    400,
  ],
  [
    '0.CL, an expectation that only resembles one',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: y 100-continue\r\nContent-Length: 23\r\n\r\nGET /b HTTP/1.1\r\nX: y\r\n',
    417,
  ],
  [
    'CL.TE, with a vertical tab for a space',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding:\x0cchunked\r\n\r\n0\r\n\r\nG',
    400,
  ],
  [
    'TE with a space before the colon',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'TE folded',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  [
    'TE with a vertical tab',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'TE not last',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    501,
  ],
  [
    'TE identity',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc',
    501,
  ],
  [
    'TE in HTTP/1.0',
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'CL twice, equal',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
    400,
  ],
  ['CL as a list', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc', 400],
  ['CL with a plus', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc', 400],
  ['CL in hexadecimal', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc', 400],
  ['CL below zero', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n', 400],
  [
    'CL too long to be a number',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${'9'.repeat(20)}\r\n\r\n`,
    400,
  ],
  ['bare LF', 'GET / HTTP/1.1\nHost: a\n\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 5\r\n\r\n', 400],
  ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400],
  ['a line without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n', 400],
  ['a line without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nGPOST / HTTP/1.1\r\n\r\n', 400],
  ['a first header that is folded', 'GET / HTTP/1.1\r\n X: 1\r\nHost: a\r\n\r\n', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['HTTP/2.0 in a request line', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a fragment', 'GET /#x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a target that is no path', 'GET x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501],
  [
    'an expectation nobody knows',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na',
    417,
  ],
  [
    'Expect twice',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n\r\na',
    400,
  ],
  [
    'an upgrade with a body',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello',
    400,
  ],
  ['a target too long', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['a target without end', `GET /${'a'.repeat(70_000)}`, 414],
  ['a head too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
  ['a head that never ends', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(70_000)}`, 431],
  ['too many lines', `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(300)}\r\n`, 431],
]

for (const [name, request, status] of smuggled) {
  test(`${name} is refused with ${status}, the connection ends, and nothing reaches the model server`, async () => {
    let reached = false
    await open((socket) => {
      reached = true
      answering(() => ok(''))(socket)
    })
    const client = await pair.dial()
    client.send(request)
    const said = await client.rest()
    assert.match(said, new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nConnection: close\\r\\n`, 's'))
    assert.equal(said.match(/HTTP\/1\.1 \d/g)?.length, 1, 'one answer, whatever follows')
    assert.ok(!reached)
  })
}

for (const [name, chunks] of [
  ['a size that is no number', 'x\r\n'],
  ['a size below zero', '-1\r\n'],
  ['a size with a space', '1 \r\na\r\n0\r\n\r\n'],
  ['a size line that ends with LF', '1\na\r\n0\r\n\r\n'],
  ['a chunk longer than its size', '1\r\nab\r\n0\r\n\r\n'],
  ['a size of too many digits', `${'0'.repeat(20)}1\r\na\r\n0\r\n\r\n`],
  ['an extension with a bare CR', '1;a\rb\r\na\r\n0\r\n\r\n'],
  ['an extension without end', `1;${'a'.repeat(5000)}`],
  ['a trailer that frames', '0\r\nContent-Length: 5\r\n\r\n'],
  ['a trailer with a bare LF', '0\r\nX: a\nY: b\r\n\r\n'],
] as const) {
  test(`chunks: ${name} ends the connection, and the model server sees no whole request`, async () => {
    const seen: string[] = []
    await open(answering((request) => (seen.push(request), ok(''))))
    const client = await pair.dial()
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)
    assert.match(await client.rest(), /^HTTP\/1\.1 400 /)
    assert.deepEqual(seen, [])
    const [first] = await pair.settled(1)
    assert.equal(first!.outcome, 'client-gone', 'it is nobody’s failure but the client’s')
  })
}

test('pipelined requests are answered in order, however many come at once', async () => {
  await open(answering((request) => ok(/GET \/(\d+)/.exec(request)![1]!)))
  const client = await pair.dial()
  const count = 2000
  client.send(
    Array.from({ length: count }, (_, at) => `GET /${at} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
  )
  await client.until(
    (said) => said.split('HTTP/1.1 200').length === count + 1 && said.endsWith(String(count - 1)),
  )
  const bodies = client
    .said()
    .split(/HTTP\/1\.1 200 OK[^]*?\r\n\r\n/)
    .slice(1)
  assert.deepEqual(
    bodies,
    Array.from({ length: count }, (_, at) => String(at)),
  )
})

test('chunks of an answer go on whole, however they come; how their sizes were written does not', async () => {
  const told = Promise.withResolvers<Socket>()
  await open((socket) => socket.once('data', () => told.resolve(socket)))
  const client = await pair.dial()
  client.send(get)
  const server = await told.promise
  const said = async (sent: string, expected: string) => {
    server.write(sent)
    await client.until((all) => all.endsWith(expected))
  }
  await said('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '\r\n\r\n')
  await said('2\r\nab\r\n', '\r\n\r\n2\r\nab\r\n')
  await said('1\r\nc\r\n3\r\ndef\r\n', 'ab\r\n1\r\nc\r\n3\r\ndef\r\n')
  await said('0002;x=y\r\ngh\r\n', 'def\r\n2\r\ngh\r\n')
  await said('00001\r\ni\r\n4\r\nj', 'gh\r\n1\r\ni\r\n1\r\nj\r\n')
  await said('kl', 'j\r\n2\r\nkl\r\n')
  await said('m\r\n1\r\nn\r\n', 'kl\r\n1\r\nm\r\n1\r\nn\r\n')
  await said('0\r\n\r\n', 'n\r\n0\r\n\r\n')
  assert.equal((await pair.settled(1))[0]!.outcome, 'ok')
})

test('a chunk that does not end where it says is a cut answer, and nothing of it goes on as it came', async () => {
  await open((socket) =>
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n'),
    ),
  )
  const client = await pair.dial()
  client.send(get)
  assert.doesNotMatch(await client.rest(), /X\r\n|\r\n0\r\n/)
  assert.equal((await pair.settled(1))[0]!.outcome, 'cut')
})

test('a body in chunks goes on in chunks, trailers and all; extensions do not', async () => {
  let seen = ''
  await open(
    answering(
      (request) => (
        (seen = request),
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n3;x\r\nabc\r\n0\r\nSum: 7\r\nConnection: x\r\n\r\n`
      ),
    ),
  )
  const client = await pair.dial()
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;ext="1"\r\nhi\r\n0\r\nT: 1\r\n\r\n',
  )
  await client.until(whole('Sum: 7\r\n\r\n'))
  assert.match(seen, /\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n$/)
  assert.match(client.said(), /Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 7\r\n\r\n$/)
})

test('HEAD, 204 and 304 have no body, whatever their heads say', async () => {
  await open(
    answering((request) =>
      request.startsWith('HEAD')
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'
        : request.includes('/204')
          ? 'HTTP/1.1 204 No Content\r\n\r\n'
          : 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    ),
  )
  const client = await pair.dial()
  client.send(
    `HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\n`,
  )
  const said = await client.until((text) => text.includes('304') && text.endsWith('\r\n\r\n'))
  assert.deepEqual(
    [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['200', '204', '304'],
  )
  assert.match(said, /200 OK\r\nContent-Length: 500\r\n/)
})

test('100-continue is said once the model server is reached, and 103 goes through', async () => {
  await open(answering(() => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('done')}`))
  const client = await pair.dial()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
  await client.until(whole('HTTP/1.1 100 Continue\r\n\r\n'))
  client.send('hi')
  await client.until(whole('done'))
  assert.match(
    client.said(),
    /100 Continue\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200/,
  )
})

test('a client of HTTP/1.0 gets its answer without chunks, and the connection ends with it', async () => {
  await open(
    answering(() => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
  )
  const client = await pair.dial()
  client.send('GET / HTTP/1.0\r\n\r\n')
  const said = await client.rest()
  assert.equal(bodyOf(said), 'hi')
  assert.match(said, /Connection: close/)
})

test('an answer that ends with its connection is whole; one of a stated length that ends early is seen to be cut', async () => {
  await open((socket) => {
    socket.once('data', (chunk) => {
      const stated = chunk.toString().includes('/stated')
      socket.end(`HTTP/1.1 200 OK\r\n${stated ? 'Content-Length: 10\r\n' : ''}\r\nhello`)
    })
  })
  const open_ = await pair.dial()
  open_.send('GET /open HTTP/1.1\r\nHost: a\r\n\r\n')
  await open_.until(whole('0\r\n\r\n'))
  assert.match(open_.said(), /Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
  const stated = await pair.dial()
  stated.send('GET /stated HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(bodyOf(await stated.rest()), 'hello')
  assert.deepEqual(
    (await pair.settled(2)).map(({ outcome }) => outcome),
    ['ok', 'cut'],
  )
})

test('chunks that end early are cut for the client too: it never sees a last chunk', async () => {
  await open((socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    ),
  )
  const client = await pair.dial()
  client.send(get)
  assert.ok(!(await client.rest()).includes('\r\n0\r\n'))
  assert.equal((await pair.settled(1))[0]!.outcome, 'cut')
})

for (const [name, answer] of [
  ['is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  [
    'has both lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi'],
  ['has a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi\r\n\r\n'],
  ['has a head without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`],
  ['is interim for ever', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)],
  ['changes protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
] as const) {
  test(`an answer that ${name} is a 502 in the version’s name, and its connection is never used again`, async () => {
    let connections = 0
    await open((socket) => {
      connections++
      socket.on('data', () => socket.write(answer, 'latin1'))
    })
    const client = await pair.dial()
    client.send(get)
    await client.until(whole('upstream-failed'))
    assert.match(client.said(), /HTTP\/1\.1 502 Bad Gateway\r\n.*Beryl-Version: v1/s)
    client.send(get)
    await client.until((said) => said.split('upstream-failed').length === 3)
    assert.equal(connections, 2)
  })
}

test('bytes behind an answer belong to nobody: the next request goes over another connection', async () => {
  let connections = 0
  await open((socket) => {
    connections++
    answering(() => `${ok('first')}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong`)(socket)
  })
  const client = await pair.dial()
  for (let times = 1; times <= 3; times++) {
    client.send(get)
    await client.until((said) => said.split('first').length === times + 1)
  }
  assert.ok(!client.said().includes('wrong'))
  assert.equal(connections, 3)
})

test('connections to the model server are kept; one that it closed under a repeatable request is replaced in silence', async () => {
  let connections = 0
  await open((socket) => {
    connections++
    let served = 0
    socket.on('data', () => {
      // As a server that times out in the very moment: the second request finds a closed door.
      if (++served === 2) socket.destroy()
      else socket.write(ok(`by ${connections}`))
    })
  })
  const client = await pair.dial()
  client.send(get)
  await client.until(whole('by 1'))
  client.send(get)
  await client.until(whole('by 2'))
  assert.deepEqual(
    (await pair.settled(2)).map(({ outcome }) => outcome),
    ['ok', 'ok'],
  )
})

test('a POST is never sent twice: where its connection is lost the client is told', async () => {
  let requests = 0
  await open((socket) => {
    socket.on('data', () => {
      if (++requests === 2) socket.destroy()
      else socket.write(ok('x'))
    })
  })
  const client = await pair.dial()
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na'
  client.send(post)
  await client.until(whole('x'))
  client.send(post)
  await client.until(whole('502'))
  assert.equal(requests, 2)
})

test('CL.0: what a model server does not read of a body is never taken for the next request', async () => {
  const heads: string[] = []
  await open((socket) => {
    socket.once('data', (head) => {
      heads.push(head.toString('latin1').split('\r\n', 1)[0]!)
      socket.write(ok('early'))
    })
    socket.on('data', () => {})
  })
  const client = await pair.dial()
  const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
  client.send(`POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
  await client.until(whole('early'))
  client.send(`${body}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`)
  await client.until((said) => said.split('early').length === 3)
  assert.deepEqual(heads, ['POST /first HTTP/1.1', 'GET /second HTTP/1.1'])
})

test('an early answer arrives while the request still flows, and neither connection is used for a second one', async () => {
  await open((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig'),
    )
    socket.on('data', () => {})
  })
  const client = await pair.dial()
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n${'a'.repeat(10_000)}`)
  await client.until(whole('big'))
  await new Promise((resolve) =>
    pair.behind.size === 0 ? resolve(null) : [...pair.behind][0]!.once('end', resolve),
  )
  assert.equal(pair.behind.size, 0)
  client.send('a'.repeat(500_000))
  await client.rest()
})

test('a client that closes its half after the request still gets the whole answer', async () => {
  await open(answering(() => ok('late but whole')))
  const client = await pair.dial()
  client.socket.end(get)
  await client.rest()
  assert.match(client.said(), /late but whole$/)
})

for (const [when, first] of [
  ['before its answer has begun', ''],
  ['in the middle of its answer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
] as const) {
  test(`a client that goes away ${when} takes the request with it: the model server sees the end`, async () => {
    let gone: () => void
    const seen = new Promise<void>((resolve) => (gone = resolve))
    let asked: () => void
    const reached = new Promise<void>((resolve) => (asked = resolve))
    await open(
      (socket) => {
        socket.once('data', () => {
          asked()
          socket.write(first)
          const tokens =
            first === '' ? undefined : setInterval(() => socket.write('2\r\nhi\r\n'), 20)
          socket.on('close', () => clearInterval(tokens))
        })
        socket.on('end', () => gone())
      },
      { halfClosedMs: 100 },
    )
    const client = await pair.dial()
    client.send(get)
    await reached
    if (first !== '') await client.until(whole('hi'))
    client.socket.destroy()
    await seen
    assert.equal((await pair.settled(1))[0]!.outcome, 'client-gone')
  })
}

test('a client that closed its half gets a long answer whole, once it has begun', async () => {
  await open(
    (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
        let left = 10
        const timer = setInterval(() => {
          socket.write(--left > 0 ? '1\r\nb\r\n' : '0\r\n\r\n')
          if (left === 0) clearInterval(timer)
        }, 40)
      })
    },
    { halfClosedMs: 100 },
  )
  const client = await pair.dial()
  client.send(get)
  await client.until(whole('a\r\n'))
  client.socket.end()
  assert.match(await client.rest(), /\r\n0\r\n\r\n$/)
})

test('an answer that still waits in the socket goes out whole, though the client has closed its half or asked to close', async () => {
  const size = 30_000_000
  const block = 'z'.repeat(1_000_000)
  await open(
    (socket) => {
      socket.on('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
        for (let sent = 0; sent < size; sent += block.length) socket.write(block)
      })
    },
    { lingerMs: 100, halfClosedMs: 10_000 },
  )
  for (const request of [get, get.replace('Host', 'Connection: close\r\nHost')]) {
    const client = await pair.dial()
    client.socket.pause()
    client.socket.end(request)
    const before = pair.ended.length
    setTimeout(() => client.socket.resume(), 600)
    const said = await client.rest()
    assert.equal(bodyOf(said).length, size)
    assert.equal((await pair.settled(before + 1))[before]!.outcome, 'ok')
  }
})

test('who is answered early and never sends the rest of its body is let go', async () => {
  await open(
    (socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
      ),
    { lingerMs: 100 },
  )
  const client = await pair.dial()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc')
  assert.match(await client.rest(), /no$/)
})

test('a cut answer looks cut to HTTP/1.0 too: the connection is reset', async () => {
  await open((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      setImmediate(() => socket.end())
    }),
  )
  const client = await pair.dial()
  const failed = new Promise<NodeJS.ErrnoException>((resolve) =>
    client.socket.once('error', resolve),
  )
  client.send('GET / HTTP/1.0\r\n\r\n')
  assert.equal((await failed).code, 'ECONNRESET')
})

test('endless interim answers, and a body of endless chunks that nobody wants, are bounded', async () => {
  await open((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
  )
  const client = await pair.dial()
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  await client.until(whole('ok'))
  let sent = 0
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  client.socket.on('error', () => {})
  while (!client.socket.destroyed && !client.socket.readableEnded && sent < 100_000_000) {
    sent += chunk.length
    if (!client.send(chunk))
      await new Promise((resolve) => {
        client.socket.once('drain', resolve)
        client.socket.once('close', resolve)
        client.socket.once('end', resolve)
      })
  }
  assert.ok(sent < 20_000_000, `${sent} bytes were taken`)
})

test('events of a stream arrive one by one, as they are sent', async () => {
  let model: Socket | null = null
  await open((socket) => {
    model = socket
    socket.once('data', () =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
      ),
    )
  })
  const client = await pair.dial()
  client.send(get)
  await client.until(whole('\r\n\r\n'))
  for (let event = 0; event < 5; event++) {
    model!.write(`d\r\ndata: token${event}\n\r\n`)
    await client.until(whole(`token${event}\n`))
  }
})

test('a large upload and a large answer at once do not lock each other, and arrive whole', async () => {
  const size = 20_000_000
  let received = 0
  await open((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      for (let sent = 0; sent < size; sent += 100_000) socket.write('b'.repeat(100_000))
    })
    socket.on('data', (chunk) => (received += chunk.length))
  })
  const client = await pair.dial()
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
  for (let sent = 0; sent < size; sent += 100_000) client.send('a'.repeat(100_000))
  await client.until((said) => said.length > size)
  assert.ok(received > 0)
})

test('a client that reads nothing holds the model server back, and memory stays bounded', async () => {
  let sent = 0
  await open(
    (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
        const more = () => {
          while (sent < 500_000_000 && socket.write(chunk)) sent += chunk.length
        }
        socket.on('drain', more)
        more()
      })
    },
    { blockedMs: 400 },
  )
  const client = await pair.dial()
  client.socket.pause()
  client.send(get)
  const [first] = await pair.settled(1)
  assert.equal(first!.outcome, 'client-gone', 'who takes nothing for too long is let go')
  assert.ok(sent < 50_000_000, `${sent} bytes were taken from the model server`)
})

test('who sends a head byte by byte, or nothing at all, is let go in time while others are served', async () => {
  await open(
    answering(() => ok('served')),
    { headMs: 300, idleMs: 300 },
  )
  const slow = await pair.dial()
  slow.send('GET / HTTP/1.1\r\nHost: a\r\nX: ')
  // Slow loris: each byte comes in time, the head does not.
  const drip = setInterval(() => slow.send('y'), 20)
  slow.socket.once('close', () => clearInterval(drip))
  const silent = await Promise.all(Array.from({ length: 200 }, () => pair.dial()))
  const client = await pair.dial()
  client.send(get)
  await client.until(whole('served'))
  assert.match(await slow.rest(), /^HTTP\/1\.1 408 /)
  for (const one of silent) assert.equal(await one.rest(), '')
})

test('after `stop` the answer under way is whole, says that it is the last, and the connection ends', async () => {
  let model: Socket | null = null
  await open((socket) => socket.once('data', () => (model = socket)))
  const idle = await pair.dial()
  const client = await pair.dial()
  client.send(get)
  while (model === null) await new Promise((resolve) => setImmediate(resolve))
  void pair.acceptor.stop()
  ;(model as Socket).write(ok('last'))
  const said = await client.rest()
  assert.match(said, /Connection: close\r\n\r\nlast$/)
  assert.equal(await idle.rest(), '')
})

test('a changed protocol carries bytes both ways, early ones too, until both halves have closed', async () => {
  await open((socket) => {
    socket.once('data', (head) => {
      const early = head.toString('latin1').split('\r\n\r\n')[1]
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello ${early}`,
      )
      socket.on('data', (chunk) => socket.write(`echo ${chunk.toString()}`))
      socket.on('end', () => socket.end('bye'))
    })
  })
  const client = await pair.dial()
  client.send(
    'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: y\r\n\r\n',
  )
  await client.until(whole('hello '))
  assert.match(client.said(), /Beryl-Version: v1.*Upgrade: websocket\r\n\r\nhello /s)
  client.send('one')
  await client.until(whole('echo one'))
  client.socket.end()
  assert.match(await client.rest(), /bye$/)
  assert.equal((await pair.settled(1))[0]!.outcome, 'ok')
})

test('a refused change of protocol is an answer like any other', async () => {
  await open(answering(() => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'))
  const client = await pair.dial()
  client.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await client.until(whole('no'))
  assert.match(client.said(), /^HTTP\/1\.1 403 Forbidden/)
})

test('an upgrade to anything but WebSocket is answered in HTTP/1.1', async () => {
  let seen = ''
  await open(answering((request) => ((seen = request), ok('plain'))))
  const client = await pair.dial()
  client.send(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
  )
  await client.until(whole('plain'))
  assert.doesNotMatch(seen, /upgrade|HTTP2-Settings/i)
})

test('an absolute target counts before the Host line (RFC 9112 §3.2.2)', async () => {
  let seen = ''
  await open(answering((request) => ((seen = request), ok('x'))))
  const client = await pair.dial()
  client.send('GET http://real.example/p?q HTTP/1.1\r\nHost: other\r\n\r\n')
  await client.until(whole('x'))
  assert.match(seen, /^GET \/p\?q HTTP\/1\.1\r\nHost: real\.example\r\n/)
  assert.doesNotMatch(seen, /other/)
})

test('every byte value survives in both directions', async () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    .join('')
    .repeat(100)
  await open(answering((request) => ok(bodyOf(request))))
  const client = await pair.dial()
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes}`)
  await client.until((said) => bodyOf(said).length === bytes.length)
  assert.equal(bodyOf(client.said()), bytes)
})
