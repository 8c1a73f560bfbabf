/** Requests in HTTP/2 against real servers of node:http2: whole answers, or an error that says why; bounded, and nothing left behind. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createSecureServer, createServer } from 'node:http2'
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttp1 } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { makePair } from '../../tls/testing.ts'
import { lineOf } from '../send.ts'
import { directory } from '../testing.ts'
import { NoAnswer } from './exchange.ts'

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, count: number) => void

async function served(context: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** @param server its settings, or its certificate */
async function http2(context: TestContext, serve: Serve, server: Http2Server = createServer()) {
  const sessions: ServerHttp2Session[] = []
  let count = 0
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    serve(stream, headers, ++count)
  })
  context.after(() => sessions.forEach((session) => session.destroy()))
  return { address: await served(context, server), sessions }
}

function asking(
  context: TestContext,
  address: string,
  {
    connections = 8,
    signal = new AbortController().signal,
    tls,
  }: {
    connections?: number
    signal?: AbortSignal
    tls?: { ca: string; serverName?: string }
  } = {},
) {
  const target = {
    version: 'v2',
    environment: 'green',
    addresses: [address],
    reach: { speaks: 'http2' as const, ...(tls === undefined ? {} : { tls }) },
  }
  const line = lineOf({ connections, signal, targets: [target] })
  context.after(() => line.close())
  const ask = async (body = '{}', timeoutS = 10, method = 'POST') => {
    const headers = {
      'content-type': 'application/json',
      connection: 'keep-alive',
      'X-Tenant': 't',
    }
    const sent = { method, target: '/infer?deep=1', headers, body }
    const { status, chunks, trailers } = await line.send(sent, address, timeoutS)
    return { status, text: Buffer.concat(chunks.map(({ bytes }) => bytes)).toString(), trailers }
  }
  return { ask, line }
}

const echo: Serve = (stream, headers) => {
  let all = ''
  stream.on('data', (chunk: Buffer) => (all += chunk.toString()))
  stream.on('end', () => {
    stream.respond({ ':status': 200 })
    stream.end(`${String(headers[':method'])} ${String(headers[':path'])} ${all}`)
  })
}

test('an answer comes whole, with its status and what stands behind it; all go over one connection', async (context) => {
  const seen: IncomingHttpHeaders[] = []
  const { address, sessions } = await http2(context, (stream, headers, count) => {
    seen.push(headers)
    if (count > 1) return echo(stream, headers, count)
    stream.respond({ ':status': 422 }, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ checked: 'yes' }))
    stream.end('no')
  })
  const { ask } = asking(context, address)
  const first = await ask()
  assert.deepEqual([first.status, first.text, first.trailers?.['checked']], [422, 'no', 'yes'])
  assert.deepEqual(
    [seen[0]!['x-tenant'], seen[0]!['te'], seen[0]![':authority']],
    ['t', 'trailers', address],
  )
  const large = 'x'.repeat(800_000)
  const all = await Promise.all([ask('a'), ask('', 10, 'GET'), ask(large)])
  assert.deepEqual(
    all.map(({ text }) => text),
    ['POST /infer?deep=1 a', 'GET /infer?deep=1 ', `POST /infer?deep=1 ${large}`],
  )
  assert.equal(sessions.length, 1)
})

test('no answer is an error that says why', async (context) => {
  const half: Serve = (stream) => {
    stream.respond({ ':status': 200, 'content-length': 1000 })
    stream.write('{"label": ')
  }
  const cases: [Serve, RegExp, boolean][] = [
    [() => {}, /no whole answer in 0.25 s/, true],
    [half, /no whole answer in 0.25 s/, true],
    [(stream) => stream.session!.destroy(), /without an answer|closed|ECONNRESET|canceled/i, false],
    [(stream) => stream.close(2), /reset the stream|NGHTTP2_INTERNAL_ERROR/, false],
    [
      (stream, ...told) => (half(stream, ...told), stream.close(0)),
      /990 bytes|in the middle|reset|aborted/,
      false,
    ],
    [
      (stream) => {
        stream.respond({ ':status': 200 })
        stream.end(Buffer.alloc(17 * 1024 * 1024))
      },
      /larger than 16777216 bytes/,
      false,
    ],
  ]
  for (const [serve, message, late] of cases) {
    const { address } = await http2(context, serve)
    await assert.rejects(
      asking(context, address).ask('{}', late ? 0.25 : 10),
      (error) => error instanceof NoAnswer && message.test(error.message) && error.late === late,
      String(message),
    )
  }
})

test('nobody there, and a server of HTTP/1.1, are no answer, at once', async (context) => {
  const old = await served(
    context,
    createHttp1((_, response) => response.end('{}')),
  )
  await assert.rejects(asking(context, old).ask(), /does it speak HTTP\/2, as the manifest says/)
  const gone = createHttp1()
  const address = await served(context, gone)
  await once(gone.close(), 'close')
  await assert.rejects(asking(context, address).ask(), /ECONNREFUSED/)
})

test('a server that goes away is asked again on a new connection, for what it never looked at', async (context) => {
  const { address, sessions } = await http2(context, (stream, headers, count) => {
    if (count === 2) {
      // Everything after the first request is refused, and the connection ends.
      stream.session!.goaway(0, 1)
      return stream.close(7)
    }
    echo(stream, headers, count)
  })
  const { ask } = asking(context, address)
  await ask('first')
  assert.match((await ask('second')).text, /second/)
  assert.equal(sessions.length, 2)
  assert.match((await ask('third')).text, /third/)
})

test('one that refuses for ever is given up', async (context) => {
  const { address } = await http2(context, (stream) => stream.close(7))
  await assert.rejects(asking(context, address).ask(), /it refused the stream 3 times/)
})

test('never more at a time than allowed: by the gate, by the server on a connection', async (context) => {
  const held: (() => void)[] = []
  let most = 0
  const perSession = new Map<unknown, number>()
  const count = (stream: ServerHttp2Stream, by: number) =>
    perSession.set(stream.session, (perSession.get(stream.session) ?? 0) + by)
  const server = createServer({ settings: { maxConcurrentStreams: 2 } })
  const { address, sessions } = await http2(
    context,
    (stream, headers, nth) => {
      count(stream, 1)
      const { session } = stream
      assert.ok(perSession.get(session)! <= 2)
      most = Math.max(most, held.length + 1)
      held.push(() => {
        perSession.set(session, perSession.get(session)! - 1)
        echo(stream, headers, nth)
      })
      // The sixth is the last that may come: then one answer makes room for one request.
      if (nth === 6) held.shift()!()
      else if (nth > 6) for (const answer of held.splice(0)) answer()
    },
    server,
  )
  const { ask } = asking(context, address, { connections: 6 })
  const all = await Promise.all(Array.from({ length: 7 }, (_, nth) => ask(String(nth))))
  assert.deepEqual([all.length, most, sessions.length], [7, 6, 3])
})

test('told to stop, it cuts what is under way with the reason, and leaves no connection behind', async (context) => {
  const { address, sessions } = await http2(context, () => {})
  const stop = new AbortController()
  const { ask, line } = asking(context, address, { signal: stop.signal })
  const hanging = ask('{}', 60)
  while (sessions.length === 0) await new Promise(setImmediate)
  stop.abort(new Error('time is over'))
  await assert.rejects(hanging, /time is over/)
  const ended = once(sessions[0]!, 'close')
  line.close()
  await ended
})

test('an idle connection is closed before a server would close it under a request', async (context) => {
  const { address, sessions } = await http2(context, echo)
  await asking(context, address).ask()
  await once(sessions[0]!, 'close', { signal: AbortSignal.timeout(4900) })
})

test('over TLS a server proves who it is, and must offer HTTP/2', async (context) => {
  const pair = makePair()
  const ca = join(await directory(context), 'ca.pem')
  writeFileSync(ca, pair.cert)
  const tls = { ca, serverName: 'localhost' }
  const { address } = await http2(context, echo, createSecureServer(pair))
  assert.match((await asking(context, address, { tls }).ask('secret')).text, /secret/)
  const stranger = { ca, serverName: 'elsewhere.example' }
  await assert.rejects(asking(context, address, { tls: stranger }).ask(), /certificate is refused/)
  const own = join(await directory(context), 'other.pem')
  writeFileSync(own, makePair().cert)
  await assert.rejects(asking(context, address, { tls: { ...tls, ca: own } }).ask(), NoAnswer)
  const { createServer: createHttps } = await import('node:https')
  const old = await served(
    context,
    createHttps(pair, (_, response) => response.end('{}')),
  )
  await assert.rejects(asking(context, old, { tls }).ask(), NoAnswer)
})
