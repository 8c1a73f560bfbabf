/** Clients over TLS: HTTP/2 by ALPN, HTTP/1.1 beside it, certificates renewed under way. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { makePair } from '../tls/testing.ts'
import { answering, ok, openPair } from './testing/pair.ts'
import type { Pair } from './testing/pair.ts'

const first = makePair('first')
let pair: Pair
let seen = ''
const open: { destroy(): void }[] = []

beforeEach(async () => {
  const serve = answering((text) => {
    seen = text
    return ok('hi')
  })
  const tls = { pairs: [first], ticketKeys: Buffer.alloc(48, 1) }
  pair = await openPair(serve, { blockedMs: 5000 }, undefined, tls)
})
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy()
  await pair.close()
})

async function shakeHands(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port: pair.port, host: '127.0.0.1', ca: first.cert, ...options })
  open.push(socket)
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  return socket
}

function http2(ca = first.cert): ClientHttp2Session {
  const session = connectHttp2(`https://localhost:${pair.port}`, { ca })
  session.on('error', () => {})
  open.push(session)
  return session
}

async function askHttp2(session: ClientHttp2Session, body?: string): Promise<string> {
  const stream = session.request(
    { ':path': '/', ':method': body === undefined ? 'GET' : 'POST' },
    { endStream: body === undefined },
  )
  if (body !== undefined) stream.end(body)
  let said = ''
  for await (const chunk of stream) said += String(chunk)
  return said
}

async function askHttp1(ca = first.cert): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port: pair.port, host: 'localhost', ca, agent: false, path: '/' }
    request(options, (response) => {
      let said = ''
      response.on('data', (chunk) => (said += String(chunk)))
      response.on('end', () => resolve(said))
    })
      .on('error', reject)
      .end()
  })
}

test('HTTP/2 by ALPN and HTTP/1.1 beside it, on one port; the model hears that it was https', async () => {
  assert.equal(await askHttp2(http2()), 'hi')
  assert.match(seen, /X-Forwarded-Proto: https\r\n/)
  seen = ''
  assert.equal(await askHttp1(), 'hi')
  assert.match(seen, /X-Forwarded-Proto: https\r\n/)
})

test('large bodies pass whole over TLS, in both protocols', async () => {
  const body = 'x'.repeat(3 * 1024 * 1024)
  assert.equal(await askHttp2(http2(), body), 'hi')
  assert.equal(seen.length - seen.indexOf('\r\n\r\n') > body.length, true)
  const socket = await shakeHands()
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  const answer = await new Promise((resolve) => socket.once('data', resolve))
  assert.match(String(answer), /hi$/)
})

test('a client that offers neither protocol, or no version from 1.2 on, gets no connection', async () => {
  await assert.rejects(shakeHands({ ALPNProtocols: ['smtp'] }), /ALPN|no application protocol/i)
  await assert.rejects(
    shakeHands({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    /version|alert/i,
  )
  assert.equal((await shakeHands({ maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2')
  assert.equal(await askHttp1(), 'hi')
})

test('plain HTTP, and bytes that mean nothing, end there; others are served', async () => {
  for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\x16\x03\x01\xff\xff']) {
    const socket = connectTcp(pair.port, '127.0.0.1')
    open.push(socket)
    socket.on('error', () => {})
    socket.write(bytes, 'latin1')
    if (bytes.startsWith('GET')) await new Promise((resolve) => socket.once('close', resolve))
  }
  assert.equal(await askHttp1(), 'hi')
})

test('a session begun with one connection is taken up by the next', async () => {
  const one = await shakeHands({ maxVersion: 'TLSv1.2' })
  const session = one.getSession()!
  const next = await shakeHands({ maxVersion: 'TLSv1.2', session })
  assert.equal(next.isSessionReused(), true)
})

test('a renewed certificate is shown to those who come later; what stands goes on', async () => {
  const second = makePair('second')
  const session = http2()
  assert.equal(await askHttp2(session), 'hi')
  const kept = await shakeHands()
  pair.acceptor.renew([second])
  const later = await shakeHands({ ca: second.cert })
  assert.equal(later.getPeerCertificate().subject.CN, 'second')
  assert.equal(await askHttp1(second.cert), 'hi')
  assert.equal(await askHttp2(http2(second.cert)), 'hi')
  await assert.rejects(askHttp1(), /certificate|signature/i)
  assert.equal(await askHttp2(session), 'hi')
  kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(String(await new Promise((resolve) => kept.once('data', resolve))), /hi$/)
})

test('each certificate answers to its own names, an exact one before a star; the first to everybody else', async () => {
  const [exact, starred] = [
    makePair('exact', 1, ['chat.models.example']),
    makePair('starred', 1, ['*.models.example', 'other.test']),
  ]
  await pair.close()
  pair = await openPair(
    answering(() => ok('hi')),
    {},
    undefined,
    { pairs: [first, starred, exact], ticketKeys: Buffer.alloc(48, 1) },
  )
  const shownTo = async (servername?: string) => {
    const socket = await shakeHands({
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername }),
    })
    return socket.getPeerCertificate().subject.CN
  }
  for (const [name, cn] of [
    ['chat.models.example', 'exact'],
    ['CHAT.Models.Example', 'exact'],
    ['embed.models.example', 'starred'],
    ['a.b.models.example', 'first'],
    ['other.test', 'starred'],
    ['nobody.test', 'first'],
    [undefined, 'first'],
  ] as const)
    assert.equal(await shownTo(name), cn, name)
  pair.acceptor.renew([makePair('newest'), starred, makePair('newer', 1, ['chat.models.example'])])
  assert.deepEqual(
    [await shownTo('chat.models.example'), await shownTo('other.test'), await shownTo()],
    ['newer', 'starred', 'newest'],
  )
})
