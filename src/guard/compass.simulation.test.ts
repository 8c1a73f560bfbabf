/** The compass of the design, in seconds: whole watches with errors and latency, in pairs and split. Seeded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../statistics/testing/random.ts'
import type { Random } from '../statistics/testing/random.ts'
import { alarmsAtMost } from '../statistics/testing/simulate.ts'
import { decide } from './decide.ts'
import type { Decision, SignalRules } from './guard.ts'
import type { Outcome } from './outcome.ts'
import { alone, answer, errors, latency, many, noon, rulesOf, twice } from './testing.ts'
import { judged } from './testing.ts'
import { outcomeOf } from './outcome.ts'
import { beginWatch, observe, observePairs } from './watch.ts'
import type { WatchState } from './watch.ts'
import type { Context, Judged } from './context.ts'

type Truth = {
  /** Share of requests on which only the new, and only the old version fails; both fail on the rest of the errors. */
  newOnly: number
  oldOnly: number
  slower: number
}

const equal: Truth = { newOnly: 0.005, oldOnly: 0.005, slower: 1 }
const strict = { ...errors, tolerance: 0 }
const exact = { ...latency, tolerance: { times: 1, plusMs: 0 }, required: true }
/** Warm instances and known loads, so that latency is judged from the first request on. */
const begun = (signals: readonly SignalRules[]) => {
  const state = beginWatch(rulesOf(...signals), null, false)
  state.warmth = ['a', 'old-a'].map((name) => ({ name, since: 0, seen: 1000 }))
  state.load = { since: noon, counts: { new: 0, old: 0 }, perSecond: { new: 10, old: 10 } }
  return state
}
const context: Context = { ...alone, ready: { new: 1, old: 1 } }

test('equal versions are rolled back in at most 1 % of releases, by errors and latency together', () => {
  for (const design of ['pairs', 'split'] as const) {
    const ends = Array.from({ length: 100 }, (_, seed) =>
      follow(seed, { design, truth: equal, signals: [strict, exact], requests: 1500 }),
    )
    const wrong = ends.filter(({ decision }) => decision === 'rollBack').length
    assert.ok(wrong <= alarmsAtMost(100, 0.01), `${design}: ${wrong} of 100`)
  }
})

test('errors 1 % → 2, 5, 10, 100 % in pairs: rolled back within the gates of the design', () => {
  for (const [newOnly, most] of [
    [0.015, 2450],
    [0.045, 370],
    [0.095, 145],
    [0.99, 12],
  ] as const) {
    const truth = { newOnly, oldOnly: newOnly > 0.9 ? 0 : 0.005, slower: 1 }
    const mean = meanDelay({ design: 'pairs', truth, signals: [strict], requests: 6000 }, 40)
    // 40 runs scatter by a tenth more than the design's 500.
    assert.ok(mean <= 1.15 * most, `${newOnly}: ${mean} > ${most}`)
  }
})

test('latency 25 % slower: in pairs twice as soon as split, and it is latency that decides', () => {
  const truth = { ...equal, slower: 1.25 }
  const of = (design: 'pairs' | 'split') =>
    meanDelay({ design, truth, signals: [errors, exact], requests: 4000 }, 20)
  const [pairs, split] = [of('pairs'), of('split')]
  assert.ok(pairs <= 250 && split <= 600 && pairs < split, `pairs ${pairs}, split ${split}`)
  const { because, evidence } = follow(1, {
    design: 'pairs',
    truth,
    signals: [errors, exact],
    requests: 4000,
  })
  assert.match(because, /^latency: /)
  assert.equal(evidence.strongest, 'latency')
})

test('equal versions are promoted in about 1,400 pairs, and ones worse by the margin in at most 5 %', () => {
  const runs = 60
  const promoted = (truth: Truth) =>
    Array.from({ length: runs }, (_, seed) =>
      follow(seed, {
        design: 'pairs',
        truth,
        signals: [errors, { ...latency, required: true }],
        requests: 4000,
      }),
    ).filter(({ decision }) => decision === 'promote')
  const good = promoted(equal)
  assert.ok(good.length >= 0.95 * runs, `${good.length} of ${runs}`)
  const mean = good.reduce((sum, { at }) => sum + at, 0) / good.length
  assert.ok(mean <= 1400, `${mean}`)
  const worse = promoted({ newOnly: 0.015, oldOnly: 0.005, slower: 1 }).length
  assert.ok(worse <= alarmsAtMost(runs, 0.05), `more errors: ${worse} of ${runs}`)
  const slow = promoted({ ...equal, slower: 1.31 }).length
  assert.ok(slow <= alarmsAtMost(runs, 0.05), `slower: ${slow} of ${runs}`)
})

test('a silent new version is rolled back within 15 requests of its first deadline', () => {
  const silent = many(outcomeOf('deadline'), 15)
  const state = observe(begun([errors, exact]), judged(silent), context)
  assert.equal(decide(state).decision, 'rollBack')
})

test('a regression that begins after 5,000 good pairs is found', () => {
  const random = seeded(5)
  let state = begun([strict])
  for (let t = 0; t < 5000; t += 50)
    state = observePairs(state, pairsOf(random, equal, { from: t, count: 50 }), {
      ...context,
      pairs: true,
    })
  assert.equal(state.refutedBy, null)
  const worse = { newOnly: 0.05, oldOnly: 0.005, slower: 1 }
  let t = 0
  for (; t < 1500 && state.refutedBy === null; t += 50)
    state = observePairs(state, pairsOf(random, worse, { from: 5000 + t, count: 50 }), {
      ...context,
      pairs: true,
    })
  assert.equal(state.refutedBy, 'errors', `not after ${t}`)
})

type Followed = Decision & { at: number }
type Setup = {
  design: 'pairs' | 'split'
  truth: Truth
  signals: readonly SignalRules[]
  requests: number
}

/** The first decision that is not to hold, looked for every 25 requests; rollbacks are found at each. */
function follow(seed: number, { design, truth, signals, requests }: Setup): Followed {
  const random = seeded(seed * 7919 + 17)
  let state = begun(signals)
  for (let t = 0; t < requests; t += 25) {
    state =
      design === 'pairs'
        ? observePairs(state, pairsOf(random, truth, { from: t, count: 25 }), {
            ...context,
            pairs: true,
          })
        : observe(state, splitOf(random, truth, 25), { ...context, share: 0.5 })
    const decision = decide(state)
    if (decision.decision !== 'hold') return { ...decision, at: t + 25 }
  }
  return { ...decide(state), at: requests }
}

function meanDelay(setup: Setup, runs: number): number {
  let sum = 0
  for (let seed = 0; seed < runs; seed++) sum += rolledBackAfter(seed, setup)
  return sum / runs
}

function rolledBackAfter(seed: number, { design, truth, signals, requests }: Setup): number {
  const random = seeded(seed * 104_729 + 3)
  let state: WatchState = begun(signals)
  for (let t = 0; t < requests;) {
    const step = t < 40 ? 1 : 10
    state =
      design === 'pairs'
        ? observePairs(state, pairsOf(random, truth, { from: t, count: step }), {
            ...context,
            pairs: true,
          })
        : observe(state, splitOf(random, truth, step), { ...context, share: 0.5 })
    t += step
    if (state.refutedBy !== null) return t
  }
  return requests
}

function pairsOf(
  random: Random,
  { newOnly, oldOnly, slower }: Truth,
  { from, count }: { from: number; count: number },
) {
  return Array.from({ length: count }, (_, k) => {
    const x = random.uniform()
    const own: Outcome = x < newOnly || x > 0.995 ? 'bad' : 'good'
    const old: Outcome = (x >= newOnly && x < newOnly + oldOnly) || x > 0.995 ? 'bad' : 'good'
    // Half of the variance lies in the request.
    const request = Math.sqrt(0.5) * random.normal()
    const ms = () => 100 * Math.exp(0.5 * (request + Math.sqrt(0.5) * random.normal()))
    return twice(from + k, answer(own, { ms: ms() * slower }), answer(old, { ms: ms() }))
  })
}

function splitOf(random: Random, { newOnly, oldOnly, slower }: Truth, count: number): Judged[] {
  return Array.from({ length: count }, () => {
    const side = random.chance(0.5) ? 'new' : 'old'
    const rate = (side === 'new' ? newOnly : oldOnly) + 0.005
    const ms = 100 * Math.exp(0.5 * random.normal()) * (side === 'new' ? slower : 1)
    const instance = side === 'new' ? 'a' : 'old-a'
    return { side, answer: answer(random.chance(rate) ? 'bad' : 'good', { ms, instance }) }
  })
}
