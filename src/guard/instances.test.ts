import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../statistics/testing/random.ts'
import type { Random } from '../statistics/testing/random.ts'
import { decide } from './decide.ts'
import { addToHistory, bucketOf } from './latency-history.ts'
import { alone, answer, errors, historyOf, latency, noon, rulesOf } from './testing.ts'
import { beginWatch, observe } from './watch.ts'
import type { WatchState } from './watch.ts'
import type { Judged } from './context.ts'

const names = ['a', 'b', 'c']
type Behaviour = { bad: number; ms: number }
const fine: Behaviour = { bad: 0.01, ms: 20 }

/** Three replicas, 30 answers a second, one second a batch, until a decision or the end. */
function run(
  seed: number,
  behaviours: readonly Behaviour[],
  { seconds = 120, fastFails = false, replaces = true } = {},
): { state: WatchState; answers: number } {
  const random = seeded(seed * 7919 + 1)
  const history = historyOf({ bad: 50, total: 5000 })!
  for (let t = 0; t < 3000; t++)
    addToHistory(history.latency.total!, bucketOf(10), time(random, fine.ms))
  let state = beginWatch(
    { ...rulesOf(errors, latency), ...(replaces ? {} : { replaces: false as const }) },
    history,
    false,
  )
  state.warmth = names.map((name) => ({ name, since: 0, seen: 1000 }))
  state.load = { since: noon - 1, counts: { new: 0, old: 0 }, perSecond: { new: 30, old: 0 } }
  let answers = 0
  for (let second = 0; second < seconds && state.refutedBy === null; second++) {
    const batch = Array.from({ length: 30 }, (): Judged => {
      const at = fastFails && random.chance(0.6) ? 0 : Math.floor(random.uniform() * 3)
      const { bad, ms } = behaviours[at]!
      const outcome = random.chance(bad) ? 'bad' : 'good'
      return {
        side: 'new',
        answer: answer(outcome, { ms: time(random, ms), instance: names[at]! }),
      }
    })
    answers += batch.length
    state = observe(state, batch, { ...alone, at: noon + second * 1000, ready: { new: 3, old: 0 } })
  }
  return { state, answers }
}

test('one broken replica of three is set aside, and the version is not rolled back', () => {
  for (const bad of [0.3, 1]) {
    for (let seed = 0; seed < 10; seed++) {
      const { state } = run(seed, [{ bad, ms: 20 }, fine, fine])
      assert.deepEqual([state.instances.aside, state.refutedBy], [['a'], null], `${bad} ${seed}`)
      const { decision, replace, evidence } = decide(state)
      assert.notEqual(decision, 'rollBack')
      assert.deepEqual(replace, ['a'])
      assert.ok(evidence.setAside > 0)
      assert.equal(evidence.instances.find(({ instance }) => instance === 'a')?.setAside, true)
    }
  }
})

test("where no replica can be replaced, none is set aside: what one answers is the version's own doing", () => {
  for (let seed = 0; seed < 10; seed++) {
    const { state } = run(seed, [{ bad: 1, ms: 20 }, fine, fine], { replaces: false })
    assert.deepEqual([state.instances.aside, state.refutedBy], [[], 'errors'], `${seed}`)
  }
})

test('a broken replica that fails fast, and so gets most of the traffic, is still one replica', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { state } = run(seed, [{ bad: 1, ms: 1 }, fine, fine], { fastFails: true })
    assert.deepEqual([state.instances.aside, state.refutedBy], [['a'], null], `${seed}`)
  }
})

test('one replica that is five times slower than its siblings is set aside, too', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { state } = run(seed, [{ bad: 0.01, ms: 100 }, fine, fine])
    assert.deepEqual([state.instances.aside, state.refutedBy], [['a'], null], `${seed}`)
  }
})

test('a version that is bad on every replica is rolled back, hardly later for being asked which it is', () => {
  const bad = { bad: 0.3, ms: 20 }
  let sum = 0
  for (let seed = 0; seed < 20; seed++) {
    const { state, answers } = run(seed, [bad, bad, bad])
    assert.deepEqual([state.instances.aside, state.refutedBy], [[], 'errors'])
    sum += answers
  }
  assert.ok(sum / 20 <= 90, `${sum / 20}`)
})

test('where everything goes to one of two replicas, the version is rolled back after all', () => {
  let state = beginWatch(rulesOf(errors), historyOf({ bad: 50, total: 5000 }), false)
  const at = { ...alone, ready: { new: 2, old: 0 } }
  state = observe(state, [{ side: 'new', answer: answer('good', { instance: 'b' }) }], at)
  const all = Array.from({ length: 120 }, (): Judged => ({ side: 'new', answer: answer('bad') }))
  const early = observe(state, all.slice(0, 20), at)
  assert.equal(early.refutedBy, null)
  assert.match(decide(early).because, /not clear yet whether the version is worse or one instance/)
  assert.equal(observe(state, all, at).refutedBy, 'errors')
})

test('equal replicas are not called worse than each other', () => {
  let aside = 0
  for (let seed = 0; seed < 30; seed++)
    aside += run(seed, [fine, fine, fine], { seconds: 60 }).state.instances.aside.length
  assert.ok(aside <= 1, `${aside}`)
})

test('what a set-aside replica goes on saying is not counted', () => {
  const { state } = run(1, [{ bad: 1, ms: 20 }, fine, fine], { seconds: 20 })
  const more = Array.from({ length: 500 }, (): Judged => ({ side: 'new', answer: answer('bad') }))
  const later = observe(state, more, { ...alone, ready: { new: 2, old: 0 } })
  assert.equal(later.total, state.total)
  assert.deepEqual(
    later.signals.map(({ book }) => book),
    state.signals.map(({ book }) => book),
  )
})

function time(random: Random, ms: number): number {
  return ms * Math.exp(0.2 * random.normal())
}
