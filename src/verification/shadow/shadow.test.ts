/** What clients ask is asked of the candidate too: equal versions pass, worse ones fail, and whatever the candidate does is survived. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { tappedOf } from '../capture/testing.ts'
import type { Told } from '../capture/testing.ts'
import type { Examination } from '../examination.ts'
import type { TapListener } from '../tap/hear.ts'
import { calm, labelled, model, right, shadowSpec, target } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import { progressText, shadow } from './shadow.ts'

/** Exchanges of clients with a live version that answers rightly, one after the other, until the gate has heard enough. */
function traffic(told: (nth: number) => Told = () => ({})) {
  const listeners = new Set<TapListener>()
  const tap = {
    listen(listener: TapListener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  let nth = 0
  const send = (count: number) => {
    for (let turn = 0; turn < count; turn++) {
      const { request, expected } = labelled(2)[nth % 2]!
      const text = `${expected}${nth}`
      const one = tappedOf({
        body: JSON.stringify({ ...request, text }),
        answer: JSON.stringify({ label: expected }),
        ...told(nth++),
      })
      for (const listener of listeners) listener.exchange(one)
    }
  }
  const clock = setInterval(() => send(20), 5)
  return {
    tap,
    send,
    dropped: (counts: Record<string, number>) => {
      for (const listener of listeners) listener.dropped(counts)
    },
    stop: () => clearInterval(clock),
    isHeard: () => listeners.size > 0,
    sent: () => nth,
  }
}

type Setup = {
  candidate: (input: { text?: string }, count: number) => Behaviour
  live?: (input: { text?: string }, count: number) => Behaviour
  spec?: Parameters<typeof shadowSpec>[0]
  told?: (nth: number) => Told
  examination?: Examination
}

async function run(context: TestContext, setup: Setup) {
  const [candidate, live] = [
    await model(context, setup.candidate),
    await model(context, setup.live ?? right),
  ]
  const clients = traffic(setup.told)
  context.after(() => clients.stop())
  const verdict = shadow(
    shadowSpec(setup.spec),
    { service: 'tiny', candidate: target('v2', candidate), live: target('v1', live) },
    clients.tap,
    setup.examination ?? calm(),
  )
  return { verdict, candidate, live, clients }
}

const limited = (ms: number): Examination => {
  const abort = new AbortController()
  setTimeout(() => abort.abort(new Error(`not done within ${ms} ms`)), ms)
  return { signal: abort.signal, progress: () => {} }
}

const wrongOn = (share: number) => (input: { text?: string }, count: number) =>
  count % Math.round(1 / share) === 0 ? { label: 'wrong' } : right(input)

test('an equal version passes once enough was compared; live is asked again for the share that was asked for', async (context) => {
  const { verdict, candidate, live, clients } = await run(context, { candidate: right })
  const { verdict: said, because, evidence } = await verdict
  assert.equal(said, 'pass', because)
  const { compared } = (evidence as { copies: { compared: number } }).copies
  assert.ok(compared >= 300, because)
  assert.ok(live.asked.length > 40 && live.asked.length < candidate.asked.length / 3)
  assert.ok(!clients.isHeard(), 'it hears no more when it has decided')
})

test('a copy is the request as the client sent it, marked as a copy', async (context) => {
  const headers = {
    'Content-Type': 'application/json',
    Authorization: 'Bearer t',
    'x-tenant': 'a',
    'accept-encoding': 'gzip',
    'content-length': '7',
  }
  const { verdict, candidate } = await run(context, {
    candidate: () => ({ label: 'a' }),
    told: () => ({ target: '/v1/x?q=1', headers, body: '{"a":1}', answer: '{"label":"a"}' }),
  })
  assert.equal((await verdict).verdict, 'pass')
  const [{ method, url, body, headers: sent, test: purpose }] = candidate.asked as [
    (typeof candidate.asked)[0],
  ]
  assert.deepEqual([method, url, body, purpose], ['POST', '/v1/x?q=1', '{"a":1}', 'shadow'])
  assert.deepEqual(
    [sent['authorization'], sent['x-tenant'], sent['beryl-copy'], sent['content-length']],
    ['Bearer t', 'a', '1', '7'],
  )
  assert.equal(sent['accept-encoding'], undefined)
})

test('a version that answers a tenth of the requests otherwise fails, with the worst of them side by side', async (context) => {
  const { verdict } = await run(context, { candidate: wrongOn(0.1), spec: { liveAgain: 1 } })
  const { verdict: said, because, evidence } = await verdict
  assert.equal(said, 'fail', because)
  assert.match(because, /v2 differs from live v1 on .* \(most on \$\.label\)/)
  const [example] = (evidence as { examples: Record<string, string>[] }).examples
  assert.deepEqual([example!['candidate'], example!['at']], ['wrong', '$.label'])
  assert.match(example!['live']!, /^[ab]$/)
  assert.match(example!['request']!, /"text":"[ab]\d+"/)
})

test('what must not be kept stands in no verdict, and still compares', async (context) => {
  const secret = 'SECRET-NAME'
  const redact = { paths: ['$.label', '$.text'], headers: [], patterns: ['key-\\d+'] }
  const told = () => ({
    body: JSON.stringify({ text: secret, key: 'key-1' }),
    answer: JSON.stringify({ label: secret }),
  })
  const { verdict } = await run(context, {
    candidate: () => ({ label: `${secret}, other` }),
    live: () => ({ label: secret }),
    spec: { redact },
    told,
  })
  const { verdict: said, ...rest } = await verdict
  assert.equal(said, 'fail', rest.because)
  const text = JSON.stringify(rest)
  assert.ok(!text.includes(secret) && !text.includes('key-1'), text)
  assert.match(text, /\[redacted [0-9a-f]{12}\]/)
  const same = await run(context, {
    candidate: () => ({ label: secret }),
    live: () => ({ label: secret }),
    spec: { redact },
    told,
  })
  assert.equal((await same.verdict).verdict, 'pass')
})

const broken: [string, (input: { text?: string }, count: number) => Behaviour][] = [
  ['hangs', () => 'hang'],
  ['closes connections', () => 'close'],
  ['cuts its answers', () => 'cut'],
  ['stops in the middle of its answers', () => 'stall'],
  ['answers garbage', () => ({ raw: '<html>' })],
  ['answers 500', () => ({ raw: '{"error":"x"}', status: 500 })],
  ['answers without an end', () => ({ bytes: 2 ** 26 })],
]
for (const [what, candidate] of broken)
  test(`a candidate that ${what} fails, and holds nobody up`, async (context) => {
    const { verdict, clients } = await run(context, {
      candidate,
      spec: { timeoutS: 0.2, liveAgain: 1 },
    })
    const { verdict: said, because } = await verdict
    assert.equal(said, 'fail', because)
    assert.ok(!clients.isHeard())
  })

test('a candidate that is slow gets what it can take; the rest is dropped, counted, and told, and memory stays bounded', async (context) => {
  const large = JSON.stringify({ text: `a${'x'.repeat(20_000)}` })
  const { verdict, clients } = await run(context, {
    candidate: (input) => ({ ...(right(input) as { label: unknown }), afterMs: 20 }),
    told: () => ({ body: large, answer: '{"label":"a"}' }),
    spec: { atLeast: 400 },
  })
  clients.send(5000)
  const { verdict: said, because, evidence } = await verdict
  assert.equal(said, 'pass', because)
  const { copies } = evidence as { copies: { arrived: number; dropped: Record<string, number> } }
  assert.ok(copies.dropped['behind']! > 4500, because)
  assert.match(because, /copies were dropped \(\d+ behind\)/)
})

test('too little traffic decides nothing, and says how much came', async (context) => {
  const { verdict, clients } = await run(context, {
    candidate: right,
    spec: { atLeast: 100_000 },
    examination: limited(800),
  })
  setTimeout(() => clients.stop(), 300)
  clients.dropped({ 'tiny too-large': 4, 'other full': 3 })
  const { verdict: said, because } = await verdict
  assert.equal(said, 'undecided')
  assert.match(because, /^not done within 800 ms: \d+ of the 100000 requests that are needed/)
  assert.match(because, /copies were dropped \(4 too-large/)
})

test('what is of another service, of another version, or beyond the share, is not asked', async (context) => {
  const { verdict, candidate } = await run(context, {
    candidate: right,
    spec: { share: 0.5 },
    told: (nth) =>
      [{ service: 'other' }, { version: 'v0' }, { point: 0.7 }, { point: 0.2 }][nth % 4]!,
  })
  const { verdict: said, because, evidence } = await verdict
  assert.equal(said, 'pass', because)
  const { copies } = evidence as { copies: { arrived: number; dropped: Record<string, number> } }
  assert.ok(copies.dropped['other-version']! > 100)
  assert.ok(candidate.asked.length <= copies.arrived)
  assert.ok(candidate.asked.every(({ body }) => Number(/\d+/.exec(body)![0]) % 4 === 3))
})

test('a live version that fails is no measure: nothing is decided by it', async (context) => {
  const { verdict } = await run(context, {
    candidate: right,
    told: (nth) => (nth % 5 === 0 ? { status: 503, answer: '{}' } : {}),
    examination: limited(1500),
  })
  const { verdict: said, because } = await verdict
  assert.equal(said, 'undecided')
  assert.match(because, /live failed on 2\d(\.\d+)? % of the inputs and is no measure/)
})

test('two runs of a version that contradicts itself are no regression', async (context) => {
  const random = (input: { text?: string }, count: number) =>
    count % 3 === 0 ? { label: `odd ${Math.floor(Math.random() * 3)}` } : right(input)
  const { verdict } = await run(context, {
    candidate: random,
    live: random,
    spec: { liveAgain: 1, noWorseBy: 0.2, concurrency: 2 },
    told: (nth) => (nth % 3 === 1 ? { answer: `{"label":"odd ${nth % 4}"}` } : {}),
    examination: limited(5000),
  })
  const { verdict: said, because } = await verdict
  assert.notEqual(said, 'fail', because)
})

test('without a live version that answers, nothing is decided', async (context) => {
  const candidate = target('v2', await model(context, right))
  const { tap, stop } = traffic()
  context.after(stop)
  for (const live of [null, { ...candidate, addresses: [] }]) {
    const sides = { service: 'tiny', candidate, live }
    const { verdict, because } = await shadow(shadowSpec(), sides, tap, calm())
    assert.equal(verdict, 'undecided')
    assert.match(because, /no live version that answers/)
  }
})

test('while more is compared than was asked for, it says what it waits for', () => {
  assert.equal(progressText(39, 40), '39 of 40 compared')
  assert.match(progressText(310, 40), /^310 compared, which do not show yet/)
})
