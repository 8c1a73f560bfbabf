/** Model servers over TLS, in HTTP/1.1 and in HTTP/2, through the real walk. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { performServerHandshake } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Socket } from 'node:net'
import { after, afterEach, test } from 'node:test'
import { makePair } from '../tls/testing.ts'
import { answering, ok, openPair } from './testing/pair.ts'
import type { Pair } from './testing/pair.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-upstream-tls-'))
const secret = makePair('server', 1, ['models.internal'])
const ca = join(directory, 'ca.pem')
writeFileSync(ca, secret.cert)
const peer = { ca, serverName: 'models.internal' }

let pair: Pair
afterEach(() => pair.close())
after(() => rmSync(directory, { recursive: true }))

async function ask(text: string): Promise<string> {
  const client = await pair.dial()
  client.send(`${text} HTTP/1.1\r\nHost: client.example\r\nConnection: close\r\n\r\n`)
  return client.rest()
}

const serve1 = answering((request, socket) =>
  ok(`${/Host: .*/.exec(request)![0]} ${'servername' in socket ? String(socket.servername) : ''}`),
)

/** Answers with what it was asked. */
function serve2(socket: Socket): void {
  const session = performServerHandshake(socket)
  session.on('error', () => {})
  session.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(`${headers[':scheme']} ${headers[':authority']} ${headers[':path']}`)
  })
}

test('HTTP/1.1: its certificate is checked, its name asked for, and the client’s Host goes on', async () => {
  pair = await openPair(serve1, {}, undefined, null, { server: secret, peer })
  for (let count = 0; count < 3; count++)
    assert.match(await ask('GET /'), /200 OK[^]*Host: client.example models.internal$/)
  assert.equal(pair.behind.size, 1, 'one connection carried them all')
})

test('large answers and uploads pass whole', async () => {
  const size = 5_000_000
  pair = await openPair(
    answering((request) => ok('x'.repeat(request.length))),
    {},
    undefined,
    null,
    { server: secret, peer },
  )
  const client = await pair.dial()
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`)
  client.send('y'.repeat(size))
  assert.ok((await client.rest()).length > size)
})

test('HTTP/2, by ALPN', async () => {
  const server = { ...secret, ALPNProtocols: ['h2'] }
  pair = await openPair(serve2, {}, 'http2', null, { server, peer })
  assert.match(await ask('GET /x'), /https client.example \/x/)
})

for (const [name, speaks, server, peer_, said] of [
  [
    'signed by nobody who is trusted',
    undefined,
    secret,
    { serverName: 'models.internal' },
    /environment.tls.ca/,
  ],
  [
    'made for another name',
    undefined,
    secret,
    { ca, serverName: 'other.internal' },
    /environment.tls.serverName/,
  ],
  [
    'the same over HTTP/2',
    'http2',
    secret,
    { ca, serverName: 'other.internal' },
    /environment.tls.serverName/,
  ],
  [
    'without HTTP/2',
    'http2',
    { ...secret, ALPNProtocols: ['http/1.1'] },
    peer,
    /ALPN|application protocol/i,
  ],
  [
    'authorities that are not there',
    'http2',
    secret,
    { ca: `${ca}.none` },
    /cannot be read: there is no such file/,
  ],
] as const)
  test(`a server is not believed, no byte of the request is sent, and it is said why: ${name}`, async () => {
    let reached = ''
    const heard = (socket: Socket) =>
      socket.on('data', (bytes) => (reached += bytes.toString('latin1')))
    const behind = { server: { ...server }, peer: peer_ }
    pair = await openPair(heard, {}, speaks, null, behind)
    const answer = await ask('GET /secret')
    assert.match(answer, /^HTTP\/1\.1 502 /)
    assert.match(answer, said)
    assert.ok(!reached.includes('/secret'))
    assert.equal((await pair.settled(1))[0]!.outcome, 'connect-failed')
  })
