/** Times of tokens, as the examiner reads them in streams: judged like latency, by what is said and not by what the gateway timed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../statistics/testing/random.ts'
import { decide } from './decide.ts'
import type { LatencyRules } from './guard.ts'
import { addToHistory, bucketOf } from './latency-history.ts'
import { answer, errors, latency, noon, rulesOf } from './testing.ts'
import { readValues, valuesCellOf } from './values.ts'
import { beginWatch, observe } from './watch.ts'
import type { WatchState } from './watch.ts'
import type { Context, Judged } from './context.ts'

const perToken: LatencyRules = {
  ...latency,
  name: 'perToken',
  from: 'answer',
  of: 'perToken',
  tolerance: { times: 1.1, plusMs: 0 },
  margin: { times: 1.25, plusMs: 0 },
}
const perSecond = 40

type Told = { factor?: number; seconds?: number; share?: number | null; isCold?: boolean }

/** Whole answers take as long as they are long; what is asked is how long a token of them takes: 20 ms, give or take. */
function run(state: WatchState, seed: number, told: Told): WatchState {
  const { factor = 1, seconds = 60, share = 0.5, isCold = false } = told
  const random = seeded(seed)
  const names = ['a', 'old-a']
  state.warmth = isCold ? [] : names.map((name) => ({ name, since: 0, seen: 1000 }))
  let now = state
  for (let second = 0; second < seconds; second++) {
    const context: Context = {
      at: noon + (isCold ? second * 10 : second * 1000),
      ready: { new: 1, old: share === null ? 0 : 1 },
      pairs: false,
      share,
      sticky: false,
      next: second * perSecond,
      every: 1,
    }
    const sides = Array.from({ length: perSecond }, () =>
      share === null || random.chance(0.5) ? ('new' as const) : ('old' as const),
    )
    now = observe(
      now,
      sides.map((side) => ({
        side,
        answer: answer('good', {
          ms: 100 + 900 * random.uniform(),
          instance: side === 'new' ? 'a' : 'old-a',
        }),
      })),
      { ...context, of: 'gateway' },
    )
    now = observe(
      now,
      sides.map((side): Judged => {
        const ms = (side === 'new' ? factor : 1) * 20 * (0.9 + 0.2 * random.uniform())
        const seen = answer('good', { instance: side === 'new' ? 'a' : 'old-a' })
        // One in four is no stream, and says nothing.
        return {
          side,
          answer: { ...seen, values: random.chance(0.75) ? { perToken: ms } : {} },
        }
      }),
      { ...context, of: 'answer' },
    )
    if (now.refutedBy !== null) break
  }
  return now
}

const begun = (...more: LatencyRules[]) =>
  beginWatch(rulesOf(errors, perToken, ...more), null, false)
const signal = (state: WatchState) =>
  decide(state, noon).evidence.signals.find((one) => one.signal === 'perToken')!

test('a quarter more for each token is rolled back, as much as before and a little more is not', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const slower = run(begun(latency), seed, { factor: 1.25 })
    assert.equal(slower.refutedBy, 'perToken')
    assert.match(signal(slower).said, /answers timed/)
    for (const factor of [1, 1.05])
      assert.equal(run(begun(latency), seed, { factor }).refutedBy, null, `${factor}`)
  }
})

test('an equal version earns a promotion in a step under equal load', () => {
  const state = run(begun(), 3, {})
  assert.equal(signal(state).design, 'split')
  assert.equal(signal(state).promotionEvidence, 1)
})

test('cold instances say nothing about it', () => {
  const state = run(begun(), 1, { factor: 10, seconds: 20, isCold: true })
  assert.equal(state.refutedBy, null)
  assert.deepEqual(signal(state).judged, {})
})

test('after a switch at once it is held against its own history, of times of tokens and of no others', () => {
  const random = seeded(5)
  const history = { counts: {}, latency: { perToken: {}, total: {} } }
  for (let t = 0; t < 4000; t++)
    addToHistory(history.latency.perToken, bucketOf(perSecond), 20 * (0.9 + 0.2 * random.uniform()))
  const after = (factor: number) =>
    run(beginWatch(rulesOf(errors, perToken), history, false), 2, {
      factor,
      share: null,
      seconds: 400,
    })
  assert.equal(after(2).refutedBy, 'perToken')
  assert.equal(after(1.2).refutedBy, null)
  assert.equal(signal(after(1)).design, 'before-after')
})

test('what is no time is unreadable, and never a pass', () => {
  const context: Context = {
    of: 'answer',
    at: noon,
    ready: { new: 1, old: 1 },
    pairs: false,
    share: 0.5,
    sticky: false,
    next: 0,
    every: 1,
  }
  const state = begun()
  state.warmth = [{ name: 'a', since: 0, seen: 1000 }]
  const seen = [NaN, -1, 'fast', true].map((value): Judged => ({
    side: 'new',
    answer: { ...answer('good'), values: { perToken: value } },
  }))
  const after = observe(state, seen, context)
  assert.equal(after.unreadable, 4)
  assert.equal(decide(after, noon).decision, 'hold')
})

test('times stand in line as precisely as tolerances ask', () => {
  const said = [{ name: 'perToken', kind: 'latency' as const }]
  const tables = { instances: ['a'], names: [] as string[] }
  const drawn = { side: 'new' as const, share: 0.5, client: 0 }
  const through = (value: number | string | null) => {
    const cell = valuesCellOf({ instance: 'a', drawn, values: { perToken: value } }, said, tables)
    return readValues(cell, said, tables).values!['perToken']
  }
  for (const ms of [0.02, 0.31, 5, 1234.5, 59_000])
    assert.ok(Math.abs((through(ms) as number) / ms - 1) < 0.001, `${ms}`)
  assert.ok((through(0) as number) <= 0.01)
  for (const none of [NaN, -1, 'x', null]) assert.ok(Number.isNaN(through(none)))
})
