/** The tap, through a real gateway: what the examiner hears, what it does not, and that clients notice nothing of either. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { dataDirectory } from '../ipc/data-directory.ts'
import { FrameReader } from '../ipc/exchanges.ts'
import type { Dropped, Tapped } from '../ipc/exchanges.ts'
import type { Tap } from './control.ts'
import { tapMaxBytes } from './tap.ts'
import { openGateway, openModel, placed, saying, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

const all: Tap = { share: 1, methods: ['GET', 'POST'], exclude: ['/admin'] }

/** What stands where the examiner would: a fake of our own that reads frames, or nothing at all. */
async function examinerAt(root: string, reads: 'reads' | 'reads nothing' = 'reads') {
  const heard: Tapped[] = []
  const dropped: Dropped = {}
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const reader = new FrameReader({
      exchange: (one) => heard.push(one),
      dropped: (counts) => {
        for (const [key, count] of Object.entries(counts))
          dropped[key] = (dropped[key] ?? 0) + count
      },
    })
    socket.on('error', () => {})
    if (reads === 'reads nothing') return void socket.pause()
    socket.on('data', (piece) => reader.read(piece))
  }).listen(dataDirectory(root).socket('tap'))
  await new Promise((resolve) => server.once('listening', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  }
  open.push({ close })
  return {
    heard,
    dropped,
    close,
    connected: () =>
      until(
        () => sockets.size,
        (size) => size > 0,
      ),
  }
}

async function gatewayWith(live: RequestListener, door?: 'with a door') {
  const model = await openModel(live)
  const gateway = await openGateway({ workers: door === undefined ? 2 : 1 }, door)
  open.push(model, gateway)
  await gateway.client.putTable('s', {
    table: tableOf(1, 'blue', { blue: placed('v1', [model.port]) }),
    back: null,
  })
  const counted = (isSo: (taps: Record<string, number>) => boolean) =>
    until(async () => (await gateway.client.metrics()).taps, isSo)
  return { ...gateway, counted }
}

async function tapped(live: RequestListener, tap: Partial<Tap> = {}) {
  const gateway = await gatewayWith(live)
  const examiner = await examinerAt(gateway.root)
  await gateway.client.tap('s', { ...all, ...tap })
  await examiner.connected()
  return { gateway, examiner }
}

test('the examiner hears what was asked and what was answered, byte for byte, with the time of each piece', async () => {
  let goOn = () => {}
  const { gateway, examiner } = await tapped((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => {
      response.writeHead(201, { 'content-type': 'text/event-stream', 'x-model': 'm1' })
      response.write('data: \u00fc\n\n')
      goOn = () => response.end('data: [DONE]\n\n')
    })
  })
  const body = Buffer.from('{"text":"\u00e9\u4e16\u0000"}').toString('latin1')
  const answer = await fetch(`${gateway.base}/v1/x?q=1`, {
    method: 'POST',
    body: Buffer.from(body, 'latin1').toString(),
    headers: { 'x-user': 'u1', 'beryl-copy': 'forged' },
  })
  const pieceByPiece = answer.body!.getReader()
  await pieceByPiece.read()
  const seenAt = performance.now()
  await until(
    () => performance.now() - seenAt,
    (passed) => passed > 2,
  )
  goOn()
  assert.equal(Buffer.from((await pieceByPiece.read()).value).toString(), 'data: [DONE]\n\n')
  const [one] = await until(
    () => examiner.heard,
    ({ length }) => length > 0,
  )
  assert.equal(one!.request.toString(), '{"text":"\u00e9\u4e16\u0000"}')
  assert.equal(one!.answer.toString(), 'data: \u00fc\n\ndata: [DONE]\n\n')
  const { service, version, release, method, target, status, lines, answerLines, pieces } = one!
  assert.deepEqual(
    [service, version, release, method, target, status],
    ['s', 'v1', 'r-v1', 'POST', '/v1/x?q=1', 201],
  )
  assert.equal(one!.requestId, answer.headers.get('beryl-request-id'))
  assert.match(lines, /^x-user: u1\r$/im)
  assert.doesNotMatch(lines, /beryl|connection|forwarded/i)
  assert.match(answerLines, /^x-model: m1\r$/im)
  assert.deepEqual(
    pieces.filter((_, index) => index % 2 === 1),
    [10, 14],
  )
  assert.ok(pieces[0]! > 0 && pieces[2]! - pieces[0]! > 1, `pieces at ${pieces.join()}`)
  assert.ok(one!.point >= 0 && one!.point < 1)
})

test('a client of HTTP/2 is heard like any other', async () => {
  const { gateway, examiner } = await tapped(saying('answer'))
  const client = connectHttp2(gateway.base)
  const stream = client.request({ ':method': 'POST', ':path': '/two', 'x-user': 'u2' })
  stream.end('question')
  stream.resume()
  await new Promise((resolve) => stream.once('close', resolve))
  client.close()
  const [one] = await until(
    () => examiner.heard,
    ({ length }) => length > 0,
  )
  assert.deepEqual(
    [one!.method, one!.target, one!.request.toString(), one!.answer.toString()],
    ['POST', '/two', 'question', 'answer'],
  )
  assert.match(one!.lines, /^x-user: u2\r$/im)
})

test('only what the service allows is tapped, and only the share that was asked for; a change applies at once', async () => {
  const { gateway, examiner } = await tapped(saying('answer'), { share: 0.5 })
  const ask = (path: string, method = 'POST') => gateway.ask(path, { method, body: 'q' })
  await ask('/admin/x')
  await ask('/x', 'PUT')
  for (let turn = 0; turn < 100; turn++) await ask('/x')
  const { 's sent': sent = 0 } = await gateway.counted((taps) => (taps['s sent'] ?? 0) > 20)
  assert.ok(sent < 80, `${sent} of 100`)
  assert.ok(examiner.heard.every(({ point, target }) => point < 0.5 && target === '/x'))
  await gateway.client.tap('s', null)
  await until(
    () => examiner.heard.length,
    (length) => length >= sent,
  )
  for (let turn = 0; turn < 20; turn++) await ask('/x')
  assert.equal((await gateway.client.metrics()).taps['s sent'], examiner.heard.length)
  const state = (await gateway.client.state()).services['s']!
  assert.equal(state.tap, null)
  // Two of them may not be copied; of the others half was asked for. What came after the last batch is not told yet.
  const { asked, allowed, sent: taken, missed } = state.tapped
  assert.ok(asked >= 22 && asked <= 102 && asked - allowed === 2, `${allowed} of ${asked}`)
  assert.equal(taken, examiner.heard.length)
  assert.ok(missed < 80)
  const generation = (await gateway.client.state()).services['s']!.generation
  assert.equal(generation, 1)
})

test('what is larger than the limit, or is not whole, is not taken at all, and the reason is counted and told', async () => {
  const { gateway, examiner } = await tapped((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => {
      if (incoming.url === '/cut') response.write('half', () => response.destroy())
      else response.end(incoming.url === '/large' ? 'z'.repeat(tapMaxBytes + 1) : 'answer')
    })
  })
  const post = (path: string, length: number) =>
    gateway.ask(path, { method: 'POST', body: 'x'.repeat(length) })
  assert.equal((await post('/', tapMaxBytes + 1)).text, 'answer')
  assert.equal((await post('/large', 1)).text.length, tapMaxBytes + 1)
  await assert.rejects(post('/cut', 1))
  assert.equal((await post('/', tapMaxBytes)).text, 'answer')
  await gateway.counted((taps) => taps['s sent'] === 1 && taps['s not-whole'] === 1)
  // Each worker says its own, when it comes to it.
  await until(
    () => examiner.dropped,
    (dropped) => dropped['s not-whole'] === 1 && dropped['s too-large'] === 2,
  )
  assert.deepEqual(examiner.dropped, { 's too-large': 2, 's not-whole': 1 })
  assert.deepEqual(
    examiner.heard.map(({ request }) => request.length),
    [tapMaxBytes],
  )
})

test('of each second request both answers are handed on to be judged, and the observations say of which', async () => {
  const { gateway, examiner } = await tapped(saying('live'), { share: 0, every: 2 })
  const standby = await openModel((incoming, response) => {
    incoming.resume()
    if (incoming.url === '/cut') return void response.destroy()
    return void response.end(incoming.url === '/large' ? 'z'.repeat(tapMaxBytes + 1) : 'copy')
  })
  open.push(standby)
  const model = (await gateway.client.state()).services['s']!.table.environments.blue!.replicas[0]!
  await gateway.client.putTable('s', {
    table: {
      ...tableOf(2, 'blue', {
        blue: placed('v1', [model.port]),
        green: placed('v2', [standby.port]),
      }),
      copies: { to: 'green', share: 1, methods: ['GET'], exclude: [] },
    },
    back: null,
  })
  for (const path of ['/a', '/b', '/large', '/c', '/cut', '/d']) await gateway.ask(path)
  const { run } = await gateway.client.state()
  const seen = await until(
    async () => (await gateway.client.observations(run, 0)).items,
    ({ length }) => length === 12,
  )
  const heard = (isCopy: boolean) =>
    seen
      .filter((one) => (one.isCopy === true) === isCopy)
      .toSorted((a, b) => a.seq - b.seq)
      .map((one) => one.heard)
  assert.deepEqual(heard(false), [true, undefined, true, undefined, true, undefined])
  assert.deepEqual(heard(true), [true, undefined, false, undefined, undefined, undefined])
  const exchanges = await until(
    () => examiner.heard,
    ({ length }) => length === 4,
  )
  const told = exchanges
    .map(({ isCopy, version, answer, judged }) => ({
      isCopy,
      version,
      text: String(answer),
      judged,
    }))
    .toSorted((a, b) => a.judged!.seq - b.judged!.seq || a.version.localeCompare(b.version))
  assert.deepEqual(
    told.map(({ isCopy, version, text, judged }) => [
      judged!.run === run,
      judged!.seq,
      isCopy,
      version,
      text,
    ]),
    [
      [true, 0, undefined, 'v1', 'live'],
      [true, 0, true, 'v2', 'copy'],
      [true, 2, undefined, 'v1', 'live'],
      [true, 4, undefined, 'v1', 'live'],
    ],
  )
  assert.match(told[0]!.judged!.replica, /./)
})

test('an examiner that is away, or hears nothing, costs clients nothing: exchanges are dropped, counted, and told later', async () => {
  const gateway = await gatewayWith((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => response.end('y'.repeat(200_000)))
  })
  await gateway.client.tap('s', all)
  const ask = async () => {
    const { text } = await gateway.ask('/', { method: 'POST', body: 'x'.repeat(200_000) })
    assert.equal(text.length, 200_000)
  }
  await ask()
  await gateway.counted((taps) => taps['s examiner-away'] === 1)
  const deaf = await examinerAt(gateway.root, 'reads nothing')
  await deaf.connected()
  const before = await rssOf(gateway.pid())
  // Three times what may wait for the examiner.
  for (let turn = 0; turn < 250; turn++) await ask()
  const counts = await gateway.counted((taps) => (taps['s examiner-behind'] ?? 0) > 0)
  assert.ok((await rssOf(gateway.pid())) - before < 200 * 1024 * 1024)
  await deaf.close()
  const examiner = await examinerAt(gateway.root)
  await examiner.connected()
  await ask()
  await until(
    () => examiner.heard.length,
    (length) => length === 1,
  )
  assert.ok(examiner.dropped['s examiner-behind']! >= counts['s examiner-behind']!)
})

test('a worker that takes the place of a dead one taps too; a gateway that starts anew taps nothing until it is told', async () => {
  const gateway = await gatewayWith(saying('answer'), 'with a door')
  const examiner = await examinerAt(gateway.root)
  await gateway.client.tap('s', all)
  await examiner.connected()
  gateway.door('open-0-die')
  await gateway.client.open('s')
  await until(
    () => gateway.client.state(),
    ({ workers }) => workers === 1,
  )
  await gateway.ask('/', { method: 'POST', body: 'q' })
  await until(
    () => examiner.heard,
    ({ length }) => length === 1,
  )
  await gateway.restart()
  assert.equal((await gateway.client.state()).services['s']!.tap, null)
  await gateway.ask('/', { method: 'POST', body: 'q' })
  assert.deepEqual((await gateway.client.metrics()).taps, {})
  await assert.rejects(gateway.client.tap('unknown', all), /nothing of unknown is routed/)
})

async function rssOf(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises')
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'VmRSS: 0 kB')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
}
