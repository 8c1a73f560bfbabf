/** Servers that prove who they are, and servers that do not: real sockets, certificates made on the spot. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServer } from 'node:tls'
import { authorities, dialPeer, peerTrouble } from './peer.ts'
import type { Peer } from './peer.ts'
import { makePair } from './testing.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-peer-'))
const local = makePair('local')
const named = makePair('named', 1, ['models.internal'])
const ended = makePair('ended', -1)
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text)
  return join(directory, name)
}
const ca = file('ca.pem', local.cert + named.cert + ended.cert)
const servers = await Promise.all(
  [local, named, ended].map(async (pair) => {
    const server = createServer(pair, (socket) => socket.on('error', () => {})).listen(0)
    server.on('tlsClientError', () => {})
    await new Promise((resolve) => server.once('listening', resolve))
    return server
  }),
)
const plain = createTcpServer((socket) =>
  socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
).listen(0)
after(() => {
  for (const server of [...servers, plain]) server.close()
  rmSync(directory, { recursive: true })
})

/** @returns `secure`, or why not */
function dialled(server: { address(): unknown }, peer: Peer, host = 'localhost'): Promise<string> {
  const socket = dialPeer(peer, { host, port: (server.address() as AddressInfo).port })
  return new Promise<string>((resolve) => {
    socket.once('secureConnect', () => resolve('secure'))
    socket.once('error', (error) => resolve(peerTrouble(error)))
  }).finally(() => socket.destroy())
}

test('who is vouched for, under the name or the address that is asked for, is believed', async () => {
  assert.equal(await dialled(servers[0]!, { ca }), 'secure')
  assert.equal(await dialled(servers[0]!, { ca }, '127.0.0.1'), 'secure')
  assert.equal(await dialled(servers[1]!, { ca, serverName: 'models.internal' }), 'secure')
})

test('who is not is named, with what to do', async () => {
  assert.match(await dialled(servers[0]!, {}), /refused \(signed by nobody .*environment.tls.ca/)
  assert.match(
    await dialled(servers[1]!, { ca }),
    /made for another name: environment.tls.serverName.*models.internal/,
  )
  assert.match(await dialled(servers[0]!, { ca, serverName: 'models.internal' }), /another name/)
  assert.match(await dialled(servers[2]!, { ca }), /refused \(it has ended\)/)
  assert.match(await dialled(plain, { ca }), /speaks no TLS there/)
  assert.match(
    await dialled(servers[0]!, { ca: join(directory, 'none.pem') }),
    /none.pem cannot be read: there is no such file/,
  )
})

test('authorities that are renewed on disk count from then on, and bad ones are named', async () => {
  const changing = file('changing.pem', named.cert)
  assert.match(await dialled(servers[0]!, { ca: changing }), /signed by nobody/)
  writeFileSync(changing, local.cert)
  let last = ''
  while (last !== 'secure') last = await dialled(servers[0]!, { ca: changing })
  // What is of no use takes nothing away.
  writeFileSync(changing, 'nothing')
  assert.equal(await dialled(servers[0]!, { ca: changing }), 'secure')
  assert.throws(() => authorities(changing), /holds no certificate in PEM/)
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  assert.throws(() => authorities(file('broken.pem', broken)), /that cannot be read/)
})

test('why no connection comes about is said in words, not in those of OpenSSL, and not by its stream', () => {
  const alert = new Error(
    'write EPROTO 40:error:0A000460:SSL routines::tlsv1 alert no application protocol:\n',
  )
  assert.match(peerTrouble(alert), /^it speaks another version of HTTP there/)
  const refused = Object.assign(new Error('self-signed certificate'), {
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  const cancelled = Object.assign(
    new Error('The pending stream has been canceled', { cause: refused }),
    {
      code: 'ERR_HTTP2_STREAM_CANCEL',
    },
  )
  assert.match(peerTrouble(cancelled), /^its certificate is refused/)
})
