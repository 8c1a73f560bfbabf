import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import {
  calm,
  goldenFile,
  labelled,
  model,
  right,
  target,
  warmUpSpec,
  unrecorded,
} from '../testing.ts'
import type { Behaviour, Model } from '../testing.ts'
import type { Heat } from './heat.ts'
import { warmUp } from './warm-up.ts'
import type { WarmUpSpec } from './warm-up.ts'

/** A run whose time is over when the test says so. */
function stoppable() {
  const stop = new AbortController()
  return {
    examination: { signal: stop.signal, progress: () => {} },
    over: () => setImmediate(() => stop.abort(new Error('not done within 1 s'))),
  }
}

function heats({ evidence }: { evidence: Record<string, unknown> }): Heat[] {
  return evidence['replicas'] as Heat[]
}

async function warmed(
  context: TestContext,
  behave: (count: number) => Behaviour,
  more: Partial<WarmUpSpec> = {},
) {
  const server = await model(context, (_, count) => behave(count))
  return {
    server,
    verdict: await warmUp(warmUpSpec(more), target('v2', server), unrecorded, calm()),
  }
}

test('a replica that gets faster is warm when it no longer does, and cold and warm latency are told', async (context) => {
  const { server, verdict } = await warmed(context, (count) => ({
    label: 1,
    afterMs: count === 1 ? 80 : Math.max(0, 30 - count / 2),
  }))
  assert.equal(verdict.verdict, 'pass', verdict.because)
  const [heat] = heats(verdict)
  assert.ok(heat!.coldMs! >= 75, String(heat!.coldMs))
  assert.ok(heat!.windows.at(-1)!.median! < 20)
  assert.ok(server.asked.length >= 101, `${server.asked.length} requests`)
  assert.match(verdict.because, /^v2 is warm after \d+ requests: first answer \d+\.\d ms, now \d/)
})

test('every replica is warmed, with bodies of the golden set, and marked', async (context) => {
  const { file } = await goldenFile(context, labelled(50))
  const models: Model[] = [await model(context, right), await model(context, right)]
  const { verdict } = await warmUp(
    warmUpSpec({ file }),
    target('v2', ...models),
    unrecorded,
    calm(),
  )
  assert.equal(verdict, 'pass')
  for (const { asked } of models) {
    assert.ok(asked.length >= 61)
    assert.ok(asked.every(({ test }) => test === 'warm-up'))
    assert.ok(new Set(asked.map(({ body }) => body)).size > 20)
  }
})

test('a replica that answers errors fails it at once, and ends it for the others', async (context) => {
  const good = await model(context, () => 'hang')
  const bad = await model(context, () => ({ raw: 'the cache is full', status: 500 }))
  const { verdict, because } = await warmUp(
    warmUpSpec(),
    target('v2', good, bad),
    unrecorded,
    calm(),
  )
  assert.equal(verdict, 'fail')
  assert.ok(because.startsWith(bad.address), because)
  assert.match(because, /fails while it warms up: 21 of 21 requests \(status 500\)/)
})

test('a connection that breaks is an error', async (context) => {
  const { verdict } = await warmed(context, () => 'close')
  assert.equal(verdict.verdict, 'fail')
  assert.match(verdict.because, /socket hang up/)
})

test('the first request may take as long as the gate, not only as long as a request', async (context) => {
  const { verdict } = await warmed(
    context,
    (count) => ({ label: 1, afterMs: count === 1 ? 200 : 0 }),
    { request: { method: 'POST', path: '/', headers: {}, timeoutS: 0.1 } },
  )
  assert.equal(verdict.verdict, 'pass', verdict.because)
  assert.ok(heats(verdict)[0]!.coldMs! >= 195)
})

test('a replica that never answers leaves it undecided when time is over', async (context) => {
  const { examination, over } = stoppable()
  const server = await model(context, () => {
    over()
    return 'hang'
  })
  const { verdict, because } = await warmUp(
    warmUpSpec(),
    target('v2', server),
    unrecorded,
    examination,
  )
  assert.equal(verdict, 'undecided')
  assert.match(because, /^not done within 1 s: .* has given no answer to 1 requests/)
})

test('latency that is still changing when time is over leaves it undecided, with its numbers', async (context) => {
  const { examination, over } = stoppable()
  const server = await model(context, (_, count) => {
    if (count === 121) over()
    return { label: 1, afterMs: Math.floor(count / 20) % 2 === 0 ? 0 : 20 }
  })
  const spec = warmUpSpec({ concurrency: 10 })
  const { verdict, because } = await warmUp(spec, target('v2', server), unrecorded, examination)
  assert.equal(verdict, 'undecided')
  assert.match(
    because,
    /is not stable after 1\d\d requests, 0 of them too late: medians [\d., ]+ ms/,
  )
})

test('a few errors in every window never get stable, and fail it when time is over', async (context) => {
  const { examination, over } = stoppable()
  const server = await model(context, (_, count) => {
    if (count === 150) over()
    return count % 10 === 0 ? { raw: '', status: 503 } : { label: 1 }
  })
  const { verdict, because } = await warmUp(
    warmUpSpec(),
    target('v2', server),
    unrecorded,
    examination,
  )
  assert.equal(verdict, 'fail')
  assert.match(because, /status 503/)
})

test('told nothing it sends GET /, and where nothing is there it decides nothing and says what to do', async (context) => {
  const { server, verdict } = await warmed(context, () => ({ label: 1 }), { request: null })
  assert.equal(verdict.verdict, 'pass')
  const { method, body, test: purpose, url } = server.asked[0]!
  assert.deepEqual([method, body, purpose, url], ['GET', '', 'warm-up', '/'])
  const missing = await warmed(context, () => ({ raw: 'no', status: 404 }), { request: null })
  assert.equal(missing.verdict.verdict, 'undecided')
  assert.match(missing.verdict.because, /GET \/ was sent: give warmUp a request/)
})

test('a golden set that cannot be read decides nothing', async (context) => {
  const { file } = await goldenFile(context, ['{'])
  const server = await model(context, right)
  await assert.rejects(
    warmUp(warmUpSpec({ file }), target('v2', server), unrecorded, calm()),
    /golden\.jsonl:1: not JSON/,
  )
})
