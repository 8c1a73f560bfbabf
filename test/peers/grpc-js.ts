/** A real client of gRPC and a real server, `@grpc/grpc-js`, through the gateway. Installs them into a directory of its own: `npm run test:peers`. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openPair } from '../../src/gateway/testing/pair.ts'
import type { Pair } from '../../src/gateway/testing/pair.ts'
import { makePair } from '../../src/tls/testing.ts'

const version = '1.14.7'

/** As much of the package as is used here. */
type Answered = (error: { code: number; details: string } | null, answer?: Buffer) => void
type Stream = NodeJS.EventEmitter & { write(message: Buffer): void; end(): void; cancel(): void }
type Client = {
  makeUnaryRequest(path: string, to: Codec, from: Codec, message: Buffer, done: Answered): void
  makeClientStreamRequest(path: string, to: Codec, from: Codec, done: Answered): Stream
  makeServerStreamRequest(path: string, to: Codec, from: Codec, message: Buffer): Stream
  makeBidiStreamRequest(path: string, to: Codec, from: Codec): Stream
  close(): void
}
type Codec = (bytes: Buffer) => Buffer
type Grpc = {
  Client: new (address: string, credentials: unknown) => Client
  Server: new () => {
    addService(service: unknown, handlers: unknown): void
    bindAsync(
      address: string,
      credentials: unknown,
      done: (error: unknown, port: number) => void,
    ): void
    forceShutdown(): void
  }
  credentials: { createInsecure(): unknown; createSsl(ca: Buffer): unknown }
  ServerCredentials: { createInsecure(): unknown }
}

const same: Codec = (bytes) => bytes
const method = (requestStream: boolean, responseStream: boolean, name: string) => ({
  path: `/t.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
})
const service = {
  one: method(false, false, 'one'),
  gather: method(true, false, 'gather'),
  scatter: method(false, true, 'scatter'),
  talk: method(true, true, 'talk'),
  fails: method(false, false, 'fails'),
}
type Call = Stream & { request: Buffer }
const handlers = {
  one: (call: Call, done: Answered) => done(null, call.request),
  fails: (_call: Call, done: Answered) => done({ code: 9, details: 'not 100 % ready' }),
  gather: (call: Call, done: Answered) => {
    let all = ''
    call.on('data', (bytes: Buffer) => (all += bytes.toString()))
    call.on('end', () => done(null, Buffer.from(all)))
  },
  scatter: (call: Call) => {
    for (let count = 0; count < 3; count++)
      call.write(Buffer.from(`${call.request.toString()}${count}`))
    call.end()
  },
  talk: (call: Call) => {
    call.on('data', (bytes: Buffer) => call.write(bytes))
    call.on('end', () => call.end())
  },
}

const directory = mkdtempSync(join(tmpdir(), 'beryl-grpc-js-'))
const secret = makePair()
let grpc: Grpc
let server: InstanceType<Grpc['Server']>
const pairs: Pair[] = []
const clients: { name: string; client: Client }[] = []

before(async () => {
  execFileSync(
    'npm',
    ['install', '--prefix', directory, '--ignore-scripts', `@grpc/grpc-js@${version}`],
    { stdio: 'pipe' },
  )
  grpc = createRequire(join(directory, 'package.json'))('@grpc/grpc-js') as Grpc
  server = new grpc.Server()
  server.addService(service, handlers)
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  const serve = (socket: import('node:net').Socket) => {
    const behind = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  }
  const tls = { pairs: [secret], ticketKeys: Buffer.alloc(48) }
  pairs.push(await openPair(serve, {}, 'grpc'), await openPair(serve, {}, 'grpc', tls))
  const { credentials } = grpc
  clients.push(
    {
      name: 'cleartext',
      client: new grpc.Client(`127.0.0.1:${pairs[0]!.port}`, credentials.createInsecure()),
    },
    {
      name: 'TLS',
      client: new grpc.Client(
        `localhost:${pairs[1]!.port}`,
        credentials.createSsl(Buffer.from(secret.cert)),
      ),
    },
  )
})

after(async () => {
  for (const { client } of clients) client.close()
  server?.forceShutdown()
  for (const pair of pairs) await pair.close()
  rmSync(directory, { recursive: true, force: true })
})

for (const [index, name] of ['cleartext', 'TLS'].entries()) {
  const client = () => clients[index]!.client
  const collect = async (stream: Stream) => {
    const all: string[] = []
    stream.on('data', (bytes: Buffer) => all.push(bytes.toString()))
    await new Promise((resolve, reject) => {
      stream.on('end', resolve)
      stream.on('error', reject)
    })
    return all
  }

  test(`a real client and a real server, all four kinds of calls, over ${name}`, async () => {
    const one = await new Promise((resolve, reject) =>
      client().makeUnaryRequest('/t.Echo/one', same, same, Buffer.from('hello'), (error, answer) =>
        error === null ? resolve(String(answer)) : reject(new Error(error.details)),
      ),
    )
    assert.equal(one, 'hello')
    const gathered = new Promise((resolve, reject) => {
      const stream = client().makeClientStreamRequest(
        '/t.Echo/gather',
        same,
        same,
        (error, answer) =>
          error === null ? resolve(String(answer)) : reject(new Error(error.details)),
      )
      for (const text of ['a', 'b', 'c']) stream.write(Buffer.from(text))
      stream.end()
    })
    assert.equal(await gathered, 'abc')
    const scattered = client().makeServerStreamRequest(
      '/t.Echo/scatter',
      same,
      same,
      Buffer.from('x'),
    )
    assert.deepEqual(await collect(scattered), ['x0', 'x1', 'x2'])
    const talk = client().makeBidiStreamRequest('/t.Echo/talk', same, same)
    const said = collect(talk)
    talk.write(Buffer.from('1'))
    talk.write(Buffer.alloc(100_000, 'y'))
    talk.end()
    assert.deepEqual(
      (await said).map(({ length }) => length),
      [1, 100_000],
    )
  })

  test(`an error arrives with its code and its words, over ${name}`, async () => {
    const error = await new Promise<{ code: number; details: string } | null>((resolve) =>
      client().makeUnaryRequest('/t.Echo/fails', same, same, Buffer.from(''), resolve),
    )
    assert.deepEqual([error?.code, error?.details], [9, 'not 100 % ready'])
  })
}

test('without its server, a real client hears UNAVAILABLE, and why', async () => {
  const nobody = await openPair((socket) => socket.destroy(), {}, 'grpc')
  const client = new grpc.Client(`127.0.0.1:${nobody.port}`, grpc.credentials.createInsecure())
  const error = await new Promise<{ code: number; details: string } | null>((resolve) =>
    client.makeUnaryRequest('/t.Echo/one', same, same, Buffer.from(''), resolve),
  )
  assert.equal(error?.code, 14)
  assert.match(error?.details ?? '', /^r (accepts no connection|closed)/)
  client.close()
  await nobody.close()
})
