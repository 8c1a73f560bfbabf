import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calm, directory, goldenFile, labelled, unrecorded } from '../testing.ts'
import type { TokenCount } from '../token-count.ts'
import { climb } from './climb.ts'
import type { Figures } from './figures.ts'
import { missedBy, quantile } from './figures.ts'
import { load } from './load.ts'
import type { LoadSpec } from './load.ts'
import { known, oneAtATime, stalling } from './testing.ts'
import type { Known } from './testing.ts'

const spec: LoadSpec = {
  kind: 'load',
  protocol: 'http',
  rate: { perSecond: 100 },
  forS: 1,
  ramp: null,
  // Far from what is measured: a busy machine holds up servers, too.
  p95Ms: 400,
  firstTokenMs: null,
  errors: 0.01,
  request: { method: 'POST', path: '/predict', headers: {}, timeoutS: 2 },
  file: null,
  captured: null,
  withinS: 60,
}

/** Asked again where the machine was too busy to ask in time: that says nothing of the server. */
async function loaded(servers: readonly Known[], more: Partial<LoadSpec> = {}) {
  let found = await once(servers, more)
  for (let again = 0; again < 8 && isTooBusy(found); again++) {
    for (const { asked } of servers) asked.length = 0
    found = await once(servers, more)
  }
  return found
}

const isTooBusy = ({ verdict, because }: { verdict: string; because: string }): boolean =>
  verdict === 'undecided' && because.includes('this machine is too busy')

async function once(servers: readonly Known[], more: Partial<LoadSpec> = {}) {
  const target = {
    version: 'v2',
    environment: 'green',
    addresses: servers.map(({ address }) => address),
  }
  const verdict = await load({ ...spec, ...more }, target, unrecorded, calm())
  const { held, capacity } = verdict.evidence as {
    held: Figures
    capacity: { perSecond: number; notPerSecond: number | null } | null
  }
  return { ...verdict, held, capacity }
}

test('a server that carries the rate passes; one that does not is slower and slower, and fails', async (context) => {
  const enough = await oneAtATime(context, 5)
  const passed = await loaded([enough])
  assert.equal(passed.verdict, 'pass', passed.because)
  assert.equal(enough.asked.length, 100)
  assert.deepEqual(passed.capacity, { perSecond: 100, notPerSecond: null })
  const failed = await loaded([await oneAtATime(context, 20)], { forS: 2 })
  assert.equal(failed.verdict, 'fail', failed.because)
  assert.match(failed.because, /; 95 % within 400 ms are asked$/)
  assert.equal(failed.capacity, null)
  assert.ok(failed.held.sent < failed.held.planned, 'it is not gone on with')
})

test('requests come when they are due and not in step with answers, to every replica, with the bodies of the golden set', async (context) => {
  const slow = () => known(context, (response) => setTimeout(() => response.end('{}'), 100))
  const servers = [await slow(), await slow()]
  const { file } = await goldenFile(context, labelled(10))
  const { verdict, held } = await loaded(servers, { file })
  assert.equal(verdict, 'pass')
  assert.ok(held.p95Ms! >= 99)
  const [first, second] = servers.map(({ asked }) => asked)
  assert.deepEqual([first!.length, second!.length], [50, 50])
  assert.equal(new Set([...first!, ...second!].map(({ body }) => body)).size, 10)
  const spread = first!.at(-1)!.at - first![0]!.at
  assert.ok(spread > 900, `one second of requests came in ${spread} ms`)
})

test('a server that stalls once is measured by all who would have come meanwhile', async (context) => {
  const { verdict, held } = await loaded([await stalling(context, { afterMs: 300, forMs: 500 })], {
    p95Ms: 150,
  })
  assert.equal(verdict, 'fail')
  // A hundred a second, half a second long: some fifty wait, up to 500 ms. One after the other it would have been one.
  assert.ok(held.maxMs! > 400, `${held.maxMs}`)
  const patient = await loaded([await stalling(context, { afterMs: 300, forMs: 500 })], {
    p95Ms: 5000,
  })
  assert.ok(patient.held.p95Ms! > 350, `${patient.held.p95Ms}`)
})

test('the way up finds the capacity of a server on a fixed timer', async (context) => {
  const way = async () =>
    loaded([await oneAtATime(context, 10)], {
      p95Ms: 150,
      rate: { perSecond: 60 },
      ramp: { toPerSecond: 1000, stepS: 1.5 },
    })
  let found = await way()
  // A machine that is busy with other things may hold the server up: it is asked again, and never believed to carry more.
  for (let again = 0; again < 8 && (found.capacity?.perSecond ?? 0) < 85; again++)
    found = await way()
  const { verdict, because, capacity } = found
  assert.equal(verdict, 'pass', because)
  // A hundred a second. At 10 % more the backlog is 150 ms after 1.5 s: that is where the limit lies.
  assert.ok(capacity!.perSecond > 85 && capacity!.perSecond < 118, because)
})

test('errors fail, are named, and are the longest wait of all', async (context) => {
  const flaky = await known(context, (response, count) =>
    count % 10 === 0 ? response.writeHead(500).end() : response.end('{}'),
  )
  const failed = await loaded([flaky])
  assert.equal(failed.verdict, 'fail')
  assert.match(failed.because, /errors \(status 500\); at most 1 % errors are asked/)
  const allowed = await loaded([flaky], { errors: 0.2 })
  assert.equal(allowed.verdict, 'fail', 'a tenth has no answer within any time')
  const broken = await loaded([await known(context, (response) => response.destroy())])
  assert.deepEqual([broken.verdict, broken.held.p95Ms], ['fail', null])
})

test('one that never answers fails when its requests are given up, and gets few more', async (context) => {
  const hangs = await known(context, () => {})
  const { verdict, held } = await loaded([hangs], {
    forS: 3,
    request: { ...spec.request!, timeoutS: 0.3 },
  })
  assert.equal(verdict, 'fail')
  assert.ok(held.sent < 250, `${held.sent} of 300`)
})

test('a share of the peak is a rate; without a peak, or with too few requests, nothing is decided', async (context) => {
  const server = await oneAtATime(context, 2)
  const { held } = await loaded([server], { rate: { ofPeak: 1.2, peak: 50 } })
  assert.equal(held.perSecond, 60)
  const none = await loaded([server], { rate: { ofPeak: 1.2, peak: null } })
  assert.deepEqual([none.verdict, /no traffic/.test(none.because)], ['undecided', true])
  assert.equal((await loaded([server], { rate: { perSecond: 2 } })).verdict, 'undecided')
})

test('the first token of streams has a limit of its own', async (context) => {
  const event = (text: string) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: text === '.' ? 'stop' : null }] })}\n\n`
  const streams = (firstMs: number) =>
    known(context, (response) => {
      setTimeout(() => response.write(event('Hi')), firstMs)
      setTimeout(() => response.end(`${event('.')}data: [DONE]\n\n`), 650)
    })
  const { file } = await goldenFile(context, [
    { request: { messages: [], stream: true }, expected: null },
  ])
  const more = { protocol: 'openai', file, firstTokenMs: 300, p95Ms: 5000 } as const
  const quick = await loaded([await streams(5)], more)
  assert.equal(quick.verdict, 'pass', quick.because)
  const { held, tokens } = quick.evidence as { held: { sent: number }; tokens: TokenCount }
  assert.deepEqual([tokens.written, tokens.askedNotKnown], [2 * held.sent, held.sent])
  const slow = await loaded([await streams(500)], more)
  assert.equal(slow.verdict, 'fail')
  assert.match(slow.because, /95 % of the first tokens within 300 ms are asked/)
  const whole = {
    ...more,
    file: (await goldenFile(context, labelled(1))).file,
    protocol: 'http',
  } as const
  assert.equal((await loaded([await oneAtATime(context, 1)], whole)).verdict, 'fail')
})

test('what the examiner could not send in time is not the candidate’s failure', async (context) => {
  const server = await known(context, (response) => response.end('{}'))
  // The examiner is held up again and again: by another gate, or by a busy machine.
  const holdUp = setInterval(() => {
    const until = performance.now() + 80
    while (performance.now() < until);
  }, 120)
  context.after(() => clearInterval(holdUp))
  const { verdict, because } = await once([server], { p95Ms: 30 })
  assert.equal(verdict, 'undecided', because)
  assert.match(because, /the examiner itself sent up to \d+ ms late/)
})

test('a cancelled gate ends at once', async (context) => {
  const server = await oneAtATime(context, 2)
  const abort = new AbortController()
  const begun = performance.now()
  setTimeout(() => abort.abort(new Error('it was cancelled')), 200)
  await assert.rejects(
    load(
      { ...spec, forS: 60 },
      { version: 'v2', environment: 'green', addresses: [server.address] },
      unrecorded,
      { signal: abort.signal, progress: () => {} },
    ),
    /it was cancelled/,
  )
  assert.ok(performance.now() - begun < 30_000, 'it was to last a minute')
  const at = await directory(context)
  await assert.rejects(loaded([server], { file: `${at}/none.jsonl` }), /cannot read the golden set/)
})

test('climbing: the rates that are tried, and what is said when all of them hold', async () => {
  const tried: number[] = []
  const until = (capacity: number) => async (perSecond: number) => {
    tried.push(Math.round(perSecond))
    return perSecond <= capacity
  }
  const found = await climb({ from: 100, to: 1000 }, until(180))
  assert.deepEqual(tried, [125, 156, 195, 175, 185, 180])
  assert.ok(found.perSecond <= 180 && found.perSecond > 174 && found.notPerSecond! < 186)
  const end = { perSecond: 140, notPerSecond: null }
  assert.deepEqual(await climb({ from: 100, to: 140 }, until(500)), end)
  const unknown = { perSecond: 125, notPerSecond: null }
  const nobodyKnows = async (perSecond: number) => (perSecond > 130 ? null : true)
  assert.deepEqual(await climb({ from: 100, to: 900 }, nobodyKnows), unknown)
})

test('quantiles, and no answer as the longest wait', () => {
  const twenty = Array.from({ length: 20 }, (_, index) => index + 1)
  assert.equal(quantile(twenty, 0.95), 19)
  assert.equal(quantile([...twenty.slice(1), Infinity], 0.95), 20)
  assert.equal(quantile([...twenty.slice(2), Infinity, Infinity], 0.95), null)
  assert.equal(quantile([], 0.5), null)
  const none = { sent: 100, errors: 0, p95Ms: null, firstTokenP95Ms: null } as Figures
  assert.match(missedBy(none, { p95Ms: 1e9, firstTokenMs: null, errors: 1 })!, /95 % within/)
})
