/** A real gateway between a client, a model server and a small OTLP receiver of our own: the caller's trace goes on through it. */
import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { after, test } from 'node:test'
import { otlpReceiver } from '../telemetry/testing.ts'
import { openGateway, openModel, placed, tableOf, until } from './testing/gateway.ts'

const open: { close(): unknown }[] = []
after(() => Promise.all(open.map((one) => one.close())))

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const caller = '00f067aa0ba902b7'
const sampled = `00-${traceId}-${caller}-01`

/** @param share null: nothing is configured */
async function gatewayWith(share: number | null) {
  const heard: IncomingHttpHeaders[] = []
  const model = await openModel((incoming, response) => {
    heard.push(incoming.headers)
    incoming.resume()
    incoming.on('end', () => response.writeHead(incoming.url!.includes('bad') ? 500 : 200).end('x'))
  })
  const receiver = await otlpReceiver()
  const gateway = await openGateway({
    telemetry: share === null ? null : { otlp: receiver.url, share, headers: {} },
  })
  open.push(model, receiver, gateway)
  const table = tableOf(1, 'blue', { blue: placed('v1', [model.port]) })
  await gateway.client.putTable('s', { table, back: null })
  const ask = async (headers: Record<string, string>, path = '/') => {
    const { status, headers: answered } = await gateway.ask(path, { headers })
    return { heard: heard.at(-1)!, status, requestId: answered['beryl-request-id'] }
  }
  return { ask, receiver, gateway }
}

test('a trace that its caller records goes on: the model server is a child of the gateway’s span, and that of the caller’s', async () => {
  const { ask, receiver } = await gatewayWith(0)
  const { heard, requestId } = await ask(
    { traceparent: sampled, tracestate: 'vendor=a' },
    '/answer?secret=1',
  )
  await until(
    () => receiver.spans.length,
    (count) => count === 1,
  )
  assert.deepEqual(receiver.wrong, [])
  const [span] = receiver.spans
  assert.equal(span!.traceId, traceId)
  assert.equal(span!.parentSpanId, caller)
  assert.equal(heard['traceparent'], `00-${traceId}-${span!.spanId}-01`)
  assert.equal(heard['tracestate'], 'vendor=a')
  assert.equal(span!.name, 'GET /')
  assert.equal(span!.kind, 2)
  const { attributes } = span!
  assert.equal(attributes['http.response.status_code'], 200)
  assert.equal(attributes['url.path'], '/answer')
  assert.equal(attributes['beryl.request_id'], requestId)
  assert.deepEqual(
    ['service', 'environment', 'version', 'release', 'replica'].map(
      (name) => attributes[`beryl.${name}`],
    ),
    ['s', 'blue', 'v1', 'r-v1', 'v1-0'],
  )
  assert.doesNotMatch(JSON.stringify(span), /secret/)
})

test('what is not recorded passes as it came; a failure is recorded as one', async () => {
  const { ask, receiver, gateway } = await gatewayWith(0)
  const notSampled = `00-${traceId}-${caller}-00`
  for (const [given, expected] of [
    [{ traceparent: notSampled, tracestate: 'a=b' }, notSampled],
    [{ traceparent: 'nonsense' }, 'nonsense'],
    [{}, undefined],
  ] as const)
    assert.equal((await ask(given)).heard['traceparent'], expected)
  assert.equal((await ask({ traceparent: sampled }, '/bad')).status, 500)
  await until(
    () => receiver.spans.length,
    (count) => count === 1,
  )
  const [span] = receiver.spans
  assert.deepEqual(span!.status, { code: 2, message: 'error-status' })
  assert.equal(span!.attributes['error.type'], '500')
  const { spans } = await gateway.client.metrics()
  assert.deepEqual(spans, { sent: 1, dropped: 0 })
})

test('of what nobody traces a share begins here; a context that is none is left behind', async () => {
  const { ask, receiver } = await gatewayWith(1)
  const { heard } = await ask({ traceparent: 'nonsense', tracestate: 'a=b' })
  await until(
    () => receiver.spans.length,
    (count) => count === 1,
  )
  const [span] = receiver.spans
  assert.equal(span!.parentSpanId, undefined)
  assert.equal(heard['traceparent'], `00-${span!.traceId}-${span!.spanId}-01`)
  assert.equal(heard['tracestate'], undefined)
  const more = await Promise.all(Array.from({ length: 20 }, () => ask({})))
  assert.equal(new Set(more.map(({ heard: one }) => one['traceparent'])).size > 1, true)
  await until(
    () => receiver.spans.length,
    (count) => count === 21,
  )
  assert.equal(new Set(receiver.spans.map((one) => one.spanId)).size, 21)
})

test('without an endpoint every context passes as it came, and nothing is counted', async () => {
  const { ask, gateway } = await gatewayWith(null)
  assert.equal((await ask({ traceparent: sampled })).heard['traceparent'], sampled)
  assert.equal((await gateway.client.metrics()).spans, null)
})

test('a receiver that is away costs spans, which are counted, and not one request', async () => {
  const { ask, receiver, gateway } = await gatewayWith(1)
  await receiver.close()
  for (let count = 0; count < 50; count++) assert.equal((await ask({})).status, 200)
  assert.equal((await gateway.client.metrics()).spans!.sent, 0)
})
