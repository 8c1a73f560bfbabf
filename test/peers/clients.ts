/**
 * Other people's clients through the gateway, in front of a real server: curl, undici, Python's http.client, wrk, a real WebSocket
 * client and server (ws), and Chromium. Programs are the system's (.ci/run fetches them); one that is missing is a failure.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { openPair } from '../../src/gateway/testing/pair.ts'
import type { Pair } from '../../src/gateway/testing/pair.ts'
import { makePair } from '../../src/tls/testing.ts'
import { openBrowser } from '../support/browser.ts'

const versions = { ws: '8.23.0', undici: '8.13.1' }
const run = promisify(execFile)
const eventCount = 5

/** As much of the packages as is used here. */
type WebSocket = NodeJS.EventEmitter & {
  send(data: string | Buffer): void
  close(code: number, reason: string): void
}
type Ws = {
  WebSocket: new (url: string, options: { ca: string }) => WebSocket
  WebSocketServer: new (options: { server: unknown }) => NodeJS.EventEmitter
}
type Undici = {
  Agent: new (options: object) => { close(): Promise<void> }
  request(
    url: string,
    options: object,
  ): Promise<{
    statusCode: number
    headers: Record<string, string>
    body: AsyncIterable<Buffer> & { text(): Promise<string> }
  }>
}

const directory = mkdtempSync(join(tmpdir(), 'beryl-clients-'))
const secret = makePair()
const ca = join(directory, 'ca.pem')
writeFileSync(ca, secret.cert)
let ws: Ws
let undici: Undici
let plain: Pair
let secure: Pair
/** Lets the next event of each stream go. */
let next: (() => void)[] = []

const server = createServer((request, response) => {
  if (request.url === '/events') return events(response)
  if (request.url === '/page') {
    response.setHeader('content-type', 'text/html')
    return response.end('<title>through the gateway</title>')
  }
  echo(request, response)
})

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.setHeader('x-method', request.method ?? '')
    response.end(Buffer.concat(chunks))
  })
}

/** One event after the other, each only once the one before was seen by the client. */
function events(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let sent = 0
  const more = () => {
    response.write(`data: ${sent}\n\n`)
    if (++sent < eventCount) next.push(more)
    else response.end()
  }
  more()
}

function seenOne(): void {
  for (const more of next.splice(0)) more()
}

before(async () => {
  execFileSync(
    'npm',
    [
      'install',
      '--prefix',
      directory,
      '--ignore-scripts',
      ...Object.entries(versions).map(([name, version]) => `${name}@${version}`),
    ],
    { stdio: 'pipe' },
  )
  const load = createRequire(join(directory, 'package.json'))
  ws = load('ws') as Ws
  undici = load('undici') as Undici
  const sockets = new ws.WebSocketServer({ server })
  sockets.on('connection', (socket: WebSocket) => {
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      socket.send(isBinary ? data : data.toString()),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const behind = (socket: Socket) => {
    const other = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      from.on('error', () => {})
      from.on('close', () => to.destroy())
      from.pipe(to)
    }
  }
  plain = await openPair(behind)
  secure = await openPair(behind, {}, undefined, {
    pairs: [secret],
    ticketKeys: Buffer.alloc(48),
  })
})

after(async () => {
  await plain?.close()
  await secure?.close()
  server.closeAllConnections()
  server.close()
  rmSync(directory, { recursive: true, force: true })
})

const http = () => `http://127.0.0.1:${plain.port}`
const https = () => `https://localhost:${secure.port}`

for (const [name, where, args, version] of [
  ['HTTP/1.1', http, [], '1.1'],
  ['HTTP/1.0', http, ['--http1.0'], '1.1'],
  ['HTTP/2 by prior knowledge', http, ['--http2-prior-knowledge'], '2'],
  ['HTTP/1.1 over TLS', https, ['--http1.1', '--cacert', ca], '1.1'],
  ['HTTP/2 over TLS', https, ['--http2', '--cacert', ca], '2'],
] as const)
  test(`curl, ${name}: bodies of both framings, 100-continue, HEAD, two requests in a row`, async () => {
    const curl = async (...more: string[]) =>
      (await run('curl', ['-sS', '--fail-with-body', '-m', '20', ...args, ...more])).stdout
    const large = join(directory, 'large')
    writeFileSync(large, 'x'.repeat(3_000_000))
    const post = [
      '--data-binary',
      `@${large}`,
      '-o',
      join(directory, 'got'),
      '-w',
      '%{http_code} %{http_version} %{size_download}\n',
    ]
    assert.equal(await curl(...post, `${where()}/a`), `200 ${version} 3000000\n`)
    if (name !== 'HTTP/1.0')
      assert.equal(
        await curl(...post, '-H', 'Transfer-Encoding: chunked', `${where()}/a`),
        `200 ${version} 3000000\n`,
      )
    assert.match(await curl('-I', `${where()}/a`), /^HTTP\/[\d.]+ 200[^]*x-method: HEAD/i)
    // curl 7.88 cannot use such a connection twice, with Node's own server neither.
    if (name !== 'HTTP/2 by prior knowledge')
      assert.equal(await curl('-d', 'a', `${where()}/a`, `${where()}/b`), 'aa')
  })

test('curl hears server-sent events one by one', async () => {
  const child = execFile('curl', ['-sSN', '-m', '20', `${http()}/events`])
  let heard = ''
  child.stdout!.on('data', (text: string) => {
    heard += text
    seenOne()
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0)
  assert.equal(heard.split('data: ').length - 1, eventCount)
})

for (const [name, where, allowH2] of [
  ['HTTP/1.1, pipelining', http, false],
  ['HTTP/2 over TLS', https, true],
] as const)
  test(`undici, ${name}: many at once, and a stream piece by piece`, async () => {
    const dispatcher = new undici.Agent({
      allowH2,
      pipelining: 10,
      connections: 2,
      connect: { ca: secret.cert },
    })
    try {
      const bodies = Array.from({ length: 100 }, (_, index) => `${index}`.repeat(1000))
      const got = await Promise.all(
        bodies.map(async (body) => {
          const answer = await undici.request(`${where()}/`, { method: 'POST', body, dispatcher })
          return answer.body.text()
        }),
      )
      assert.deepEqual(got, bodies)
      const stream = await undici.request(`${where()}/events`, { dispatcher })
      let pieces = 0
      for await (const piece of stream.body) {
        pieces += String(piece).split('data: ').length - 1
        seenOne()
      }
      assert.equal(pieces, eventCount)
    } finally {
      await dispatcher.close()
    }
  })

test("Python's http.client: kept connections, chunked requests, HEAD, TLS", async () => {
  const script = `
import http.client, ssl, sys
def ask(connection):
    for body in (b'x' * 1000000, iter([b'a', b'b' * 70000, b'c'])):
        expected = body if isinstance(body, bytes) else b'a' + b'b' * 70000 + b'c'
        connection.request('POST', '/', body=body, encode_chunked=not isinstance(body, bytes), headers={} if isinstance(body, bytes) else {'Transfer-Encoding': 'chunked'})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() == expected, answer.status
    connection.request('HEAD', '/')
    answer = connection.getresponse()
    assert answer.getheader('x-method') == 'HEAD' and answer.read() == b''
    connection.close()
ask(http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=20))
ask(http.client.HTTPSConnection('localhost', int(sys.argv[2]), timeout=20, context=ssl.create_default_context(cafile=sys.argv[3])))
print('whole')
`
  const { stdout } = await run('python3', [
    '-c',
    script,
    String(plain.port),
    String(secure.port),
    ca,
  ])
  assert.equal(stdout, 'whole\n')
})

test('wrk: everything it sends is answered', async () => {
  const { stdout } = await run('wrk', ['-t1', '-c16', '-d2s', `${http()}/`])
  assert.match(stdout, /[1-9]\d* requests in/)
  assert.doesNotMatch(stdout, /Socket errors|Non-2xx/)
})

for (const [name, where] of [
  ['cleartext', () => `ws://127.0.0.1:${plain.port}`],
  ['TLS', () => `wss://localhost:${secure.port}`],
] as const)
  test(`a real WebSocket client and server, over ${name}: texts, large messages, an orderly end`, async () => {
    const socket = new ws.WebSocket(`${where()}/socket`, { ca: secret.cert })
    const heard: Buffer[] = []
    const messages = ['hello', 'x'.repeat(1_000_000), 'bye']
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    const all = new Promise<void>((resolve) =>
      socket.on('message', (data: Buffer) => {
        heard.push(data)
        if (heard.length === messages.length) resolve()
      }),
    )
    for (const message of messages) socket.send(message)
    await all
    assert.deepEqual(
      heard.map((data) => data.toString()),
      messages,
    )
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    socket.close(4001, 'done')
    assert.equal(await closed, 4001)
  })

test('Chromium: a page, fetch, an event stream and a WebSocket', async () => {
  const browser = await openBrowser()
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    await page.exposeFunction('seenOne', () => seenOne())
    for (const [where, protocol] of [
      [http(), 'http/1.1'],
      [https(), 'h2'],
    ] as const) {
      await page.goto(`${where}/page`)
      assert.equal(await page.title(), 'through the gateway')
      // Runs there: a string, since this file's types know no browser.
      const found = (await page.evaluate(`(async () => {
        const [entry] = performance.getEntriesByType('navigation')
        const text = await (await fetch('/', { method: 'POST', body: 'x'.repeat(500000) })).text()
        const events = await new Promise((resolve, reject) => {
          const source = new EventSource('/events')
          let count = 0
          source.onmessage = () => {
            window.seenOne()
            if (++count === ${eventCount}) { source.close(); resolve(count) }
          }
        })
        const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket')
        const echoed = await new Promise((resolve, reject) => {
          socket.onopen = () => socket.send('hello')
          socket.onmessage = ({ data }) => resolve(data)
          socket.onerror = () => reject(new Error('no WebSocket'))
        })
        socket.close()
        return [entry.nextHopProtocol, text.length, events, echoed]
      })()`)) as unknown[]
      assert.deepEqual(found, [protocol, 500_000, eventCount, 'hello'])
    }
  } finally {
    await browser.close()
  }
})
