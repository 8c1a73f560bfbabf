import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../statistics/testing/random.ts'
import { windowMax } from './line.ts'
import type { Outcome } from './outcome.ts'
import { beginOrder, inOrder, missingAfterMs } from './reorder.ts'
import type { Arrived, Order } from './reorder.ts'
import { beginWatch, observe } from './watch.ts'

const good = (...seqs: number[]): Arrived[] => seqs.map((seq) => ({ seq, outcome: 'good' }))
const bad = (...seqs: number[]): Arrived[] => seqs.map((seq) => ({ seq, outcome: 'bad' }))

test('answers that come in another order are taken in the order of assignment', () => {
  const first = inOrder(beginOrder('a', 10), 'a', [...bad(12), ...good(11)], 0)
  assert.deepEqual(first.due, [])
  assert.equal(first.order.missingSince, 0)
  const second = inOrder(first.order, 'a', good(10, 13), 50)
  assert.deepEqual(second.due, ['good', 'good', 'bad', 'good'])
  assert.deepEqual(
    [second.order.next, second.order.missingSince, second.order.window],
    [14, null, ''],
  )
})

test('an answer that is delivered again counts once', () => {
  const batch = [...good(0, 2), ...bad(1)]
  let { order, due } = inOrder(beginOrder('a', 0), 'a', [...batch, ...batch], 0)
  assert.equal(due.length, 3)
  ;({ order, due } = inOrder(order, 'a', [...batch, ...bad(4)], 1))
  assert.deepEqual(due, [])
  ;({ order, due } = inOrder(order, 'a', good(4, 3), 2))
  assert.deepEqual(due, ['good', 'bad'])
  assert.equal(order.refused, 7)
})

test('requests of another version hold their place and say nothing', () => {
  const { due } = inOrder(beginOrder('a', 0), 'a', [{ seq: 0, outcome: null }, ...bad(1)], 0)
  assert.deepEqual(due, ['bad'])
})

test('what was assigned before the watch is not counted', () => {
  assert.deepEqual(inOrder(beginOrder('a', 100), 'a', bad(98, 99), 0).due, [])
})

test('the numbers go round at 2³² without a gap', () => {
  const top = 2 ** 32 - 1
  const { order, due } = inOrder(
    beginOrder('a', top - 1),
    'a',
    [...good(0, top - 1), ...bad(top, 1)],
    0,
  )
  assert.deepEqual(due, ['good', 'bad', 'good', 'bad'])
  assert.equal(order.next, 2)
})

test('a gap is void after its time, and what comes of it then counts no more', () => {
  const waiting = inOrder(beginOrder('a', 0), 'a', bad(2), 1000)
  const early = inOrder(waiting.order, 'a', [], 1000 + missingAfterMs - 1)
  assert.deepEqual(early.due, [])
  const late = inOrder(early.order, 'a', [], 1000 + missingAfterMs)
  assert.deepEqual(late.due, ['void', 'void', 'bad'])
  const refused = inOrder(late.order, 'a', bad(0, 1), 1001 + missingAfterMs)
  assert.deepEqual([refused.due, refused.order.refused], [[], 2])
})

test('a request that the gateway gives up after its 60 s is still awaited: silence is bad, not void', () => {
  let { order } = inOrder(beginOrder('a', 0), 'a', good(1), 10)
  ;({ order } = inOrder(order, 'a', good(2), 60_500))
  const { due } = inOrder(order, 'a', bad(0), 61_000)
  assert.deepEqual(due, ['bad', 'good', 'good'])
})

test('many gaps are waited for side by side, not one after the other', () => {
  let order = beginOrder('a', 0)
  for (let second = 0; second < 10; second++)
    ({ order } = inOrder(order, 'a', good(2 * second + 1), second * 1000))
  const { due } = inOrder(order, 'a', [], 9000 + missingAfterMs)
  assert.equal(due.filter((outcome) => outcome === 'void').length, 10)
  assert.equal(due.length, 20)
})

test('what waits is bounded: behind too many later ones, a missing one is given up', () => {
  const all = Array.from({ length: windowMax + 10 }, (_, k): Arrived => ({
    seq: k + 1,
    outcome: 'good',
  }))
  const { order, due } = inOrder(beginOrder('a', 0), 'a', all, 0)
  assert.equal(due[0], 'void')
  assert.equal(due.length, windowMax + 11)
  assert.equal(order.window, '')
})

test('a leap of numbers is a gap, counted without counting to two thousand million', () => {
  const { order, due } = inOrder(beginOrder('a', 0), 'a', bad(2 ** 31 - 1), 0)
  assert.equal(due.filter((outcome) => outcome === 'void').length, windowMax)
  assert.equal(order.window.length, windowMax)
  assert.deepEqual(inOrder(order, 'a', [], missingAfterMs).due.at(-1), 'bad')
})

test('a new run of the gateway ends the old one: its gaps are void, its latecomers are not counted', () => {
  const waiting = inOrder(beginOrder('a', 5), 'a', bad(6, 8), 0)
  const next = inOrder(waiting.order, 'b', bad(0), 1)
  assert.deepEqual(next.due, ['void', 'bad', 'void', 'bad', 'bad'])
  const late = inOrder(next.order, 'a', bad(5, 7), 2)
  assert.deepEqual([late.due, late.order.refused], [[], 2])
})

test('where the run was not known, the first one that comes begins with its first number', () => {
  const none = inOrder(beginOrder('', 0), 'a', [], 0)
  const { due } = inOrder(none.order, 'a', [...bad(501), ...good(500)], 0)
  assert.deepEqual(due, ['good', 'bad'])
})

test('a number that is none counts as lost, and a time that is none is refused', () => {
  const broken = [Number.NaN, Infinity, -1, 1.5, 2 ** 32].map((seq): Arrived => ({
    seq,
    outcome: 'good',
  }))
  const { order, due } = inOrder(beginOrder('a', 0), 'a', [...broken, ...bad(0)], 0)
  assert.deepEqual(due.toSorted(), ['bad', 'void', 'void', 'void', 'void', 'void'])
  assert.equal(order.refused, 5)
  assert.throws(() => inOrder(order, 'a', [], Number.NaN), /must be a number of ms/)
})

test('a clock that is set back does not make the wait longer', () => {
  const waiting = inOrder(beginOrder('a', 0), 'a', bad(1), 10_000_000)
  const back = inOrder(waiting.order, 'a', [], 1000)
  assert.deepEqual(inOrder(back.order, 'a', [], 1000 + missingAfterMs).due, ['void', 'bad'])
})

test('shuffled, doubled, cut into batches and saved in between: the evidence is the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer(), (start, seed) => {
      const random = seeded(seed)
      const outcomes = Array.from({ length: 60 }, (): Outcome =>
        random.chance(0.3) ? 'bad' : 'good',
      )
      const sent = outcomes.flatMap((outcome, k): Arrived[] => {
        const one = { seq: (start + k) >>> 0, outcome }
        return random.chance(0.2) ? [one, one] : [one]
      })
      const shuffled = sent
        .map((one) => ({ one, place: random.uniform() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ one }) => one)
      let order = beginOrder('a', start)
      const taken: Outcome[] = []
      while (shuffled.length > 0) {
        const batch = shuffled.splice(0, 1 + Math.floor(random.uniform() * 9))
        const step = inOrder(JSON.parse(JSON.stringify(order)) as Order, 'a', batch, 0)
        order = step.order
        taken.push(...step.due)
      }
      assert.deepEqual(taken, outcomes)
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('a new version that is only slower is not rolled back; taken as they finish, its answers look like an outage', () => {
  // 1 % errors, as before, that fail fast; each good answer takes as long as 1,000 requests.
  const random = seeded(11)
  const rules = {
    falseRollbackRisk: 0.01,
    badPromotionRisk: 0.05,
    errors: { margin: 0.01, atMost: 0.03 },
  }
  const begun = () => beginWatch(rules, { bad: 100, total: 10_000 }, false)
  const finished = Array.from({ length: 5000 }, (_, seq) => {
    const outcome: Outcome = random.chance(0.01) ? 'bad' : 'good'
    return { seq, outcome, at: outcome === 'bad' ? seq : seq + 1000 }
  }).toSorted((a, b) => a.at - b.at)
  const naive = observe(
    begun(),
    finished.map(({ outcome }) => outcome),
    0,
  )
  const { due } = inOrder(beginOrder('a', 0), 'a', finished, 0)
  assert.equal(naive.refuted, true)
  assert.equal(observe(begun(), due, 0).refuted, false)
})
