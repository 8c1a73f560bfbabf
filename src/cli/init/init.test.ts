/** `beryl init --url` in front of servers of TLS, HTTP/2 and gRPC: what is written is a manifest that goes; what is not believed is not written. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp2, createSecureServer } from 'node:http2'
import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadManifest } from '../../config/load.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { makePair } from '../../tls/testing.ts'
import { init } from '../commands/init.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-init-tls-'))
const pair = makePair()
const ca = join(directory, 'ca.pem')
writeFileSync(ca, pair.cert)
const open: (() => void)[] = []
after(() => {
  for (const close of open) close()
  rmSync(directory, { recursive: true, force: true })
})

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** @param calls methods that say they are ready; null: it is none of gRPC */
function http2(server: Http2Server, calls: readonly string[] | null): Server {
  server.on('session', (session: ServerHttp2Session) => session.on('error', () => {}))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    stream.resume()
    const path = String(headers[':path'])
    if (calls === null)
      return stream.respond({ ':status': path === '/healthz' ? 200 : 404 }, { endStream: true })
    const head = { ':status': 200, 'content-type': 'application/grpc' }
    if (!calls.includes(path))
      return stream.respond({ ...head, 'grpc-status': '12' }, { endStream: true })
    stream.respond(head, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.of(0, 0, 0, 0, 2, 0x08, 1))
  })
  return server
}

let count = 0

async function written(url: string, trust: { ca?: string; serverName?: string } = {}) {
  const file = join(directory, `beryl${++count}.yaml`)
  const { ca: authorities, ...rest } = trust
  const globals = { json: true, ...(authorities === undefined ? {} : { ca: authorities }) }
  await init(globals, { url, file, force: false, ...rest })
  const { manifest } = await loadManifest(file)
  const [service] = Object.values(manifest.services)
  assert.ok(service!.environment.provider === 'external')
  return { ...service!, environment: service!.environment }
}

test('over TLS: a server that is believed is looked at, and the manifest says who vouches for it', async () => {
  const port = await portOf(
    createHttps(pair, (request, response) =>
      response.writeHead(request.url === '/health' ? 200 : 404).end(),
    ),
  )
  const { environment } = await written(`https://localhost:${port}`, { ca })
  assert.deepEqual(environment.blue, [{ host: 'localhost', port, secure: true }])
  assert.deepEqual([environment.tls, environment.ready.path], [{ ca: './ca.pem' }, '/health'])
  const named = await written(`https://127.0.0.1:${port}`, { ca, serverName: 'localhost' })
  assert.deepEqual(named.environment.tls, { ca: './ca.pem', serverName: 'localhost' })
})

test('one that is not believed is not looked at, and nothing is written', async () => {
  let asked = 0
  const port = await portOf(createHttps(pair, (_, response) => response.end(String(++asked))))
  const refused = async (
    trust: Parameters<typeof written>[1],
    said: RegExp,
    url = `https://localhost:${port}`,
  ) => {
    await assert.rejects(written(url, trust), (error) => {
      assert.ok(error instanceof ProblemError)
      assert.match(error.problem.title, said)
      return true
    })
    assert.ok(!existsSync(join(directory, `beryl${count}.yaml`)))
  }
  await refused({}, /its certificate is refused/)
  await refused({ ca, serverName: 'elsewhere.example' }, /certificate is refused/)
  await refused({ ca: join(directory, 'none.pem') }, /--ca: .*none\.pem cannot be read/)
  await refused({ ca }, /are for https, and --url is http:/, `http://localhost:${port}`)
  assert.equal(asked, 0)
  const second = await portOf(http2(createSecureServer(pair), null))
  await refused({}, /its certificate is refused \(signed by nobody/, `https://localhost:${second}`)
})

test('gRPC and HTTP/2 are found where HTTP/1.1 is not spoken, in cleartext and over TLS', async () => {
  const ready = '/inference.GRPCInferenceService/ServerReady'
  const grpc = await written(`http://127.0.0.1:${await portOf(http2(createHttp2(), [ready]))}`)
  assert.deepEqual([grpc.protocol, grpc.environment.ready.path], ['grpc', ready])
  const secure = await portOf(http2(createSecureServer(pair), ['/grpc.health.v1.Health/Check']))
  const health = await written(`https://localhost:${secure}`, { ca })
  assert.deepEqual(
    [health.protocol, health.environment.ready.path],
    ['grpc', '/grpc.health.v1.Health/Check'],
  )
  const plain = await written(`http://127.0.0.1:${await portOf(http2(createHttp2(), null))}`)
  assert.deepEqual(
    [plain.protocol, plain.environment.upstream, plain.environment.ready.path],
    ['http', 'http2', '/healthz'],
  )
})
