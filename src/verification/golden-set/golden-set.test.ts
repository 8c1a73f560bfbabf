import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  calm,
  classify,
  goldenFile,
  goldenSpec,
  labelled,
  model,
  right,
  target,
} from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import { goldenSet } from './golden-set.ts'

/** Right but for every n-th input. */
const wrongOnEvery =
  (n: number) =>
  (input: { text?: string }): Behaviour =>
    Number(input.text?.slice(1)) % n === 0 ? { label: 'wrong' } : right(input)

test('a better version passes, a worse one fails, with examples of where', async (context) => {
  const golden = await goldenFile(context, labelled(60))
  const spec = goldenSpec({ ...golden, atLeast: 0.7, noWorseBy: 0.01 })
  const good = await model(context, right)
  const old = await model(context, wrongOnEvery(10))
  const bad = await model(context, wrongOnEvery(4))

  const passed = await goldenSet(spec, target('v2', good), target('v1', old), calm())
  assert.equal(passed.verdict, 'pass')
  assert.match(passed.because, /^v2 scores 100 % on 60 inputs, live v1 90 %/)
  assert.equal(good.asked.length, 60)
  assert.ok(good.asked.every(({ test, url }) => test === 'golden-set' && url === '/classify'))

  const failed = await goldenSet(spec, target('v3', bad), target('v1', old), calm())
  assert.equal(failed.verdict, 'fail')
  assert.match(failed.because, /v3 scores 75 %.*may be worse than live by 1 % and is by 15 %/)
  assert.deepEqual((failed.evidence['examples'] as unknown[])[0], {
    line: 5,
    request: '{"text":"a4"}',
    expected: 'a',
    candidate: 'wrong',
    live: 'a',
  })
})

test('every replica gets its share, and one bad replica is seen', async (context) => {
  const golden = await goldenFile(context, labelled(40))
  const good = await model(context, right)
  const bad = await model(context, () => ({ label: 'wrong' }))
  const spec = goldenSpec({ ...golden, atLeast: 0.9 })
  const { verdict, because } = await goldenSet(spec, target('v2', good, bad), null, calm())
  assert.equal(verdict, 'fail')
  assert.match(because, /scores 50 %/)
  assert.deepEqual([good.asked.length, bad.asked.length], [20, 20])
})

test('each way to fail counts as a wrong answer, and is named', async (context) => {
  const golden = await goldenFile(context, labelled(4))
  const cases: [Behaviour, RegExp][] = [
    ['hang', /no whole answer in 0.3 s/],
    ['close', /socket hang up/],
    ['cut', /closed in the middle/],
    [{ raw: '{"label":"a"}', status: 500 }, /status 500/],
    [{ raw: '{"label":"a"}', status: 302 }, /status 302/],
    [{ raw: '{"label":' }, /not JSON/],
    [{ raw: '{"other":1}' }, /has no \$\.label/],
    [{ raw: '' }, /not JSON/],
  ]
  for (const [behaviour, failure] of cases) {
    const server = await model(context, () => behaviour)
    const request = classify(behaviour === 'hang' ? 0.3 : 10)
    const spec = goldenSpec({ ...golden, request, atLeast: 0.5 })
    const { verdict, because, evidence } = await goldenSet(spec, target('v2', server), null, calm())
    assert.equal(verdict, 'fail', because)
    assert.match(because, failure)
    assert.equal(evidence['failures'], 4)
  }
})

test('a broken line costs nobody a request', async (context) => {
  const server = await model(context, right)
  const broken = await goldenFile(context, [...labelled(5), '{"request":'])
  await assert.rejects(
    goldenSet(goldenSpec({ ...broken, atLeast: 0.5 }), target('v2', server), null, calm()),
    /golden\.jsonl:6: not JSON/,
  )
  const lists = await goldenFile(context, labelled(5))
  await assert.rejects(
    goldenSet(
      goldenSpec({ ...lists, atLeast: 0.5, score: { kind: 'oneOf' } }),
      target('v2', server),
      null,
      calm(),
    ),
    /golden\.jsonl:1: score oneOf needs a list in "expected"/,
  )
  await assert.rejects(
    goldenSet(
      goldenSpec({
        ...lists,
        atLeast: 0.5,
        request: { method: 'GET', path: '/', headers: {}, timeoutS: 1 },
      }),
      target('v2', server),
      null,
      calm(),
    ),
    /golden\.jsonl:1: a GET carries no body/,
  )
  assert.equal(server.asked.length, 0)
})

test('a file that changed is not what was asked for, not even while it is read', async (context) => {
  const golden = await goldenFile(context, labelled(50))
  const server = await model(context, right)
  const spec = goldenSpec({ ...golden, atLeast: 0.5 })
  const other = { ...spec, digest: `sha256:${'0'.repeat(64)}` }
  await assert.rejects(
    goldenSet(other, target('v2', server), null, calm()),
    /was changed after the release began/,
  )
  assert.equal(server.asked.length, 0)
  // Larger than what is read ahead, so that its end is not yet read when it changes.
  const large = await goldenFile(
    context,
    labelled(50).map((line) => ({ ...line, note: 'x'.repeat(10_000) })),
  )
  const changing = await model(context, (input, count) => {
    if (count === 1) appendFileSync(large.file, `\n${JSON.stringify(labelled(1)[0])}`)
    return right(input)
  })
  await assert.rejects(
    goldenSet(
      goldenSpec({ ...large, atLeast: 0.5, concurrency: 1 }),
      target('v2', changing),
      null,
      calm(),
    ),
    /was changed after the release began/,
  )
  assert.equal(changing.asked.length, 51)
})

test('a live version without a ready replica is nothing to compare with', async (context) => {
  const golden = await goldenFile(context, labelled(4))
  const server = await model(context, right)
  const spec = goldenSpec({ ...golden, atLeast: 0.5, noWorseBy: 0.01 })
  const live = { version: 'v1', environment: 'blue', addresses: [] }
  const { verdict, because } = await goldenSet(spec, target('v2', server), live, calm())
  assert.equal(verdict, 'undecided')
  assert.match(because, /v1 has no ready replica/)
})

test('a first release is judged by its floor, and live is not asked where it is not compared', async (context) => {
  const golden = await goldenFile(context, labelled(4))
  const [server, live] = [await model(context, right), await model(context, right)]
  const first = goldenSpec({ ...golden, atLeast: 0.5, noWorseBy: 0.01 })
  assert.equal((await goldenSet(first, target('v2', server), null, calm())).verdict, 'pass')
  const onlyNoWorse = goldenSpec({ ...golden, noWorseBy: 0.01 })
  assert.equal(
    (await goldenSet(onlyNoWorse, target('v2', server), null, calm())).verdict,
    'undecided',
  )
  const floor = goldenSpec({ ...golden, atLeast: 0.5 })
  assert.equal(
    (await goldenSet(floor, target('v2', server), target('v1', live), calm())).verdict,
    'pass',
  )
  assert.equal(live.asked.length, 0)
})

test('when its time is over it decides nothing, and says how far it came', async (context) => {
  const golden = await goldenFile(context, labelled(40))
  const stop = new AbortController()
  const server = await model(context, (input, count) => {
    if (count === 20) setImmediate(() => stop.abort(new Error('not done within 1 s')))
    return count < 20 ? (count % 2 === 0 ? { raw: '', status: 500 } : right(input)) : 'hang'
  })
  const spec = goldenSpec({ ...golden, atLeast: 0.5, concurrency: 1 })
  const { verdict, because, evidence } = await goldenSet(spec, target('v2', server), null, {
    signal: stop.signal,
    progress: () => {},
  })
  assert.equal(verdict, 'undecided')
  assert.match(
    because,
    /^not done within 1 s: 19 of 40 inputs were answered, 9 of them failed \(status 500\)/,
  )
  assert.equal(evidence['total'], 19)
})

test('never more requests at a time than asked for', async (context) => {
  const golden = await goldenFile(context, labelled(30))
  let [now, most] = [0, 0]
  const server = await model(context, (input) => {
    most = Math.max(most, ++now)
    setTimeout(() => now--, 4)
    return { ...(right(input) as { label: unknown }), afterMs: 5 }
  })
  const spec = goldenSpec({ ...golden, atLeast: 0.5, concurrency: 3 })
  assert.equal((await goldenSet(spec, target('v2', server), null, calm())).verdict, 'pass')
  assert.equal(most, 3)
})
