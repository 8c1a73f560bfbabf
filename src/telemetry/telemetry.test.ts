/** Spans reach a receiver as the specification has them; one that is slow, refuses or is away costs spans, and nothing else. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openExporter } from './exporter.ts'
import type { Span } from './otlp.ts'
import { otlpReceiver } from './testing.ts'
import { readTraceparent, traceparent } from './trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const span = (change: Partial<Span> = {}): Span => ({
  traceId,
  spanId,
  parentId: null,
  name: 'POST /v1',
  kind: 'server',
  from: 1_800_000_000_000.25,
  to: 1_800_000_000_001.5,
  attributes: { 'http.response.status_code': 200, share: 0.5, 'beryl.service': 'chat', hot: true },
  failed: null,
  ...change,
})
const quick = { flushMs: 1, firstWaitMs: 1, waitMaxMs: 2 }
const open = (url: string, limits = {}) =>
  openExporter(
    { otlp: url, headers: { 'x-key': 'secret' } },
    { 'service.name': 'beryl-gateway' },
    { ...quick, ...limits },
  )

async function until(what: string, look: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!look()) {
    assert.ok(performance.now() < end, what)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('a traceparent is read as W3C has it, and what is none begins anew', () => {
  const given = `00-${traceId}-${spanId}-01`
  assert.deepEqual(readTraceparent(given), { traceId, spanId, isSampled: true })
  assert.equal(traceparent(readTraceparent(given)!), given)
  assert.equal(readTraceparent(`00-${traceId}-${spanId}-00`)!.isSampled, false)
  // Flags that are not known yet say nothing; a later version may say more.
  assert.equal(readTraceparent(`00-${traceId}-${spanId}-09`)!.isSampled, true)
  assert.equal(readTraceparent(`cc-${traceId}-${spanId}-01-more`)!.isSampled, true)
  for (const wrong of [
    '',
    'nothing',
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}-1`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\r\nX: y`,
  ])
    assert.equal(readTraceparent(wrong), null, wrong)
})

test('spans come with their times, parents, values and errors, and the headers that were asked for', async (context) => {
  const receiver = await otlpReceiver()
  context.after(receiver.close)
  const exporter = open(`${receiver.url}/`)
  exporter.add([span(), span({ parentId: spanId, kind: 'internal', failed: 'it was rejected' })])
  await until('both', () => receiver.spans.length === 2)
  assert.deepEqual(receiver.wrong, [])
  const [first, second] = receiver.spans
  assert.equal(first!.startTimeUnixNano, '1800000000000250000')
  assert.equal(first!.endTimeUnixNano, '1800000000001500000')
  assert.equal(first!.kind, 2)
  assert.equal(first!.parentSpanId, undefined)
  assert.deepEqual(first!.attributes, {
    'http.response.status_code': 200,
    share: 0.5,
    'beryl.service': 'chat',
    hot: true,
  })
  assert.deepEqual(first!.resource, { 'service.name': 'beryl-gateway' })
  assert.deepEqual(first!.status, {})
  assert.deepEqual([second!.kind, second!.parentSpanId], [1, spanId])
  assert.deepEqual(second!.status, { code: 2, message: 'it was rejected' })
  assert.equal(receiver.headers[0]!['x-key'], 'secret')
  await exporter.stop()
  assert.deepEqual(exporter.counts(), { sent: 2, dropped: 0 })
})

test('what may be sent again is sent again, once each; what may not is dropped and counted', async (context) => {
  const receiver = await otlpReceiver({ answers: [503, 429, 200, 400] })
  context.after(receiver.close)
  const exporter = open(receiver.url)
  exporter.add([span()])
  await until('the third try', () => receiver.spans.length === 1)
  exporter.add([span(), span()])
  await until('the refusal', () => exporter.counts().dropped === 2)
  assert.equal(receiver.headers.length, 4)
  await exporter.stop()
  assert.deepEqual(exporter.counts(), { sent: 1, dropped: 2 })
})

test('a receiver that is away, or never answers, holds a bounded number of spans, and nobody up', async (context) => {
  const away = open('http://127.0.0.1:9', { queueMax: 100, triesMax: 2 })
  away.add(Array.from({ length: 1000 }, () => span()))
  assert.equal(away.counts().dropped, 900)
  await until('all of it', () => away.counts().dropped === 1000)
  await away.stop()

  const silent = await otlpReceiver()
  await silent.close()
  const { createServer } = await import('node:net')
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as { port: number }
  const exporter = open(`http://127.0.0.1:${port}`, { timeoutMs: 50, queueMax: 10, batchMax: 5 })
  for (let times = 0; times < 20; times++) exporter.add([span()])
  assert.ok(exporter.counts().dropped >= 5)
  await exporter.stop()
  assert.equal(exporter.counts().dropped, 20)
})

test('whoever ends waits for no receiver that never answers: what it did not take is dropped', async (context) => {
  let asked = 0
  const server = createServer(() => void asked++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const exporter = open(`http://127.0.0.1:${port}`, {
    batchMax: 2,
    timeoutMs: 3_600_000,
    stopMs: 20,
  })
  exporter.add([span(), span(), span(), span(), span()])
  await until('the receiver is asked', () => asked === 1)
  await exporter.stop()
  assert.deepEqual([asked, exporter.counts()], [1, { sent: 0, dropped: 5 }])
})
