/** The tap and copies where model servers speak HTTP/2: what is heard says how a call ended, and a copy that failed only behind its answer has failed. */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:http2'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { after, test } from 'node:test'
import { dataDirectory } from '../ipc/data-directory.ts'
import { FrameReader } from '../ipc/exchanges.ts'
import type { Tapped } from '../ipc/exchanges.ts'
import { openGateway, placed, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

async function listening(server: Server, at?: string): Promise<number> {
  server.listen(at ?? { host: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  return at === undefined ? (server.address() as AddressInfo).port : 0
}

async function http2Server(serve: (stream: ServerHttp2Stream, body: string) => void) {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => sessions.add(session.on('error', () => {})))
  server.on('stream', (stream) => {
    let body = ''
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
    stream.on('end', () => serve(stream, body))
  })
  open.push({
    close() {
      server.close()
      for (const session of sessions) session.destroy()
    },
  })
  return listening(server)
}

function call(stream: ServerHttp2Stream, text: string, status: string): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.once('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': status, 'grpc-message': 'why' }),
  )
  stream.end(text)
}

async function examinerAt(root: string): Promise<Tapped[]> {
  const heard: Tapped[] = []
  const server = createTcpServer((socket) => {
    const reader = new FrameReader({ exchange: (one) => heard.push(one), dropped: () => {} })
    socket.on('error', () => {})
    socket.on('data', (piece) => reader.read(piece))
    open.push({ close: () => socket.destroy() })
  })
  await listening(server, dataDirectory(root).socket('tap'))
  open.push(server)
  return heard
}

for (const speaks of ['grpc', 'http2'] as const)
  test(`of servers that speak ${speaks}, the client's exchange and its copy are heard to their very end`, async () => {
    const live = await http2Server((stream, body) => call(stream, `live ${body}`, '0'))
    const copied: string[] = []
    const candidate = await http2Server((stream, body) => {
      copied.push(body)
      call(stream, 'half', '13')
    })
    const gateway = await openGateway({ workers: 1 })
    open.push(gateway)
    const at = (version: string, port: number) => ({ ...placed(version, [port]), speaks })
    const heard = await examinerAt(gateway.root)
    const rules = { methods: ['POST'], exclude: [] }
    const places = { blue: at('v1', live), green: at('v2', candidate) }
    const table = tableOf(1, 'blue', places, { copies: { to: 'green', share: 1, ...rules } })
    await gateway.client.putTable('s', { table, back: null })
    await gateway.client.tap('s', { share: 1, every: 1, ...rules })

    const client = connect(gateway.base)
    const stream = client.request({
      ':method': 'POST',
      ':path': '/a.B/c',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    stream.end('question')
    stream.resume()
    await new Promise((resolve) => stream.once('close', resolve))
    client.close()
    await until(
      () => heard.length,
      (count) => count === 2,
    )
    const [own, copy] = heard.toSorted((a) => (a.isCopy === true ? 1 : -1))
    assert.deepEqual(
      [own!.request.toString(), own!.answer.toString(), own!.version, own!.status],
      ['question', 'live question', 'v1', 200],
    )
    assert.match(own!.trailerLines ?? '', /^grpc-status: 0\r\ngrpc-message: why\r\n$/)
    assert.deepEqual(copied, ['question'])
    assert.deepEqual([copy!.isCopy, copy!.answer.toString()], [true, 'half'])
    assert.match(copy!.trailerLines ?? '', /^grpc-status: 13\r\n/)

    const { run } = await gateway.client.state()
    const { items } = await until(
      () => gateway.client.observations(run, 0),
      (seen) => seen.items.length === 2,
    )
    const outcome = (isCopy: true | undefined) => {
      const found = items.find((one) => one.isCopy === isCopy)!
      return [found.outcome, found.status]
    }
    assert.deepEqual(outcome(undefined), ['ok', 200])
    // Without gRPC a trailer of that name says nothing.
    assert.deepEqual(outcome(true), speaks === 'grpc' ? ['error-status', 500] : ['ok', 200])
  })
