/** Evidence from before the switch: what it is worth, and what outweighs it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progress } from '../statistics/engine.ts'
import { seeded } from '../statistics/testing/random.ts'
import { alarmsAtMost } from '../statistics/testing/simulate.ts'
import { standsForAll } from './carried.ts'
import { decide } from './decide.ts'
import {
  alone,
  answer,
  errors,
  historyOf,
  judged,
  latency,
  many,
  rulesOf,
  twice,
} from './testing.ts'
import { beginWatch, observe, observePairs } from './watch.ts'
import type { WatchState } from './watch.ts'

const history = historyOf({ bad: 5, total: 1000 })
const begun = (total: number, newOnly: number) =>
  beginWatch(rulesOf(errors, latency), history, false, { total, newOnly })
const fine = (state: WatchState) => decide(state).evidence.promotionEvidence
const worse = (state: WatchState) => decide(state).evidence.rollbackEvidence

test('a thousand clean pairs before the switch are enough, and one answer of a client then promotes', () => {
  const state = begun(1000, 0)
  assert.equal(fine(state), 1)
  const { decision, because } = decide(state)
  assert.equal(decision, 'hold')
  assert.match(because, /no client has been answered by it yet/)
  assert.match(
    because,
    /before the switch 0 of 1000 copied requests failed on the new version alone/,
  )
  assert.equal(decide(observe(state, judged(['good']), alone)).decision, 'promote')
})

test('fewer are a part of the way, and the watch goes on from there', () => {
  const state = begun(150, 0)
  assert.ok(fine(state) > 0.1 && fine(state) < 0.9, `${fine(state)}`)
  const bare = beginWatch(rulesOf(errors, latency), history, false)
  const after = (from: WatchState) => fine(observe(from, judged(many('good', 100)), alone))
  assert.ok(after(state) > after(bare))
})

test('what margin would promote is not said by its pairs alone: that would be another than promotes it', () => {
  const pairs = Array.from({ length: 33 }, (_, seq) => twice(seq, answer('good'), answer('good')))
  const said = (state: WatchState) => {
    const context = { ...alone, ready: { new: 1, old: 1 }, pairs: true }
    const { decision, evidence } = decide(observePairs(state, pairs, context))
    return [decision, evidence.signals[0]!.worseByAtMost === null]
  }
  assert.deepEqual(said(beginWatch(rulesOf(errors, latency), history, false)), ['hold', false])
  const carried = { total: 1000, newOnly: 0 }
  assert.deepEqual(said(beginWatch(rulesOf(errors, latency), history, false, carried)), [
    'promote',
    true,
  ])
})

test('failures of the new version alone are no evidence for it, and never for a rollback: gates have judged those', () => {
  const state = begun(1000, 60)
  assert.equal(fine(state), 0)
  assert.equal(worse(state), 0)
})

test('it is worth no more than what is needed: a few failures of clients outweigh ten thousand pairs', () => {
  const state = begun(10_000, 0)
  const after = observe(state, judged(['good', 'bad', 'good', 'bad', 'bad']), alone)
  assert.notEqual(decide(after).decision, 'promote')
  assert.ok(progress(20 * fine(after), 20) <= 1)
})

test('a version that is worse by the margin is still promoted in at most 5 % of releases', () => {
  const runs = 150
  let promoted = 0
  for (let run = 0; run < runs; run++) {
    const random = seeded(run + 1)
    const rate = 0.005 + errors.margin
    let newOnly = 0
    for (let pair = 0; pair < 600; pair++) if (random.chance(rate)) newOnly++
    let state = begun(600, newOnly)
    for (let batch = 0; batch < 20; batch++) {
      const seen = Array.from({ length: 20 }, () =>
        random.chance(rate) ? ('bad' as const) : ('good' as const),
      )
      state = observe(state, judged(seen), alone)
      if (decide(state).decision === 'promote') {
        promoted++
        break
      }
    }
  }
  assert.ok(promoted <= alarmsAtMost(runs, 0.05), `${promoted} of ${runs}`)
})

test('pairs stand for all only where nearly all may be copied, and is', () => {
  const all = { asked: 1000, allowed: 1000, sent: 1000, missed: 0 }
  assert.equal(standsForAll(all), true)
  assert.equal(standsForAll({ ...all, allowed: 899 }), false)
  assert.equal(standsForAll({ ...all, sent: 850, missed: 150 }), false)
  assert.equal(standsForAll({ ...all, asked: 49, allowed: 49, sent: 49 }), false)
  assert.equal(standsForAll({ ...all, sent: 0 }), false)
})

test('counts that are none are refused', () => {
  for (const [total, newOnly] of [
    [-1, 0],
    [10, 11],
    [1.5, 0],
    [NaN, 0],
    [1e9, 0],
  ] as const)
    assert.throws(() => begun(total, newOnly), RangeError)
})
