import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { prometheus } from './prometheus.ts'
import type { PrometheusSpec } from './prometheus.ts'
import { candidate, live, nobody, userServer, within } from './testing.ts'

const query = 'sum(rate(errors{version="{version}",place="{environment}",svc=~"{service}"}[5m]))'

/** What Prometheus answers, as its HTTP API has it. */
const vector = (...values: (number | string)[]) => ({
  status: 'success',
  data: {
    resultType: 'vector',
    result: values.map((value) => ({ metric: {}, value: [1_800_000_000.1, String(value)] })),
  },
})
const scalar = (value: string) => ({
  status: 'success',
  data: { resultType: 'scalar', result: [1_800_000_000.1, value] },
})

function judged(url: string, more: Partial<PrometheusSpec>, { ms = 5000, first = false } = {}) {
  const spec: PrometheusSpec = {
    kind: 'prometheus',
    url,
    headers: { authorization: 'Bearer t' },
    query,
    atMost: null,
    atLeast: null,
    noWorseBy: null,
    forS: 0,
    withinS: 60,
    ...more,
  }
  const targets = { candidate, live: first ? null : live }
  return within(ms, (examination) => prometheus(spec, targets, 'tiny', examination))
}

/** @param says the answer for a version, at the nth look */
function metrics(context: TestContext, says: (version: string, look: number) => unknown) {
  const looks = new Map<string, number>()
  return userServer(context, (response, { url }) => {
    const version = /version="(\w+)"/.exec(url.searchParams.get('query') ?? '')![1]!
    looks.set(version, (looks.get(version) ?? 0) + 1)
    const answer = says(version, looks.get(version)!)
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
}

test('one figure is held against its limits; placeholders are filled in, headers sent', async (context) => {
  const { url, asked } = await metrics(context, () => vector(0.02))
  const passed = await judged(`${url}/base/`, { atMost: 0.02 })
  assert.deepEqual([passed.verdict, passed.because], ['pass', 'v2 has 0.02; at most 0.02'])
  assert.equal(asked[0]!.url.pathname, '/base/api/v1/query')
  assert.equal(asked[0]!.headers['authorization'], 'Bearer t')
  assert.equal(
    asked[0]!.url.searchParams.get('query'),
    'sum(rate(errors{version="v2",place="green",svc=~"tiny"}[5m]))',
  )
  assert.equal((await judged(url, { atMost: 0.019 })).verdict, 'fail')
  assert.equal((await judged(url, { atLeast: 0.02 })).verdict, 'pass')
  assert.equal((await judged(url, { atLeast: 0.03 })).verdict, 'fail')
  assert.equal((await judged(url, { atLeast: 0.01, atMost: 0.03 })).verdict, 'pass')
})

test('no worse than live: less is better, with atLeast more is; a first release has no live', async (context) => {
  const figures: Record<string, number> = { v1: 100, v2: 105 }
  const { url, asked } = await metrics(context, (version) => scalar(String(figures[version])))
  assert.equal((await judged(url, { noWorseBy: 0.05 })).verdict, 'pass')
  const failed = await judged(url, { noWorseBy: 0.04 })
  assert.deepEqual(
    [failed.verdict, failed.because],
    ['fail', 'v2 has 105, live v1 100; it may be 4 % worse than live'],
  )
  assert.match(
    asked.map((one) => one.url.searchParams.get('query')).join(),
    /version="v1",place="blue"/,
  )
  figures['v2'] = 95
  assert.equal((await judged(url, { noWorseBy: 0 })).verdict, 'pass')
  assert.equal((await judged(url, { noWorseBy: 0.05, atLeast: 1 })).verdict, 'pass')
  assert.equal((await judged(url, { noWorseBy: 0.04, atLeast: 1 })).verdict, 'fail')
  assert.equal((await judged(url, { noWorseBy: 0, atMost: 96 }, { first: true })).verdict, 'pass')
})

test('nothing found, and NaN, are waited for and then undecided', async (context) => {
  const empty = await metrics(context, () => vector())
  const none = await judged(empty.url, { atMost: 1 }, { ms: 400 })
  assert.equal(none.verdict, 'undecided')
  assert.match(none.because, /not done within 400 ms: the query found nothing/)
  const nan = await metrics(context, () => vector('NaN'))
  assert.equal((await judged(nan.url, { atMost: 1 }, { ms: 400 })).verdict, 'undecided')
  const lateLive = await metrics(context, (version) => (version === 'v1' ? vector() : vector(0)))
  assert.equal((await judged(lateLive.url, { noWorseBy: 1 }, { ms: 400 })).verdict, 'undecided')
  const scraped = await metrics(context, (_, look) => (look < 3 ? vector() : vector(0.5)))
  assert.equal((await judged(scraped.url, { atMost: 1 })).verdict, 'pass')
})

test('what is no figure is undecided at once, and never a pass', async (context) => {
  for (const [answer, said] of [
    ['<html>', /not what \/api\/v1\/query answers/],
    ['[]', /not what/],
    ['{"status":"success"}', /expected one number/],
    [
      { status: 'error', errorType: 'bad_data', error: 'parse error at char 3' },
      /parse error at char 3/,
    ],
    [vector(0, 0), /2 series: aggregate them/],
    [vector('+Inf'), /\+Inf/],
    [vector(''), /expected \[time, "number"\]/],
    [vector('zero'), /gives zero/],
    [{ status: 'success', data: { resultType: 'matrix', result: [] } }, /gives matrix/],
    [
      {
        status: 'success',
        data: { resultType: 'vector', result: [{ metric: {}, histogram: [] }] },
      },
      /expected/,
    ],
    [{ ...vector(0), warnings: ['1 store is down'] }, /1 store is down/],
  ] as const) {
    const { url } = await metrics(context, () => answer)
    const { verdict, because } = await judged(url, { atMost: 1 })
    assert.equal(verdict, 'undecided', JSON.stringify(answer))
    assert.match(because, said)
  }
  const failing = await userServer(context, (response) =>
    response.writeHead(503).end(JSON.stringify(vector(0))),
  )
  assert.equal((await judged(failing.url, { atMost: 1 })).verdict, 'undecided')
  assert.equal(failing.asked.length, 1)
})

test('it must hold for its time: one look that misses fails, a gap begins anew', async (context) => {
  const steady = await metrics(context, () => vector(0.1))
  const held = await judged(steady.url, { atMost: 0.2, forS: 0.5 })
  assert.equal(held.verdict, 'pass')
  const { looks } = held.evidence as { looks: { atMs: number }[] }
  assert.ok(looks.length >= 3 && looks.at(-1)!.atMs >= 500)
  const rises = await metrics(context, (_, look) => vector(look < 3 ? 0.1 : 0.3))
  assert.equal((await judged(rises.url, { atMost: 0.2, forS: 2 })).verdict, 'fail')
  const never = await judged(steady.url, { atMost: 0.2, forS: 10 }, { ms: 400 })
  assert.deepEqual(
    [never.verdict, never.because],
    ['undecided', 'not done within 400 ms: the last figure was 0.1'],
  )
  const gaps = await metrics(context, (_, look) => (look % 3 === 0 ? vector() : vector(0.1)))
  assert.equal(
    (await judged(gaps.url, { atMost: 0.2, forS: 0.4 }, { ms: 1500 })).verdict,
    'undecided',
  )
})

test('a Prometheus that hangs, or that nobody runs, decides nothing', async (context) => {
  const hangs = await userServer(context, () => {})
  assert.equal((await judged(hangs.url, { atMost: 1 }, { ms: 300 })).verdict, 'undecided')
  assert.match((await judged(await nobody(), { atMost: 1 })).because, /in 4 tries/)
})
