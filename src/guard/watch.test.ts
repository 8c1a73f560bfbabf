import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../statistics/testing/random.ts'
import type { Counts } from './baseline.ts'
import { decide } from './decide.ts'
import { outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { alone, errors, historyOf, judged, many, noon, rulesOf } from './testing.ts'
import { beginWatch, observe } from './watch.ts'
import type { WatchState } from './watch.ts'

const rules = rulesOf(errors)
const history = { bad: 20, total: 2000 }

const begun = (old: Counts | null = history, first = false) =>
  beginWatch(rules, historyOf(old), first)
const seeing = (state: WatchState, outcomes: readonly Outcome[], at = noon) =>
  observe(state, judged(outcomes), { ...alone, at })
const watched = (outcomes: readonly Outcome[], old: Counts | null = history) =>
  seeing(begun(old), outcomes)

test('no evidence never promotes', () => {
  const nothing = decide(begun())
  assert.equal(nothing.decision, 'hold')
  assert.ok(nothing.missing! > 100)
  assert.match(
    nothing.because,
    /^about \d+ more answers needed to be sure that errors are no worse, about \d+ if .*worse by 4 points \(0 errors in 0 answers/,
  )

  assert.equal(decide(watched([...many('void', 5000), ...many('gone', 5000)])).decision, 'hold')
  const careless = { ...rules, badPromotionRisk: 1, falseRollbackRisk: 1 }
  assert.equal(decide(beginWatch(careless, null, false)).decision, 'hold')
})

test('a version without errors is promoted when that is surely below the limit, not earlier', () => {
  const { missing } = decide(begun({ bad: 0, total: 2000 }))
  const state = begun({ bad: 0, total: 2000 })
  assert.equal(decide(seeing(state, many('good', missing! - 1))).decision, 'hold')
  const { decision, because } = decide(seeing(state, many('good', missing!)))
  assert.equal(decision, 'promote')
  assert.match(because, /0 errors in \d+ answers, against the old version's 0 errors in 2000/)
})

test('a total outage is rolled back within eight answers', () => {
  assert.equal(decide(watched(many('bad', 1))).decision, 'hold')
  const { decision, because, missing } = decide(watched(many('bad', 8)))
  assert.equal(decision, 'rollBack')
  assert.equal(missing, 0)
  assert.match(
    because,
    /^errors: 8 errors in 8 answers, against the old version's 20 errors in 2000/,
  )
})

test('a first release alarms and holds, and never rolls back', () => {
  const state = seeing(begun(null, true), many('bad', 1000))
  const { decision, because } = decide(state)
  assert.equal(decision, 'hold')
  assert.match(because, /^alarm: errors: 1000 errors in 1000 answers.*no way back/)
})

test('a first release is promoted on evidence that its errors are below what the manifest accepts', () => {
  const state = seeing(begun(null, true), many('good', 300))
  assert.equal(decide(state).decision, 'promote')
})

test('a failing old version does not block its fix', () => {
  const random = seeded(3)
  const better = Array.from({ length: 3000 }, (): Outcome => (random.chance(0.1) ? 'bad' : 'good'))
  const { decision, because } = decide(watched(better, { bad: 600, total: 2000 }))
  assert.equal(decision, 'promote', because)
})

test('more answers are said to be missing when there are errors, and none can be named at the limit', () => {
  const clean = decide(watched(many('good', 100))).missing!
  const errors = decide(watched([...many('good', 198), ...many('bad', 2)])).missing!
  assert.ok(errors > clean)
  const limit = decide(
    watched(Array.from({ length: 1000 }, (_, t): Outcome => (t % 50 === 0 ? 'bad' : 'good'))),
  )
  assert.deepEqual([limit.decision, limit.missing], ['hold', null])
  assert.match(limit.because, /^more evidence needed/)
})

test('more than one per cent void in a minute pauses promotion, until it is over', () => {
  const good = watched([...many('good', 5000), ...many('void', 60)])
  const { decision, because } = decide(good)
  assert.equal(decision, 'hold')
  assert.match(because, /1.19 % of the last minute's requests cannot be judged/)
  const later = seeing(
    seeing(good, many('good', 10), noon + 60_000),
    many('good', 10),
    noon + 120_000,
  )
  assert.equal(decide(later).decision, 'promote')
  assert.equal(decide(good, noon + 121_000).decision, 'promote')
  assert.equal(decide(watched([...many('good', 5000), ...many('void', 50)])).decision, 'promote')
})

test('void answers and clients that hang up are neither good nor bad', () => {
  const plain = watched(many('bad', 5))
  const mixed = watched([...many('void', 100), ...many('bad', 5), ...many('gone', 100)])
  assert.deepEqual(mixed.signals, plain.signals)
  assert.deepEqual([mixed.total, mixed.void, mixed.gone], [5, 100, 100])
})

test('clients that hang up do not pause promotion', () => {
  assert.equal(decide(watched([...many('good', 5000), ...many('gone', 500)])).decision, 'promote')
})

test('a silent new version is bad, not silent: what the gateway calls a deadline counts against it', () => {
  const seen = Array.from({ length: 8 }, () => outcomeOf('deadline'))
  assert.equal(decide(watched(seen)).decision, 'rollBack')
  assert.deepEqual(
    [
      'ok',
      'error-status',
      'connect-failed',
      'cut',
      'client-gone',
      'void',
      'nonsense',
      'toString',
    ].map(outcomeOf),
    ['good', 'bad', 'bad', 'bad', 'gone', 'void', 'void', 'void'],
  )
})

test('evidence that was enough stays enough', () => {
  const state = seeing(watched(many('bad', 20)), many('good', 10_000))
  assert.equal(decide(state).decision, 'rollBack')
})

test('a watch that was saved and read again at every step decides as one that was not', () => {
  const random = seeded(5)
  let saved = begun()
  const all: Outcome[] = []
  for (let batch = 0; batch < 50; batch++) {
    const outcomes = Array.from({ length: 20 }, (): Outcome =>
      random.chance(0.03) ? 'bad' : 'good',
    )
    all.push(...outcomes)
    saved = JSON.parse(JSON.stringify(seeing(saved, outcomes))) as WatchState
  }
  const whole = seeing(begun(), all)
  assert.deepEqual(saved, whole)
  assert.deepEqual(decide(saved), decide(whole))
})

test('the state given to observe stays as it was', () => {
  const before = watched(many('good', 3))
  const copy = structuredClone(before)
  seeing(before, many('bad', 10))
  assert.deepEqual(before, copy)
})

test('hundreds of thousands of good answers leave the state finite', () => {
  let state = begun()
  const batch = many('good', 20_000)
  for (let round = 0; round < 20; round++) state = seeing(state, batch)
  assert.deepEqual(JSON.parse(JSON.stringify(state)), state)
  assert.equal(decide(state).decision, 'promote')
})

test('garbage is refused: rules, counts, outcomes and times that are none', () => {
  const broken = (change: object) => () =>
    beginWatch({ ...rules, ...change }, historyOf(history), false)
  const signal = (change: object) => broken({ signals: [{ ...errors, ...change }] })
  assert.throws(broken({ falseRollbackRisk: Number.NaN }), /falseRollbackRisk must be a share/)
  assert.throws(broken({ badPromotionRisk: -0.1 }), RangeError)
  assert.throws(signal({ margin: Infinity }), /errors.margin/)
  assert.throws(signal({ atMost: Number.NaN }), /errors.atMost/)
  assert.throws(broken({ signals: [] }), /at least one signal/)
  assert.throws(() => begun({ bad: Number.NaN, total: 10 }), RangeError)
  assert.throws(() => begun({ bad: 11, total: 10 }), /it is 11 of 10/)
  assert.throws(() => watched(['fine' as Outcome]), /must be good, bad, gone or void, it is fine/)
  assert.throws(() => seeing(watched([]), many('good', 1), Number.NaN), /must be a number of ms/)
})
