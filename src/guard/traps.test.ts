/** The four traps: each is shown to break a naive way on versions that are equal, and to hold here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginWealth, bet } from '../statistics/engine.ts'
import { oddsRatios } from '../statistics/mixture.ts'
import { oneSample } from '../statistics/one-sample.ts'
import { seeded } from '../statistics/testing/random.ts'
import type { Random } from '../statistics/testing/random.ts'
import { alarmsAtMost } from '../statistics/testing/simulate.ts'
import { beginSplitLatency, observeSplitLatency } from '../statistics/split-latency.ts'
import { addToHistory, bucketOf } from './latency-history.ts'
import type { Outcome } from './outcome.ts'
import { beginOrder, inOrder } from './reorder.ts'
import {
  alone,
  answer,
  errors,
  historyOf,
  judged,
  latency,
  noon,
  rulesOf,
  twice,
} from './testing.ts'
import { beginWatch, observe, observePairs } from './watch.ts'
import type { WatchState } from './watch.ts'
import type { Judged } from './context.ts'

const both = { ...alone, ready: { new: 1, old: 1 }, share: 0.5 }

/** How many of so many seeded runs are rolled back. */
function refuted(runs: number, run: (random: Random) => WatchState): number {
  let count = 0
  for (let seed = 0; seed < runs; seed++)
    if (run(seeded(seed * 7919 + 17)).refutedBy !== null) count++
  return count
}

test('completion order: a version that is only slower looks like an outage, and is not rolled back in assignment order', () => {
  // 1 % errors in both, which fail fast; good answers of the new version take 500 requests, those of the old one 50.
  const finished = (random: Random) =>
    Array.from({ length: 3000 }, (_, seq) => {
      const side = random.chance(0.5) ? ('new' as const) : ('old' as const)
      const outcome: Outcome = random.chance(0.01) ? 'bad' : 'good'
      const took = outcome === 'bad' ? 0 : side === 'new' ? 500 : 50
      return { seq, side, outcome, at: seq + took }
    }).toSorted((a, b) => a.at - b.at)
  const begun = () => beginWatch(rulesOf({ ...errors, tolerance: 0 }), null, false)
  const of = (items: readonly { side: 'new' | 'old'; outcome: Outcome }[]) =>
    items.map(({ side, outcome }): Judged => ({ side, answer: answer(outcome) }))
  const naive = refuted(20, (random) => observe(begun(), of(finished(random)), both))
  const ordered = refuted(100, (random) => {
    const all = finished(random)
    const { due } = inOrder(
      beginOrder('a', 0),
      'a',
      all.map(({ seq }) => ({ seq, cell: `${seq % 10}` })),
      0,
    )
    assert.equal(due.length, all.length)
    return observe(begun(), of(all.toSorted((a, b) => a.seq - b.seq)), both)
  })
  assert.ok(naive >= 10, `naive: ${naive} of 20`)
  assert.ok(ordered <= alarmsAtMost(100, 0.01), `ordered: ${ordered} of 100`)
})

test('sticky clients: twenty requests of an unlucky client are twenty pieces of evidence, or one', () => {
  const visits = (random: Random) =>
    Array.from({ length: 200 }, (_, client) => {
      const side = random.chance(0.5) ? ('new' as const) : ('old' as const)
      const rate = random.chance(0.1) ? 0.3 : 0.01
      return Array.from({ length: 20 }, (): Judged => ({
        side,
        client: `${client}`,
        answer: answer(random.chance(rate) ? 'bad' : 'good'),
      }))
    }).flat()
  const begun = () => beginWatch(rulesOf({ ...errors, tolerance: 0 }), null, false)
  const byRequest = refuted(60, (random) => observe(begun(), visits(random), both))
  const byClient = refuted(150, (random) =>
    observe(begun(), visits(random), { ...both, sticky: true }),
  )
  assert.ok(byRequest >= 8, `by request: ${byRequest} of 60`)
  assert.ok(byClient <= alarmsAtMost(150, 0.01), `by client: ${byClient} of 150`)
})

test('daily drift: a bad hour after a good one looks like a bad version, and is not with margin, nor in pairs', () => {
  const wave = (t: number) => 0.02 * (1 + 0.5 * Math.sin((2 * Math.PI * t) / 4000))
  /** What was counted before: a whole day of it. */
  const day = { bad: 800, total: 40_000 }
  const hours = (random: Random) =>
    Array.from({ length: 6000 }, (_, t): Outcome => (random.chance(wave(t)) ? 'bad' : 'good'))
  // The naive way: the same bets against the old rate as it was counted.
  const naive = Array.from({ length: 40 }, (_, seed) => {
    const wealth = beginWealth(oddsRatios)
    const factors = oneSample(day.bad / day.total)
    return hours(seeded(seed)).some(
      (outcome) => bet(wealth, oddsRatios, factors[outcome === 'bad' ? 'bad' : 'good']) >= 100,
    )
  }).filter(Boolean).length
  const begun = () => beginWatch(rulesOf(errors), historyOf(day), false)
  const alone_ = refuted(60, (random) => observe(begun(), judged(hours(random)), alone))
  const paired = refuted(60, (random) => {
    const pairs = Array.from({ length: 6000 }, (_, t) => {
      const one = () => answer(random.chance(wave(t)) ? 'bad' : 'good')
      return twice(t, one(), one())
    })
    return observePairs(begun(), pairs, { ...both, share: null, pairs: true })
  })
  assert.ok(naive >= 8, `naive: ${naive} of 40`)
  assert.ok(alone_ <= alarmsAtMost(60, 0.01), `before/after: ${alone_} of 60`)
  assert.ok(paired <= alarmsAtMost(60, 0.01), `paired: ${paired} of 60`)
})

test('unequal load: a loaded server looks slower than an idle twin, and is not compared with it', () => {
  // Identical servers whose time rises with what they get: 100/s for the live one, 10/s of copies for the control.
  const ms = (random: Random, perSecond: number) =>
    20 * (1 + perSecond / 100) * Math.exp(0.3 * random.normal())
  const naive = Array.from({ length: 20 }, (_, seed) => {
    const random = seeded(seed)
    const state = beginSplitLatency({ times: 1.1, plusMs: 5 })
    return Array.from({ length: 1500 }, () => {
      const side = random.chance(0.5) ? ('new' as const) : ('old' as const)
      const seen = { side, ms: ms(random, side === 'new' ? 100 : 10), share: 0.5 }
      return observeSplitLatency(state, seen)
    }).some((wealth) => wealth >= 100)
  }).filter(Boolean).length
  assert.ok(naive >= 18, `naive: ${naive} of 20`)

  const run = (random: Random, times: (random: Random) => number) => {
    const history = historyOf({ bad: 10, total: 10_000 })!
    for (let t = 0; t < 4000; t++)
      addToHistory(history.latency.total!, bucketOf(100), ms(random, 100))
    let state = beginWatch(rulesOf(errors, latency), history, false)
    for (let second = 0; second < 120 && state.refutedBy === null; second++) {
      const context = {
        ...alone,
        at: noon + second * 1000,
        ready: { new: 1, old: 1 },
        pairs: true,
        next: second * 100,
      }
      const live = Array.from({ length: 100 }, () =>
        answer('good', { ms: ms(random, 100) * times(random) }),
      )
      state = observe(
        state,
        live.map((one) => ({ side: 'new', answer: one })),
        context,
      )
      const pairs = live
        .slice(0, 10)
        .map((own, k) => twice(second * 100 + k, own, answer('good', { ms: ms(random, 10) })))
      state = observePairs(state, pairs, context)
    }
    return state
  }
  assert.ok(refuted(20, (random) => run(random, () => 1)) === 0)
  const signal = run(seeded(1), () => 1).signals[1]!
  assert.equal(signal.design, 'before-after')
  assert.equal(signal.judged['paired'], undefined)
  // It is not blind for that: three times slower than the old version at the same rate is found.
  assert.equal(run(seeded(2), () => 3).refutedBy, 'latency')
})
