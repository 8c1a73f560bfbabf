import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../statistics/testing/random.ts'
import { windowMax } from './line.ts'
import { beginOrder, inOrder, missingAfterMs } from './reorder.ts'
import type { Arrived, Order } from './reorder.ts'

const good = (...seqs: number[]): Arrived[] => seqs.map((seq) => ({ seq, cell: 'g' }))
const bad = (...seqs: number[]): Arrived[] => seqs.map((seq) => ({ seq, cell: 'b' }))

test('answers that come in another order are taken in the order of assignment', () => {
  const first = inOrder(beginOrder('a', 10), 'a', [...bad(12), ...good(11)], 0)
  assert.deepEqual(first.due, [])
  assert.equal(first.order.missingSince, 0)
  const second = inOrder(first.order, 'a', good(10, 13), 50)
  assert.deepEqual(second.due, ['g', 'g', 'b', 'g'])
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
  assert.deepEqual(due, ['g', 'b'])
  assert.equal(order.refused, 7)
})

test('requests of another version hold their place and say nothing', () => {
  const { due } = inOrder(beginOrder('a', 0), 'a', [{ seq: 0, cell: null }, ...bad(1)], 0)
  assert.deepEqual(due, ['b'])
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
  assert.deepEqual(due, ['g', 'b', 'g', 'b'])
  assert.equal(order.next, 2)
})

test('a gap is void after its time, and what comes of it then counts no more', () => {
  const waiting = inOrder(beginOrder('a', 0), 'a', bad(2), 1000)
  const early = inOrder(waiting.order, 'a', [], 1000 + missingAfterMs - 1)
  assert.deepEqual(early.due, [])
  const late = inOrder(early.order, 'a', [], 1000 + missingAfterMs)
  assert.deepEqual(late.due, ['v', 'v', 'b'])
  const refused = inOrder(late.order, 'a', bad(0, 1), 1001 + missingAfterMs)
  assert.deepEqual([refused.due, refused.order.refused], [[], 2])
})

test('a request that the gateway gives up after its 60 s is still awaited: silence is bad, not void', () => {
  let { order } = inOrder(beginOrder('a', 0), 'a', good(1), 10)
  ;({ order } = inOrder(order, 'a', good(2), 60_500))
  const { due } = inOrder(order, 'a', bad(0), 61_000)
  assert.deepEqual(due, ['b', 'g', 'g'])
})

test('many gaps are waited for side by side, not one after the other', () => {
  let order = beginOrder('a', 0)
  for (let second = 0; second < 10; second++)
    ({ order } = inOrder(order, 'a', good(2 * second + 1), second * 1000))
  const { due } = inOrder(order, 'a', [], 9000 + missingAfterMs)
  assert.equal(due.filter((cell) => cell === 'v').length, 10)
  assert.equal(due.length, 20)
})

test('what waits is bounded: behind too many later ones, a missing one is given up', () => {
  const all = Array.from({ length: windowMax + 10 }, (_, k): Arrived => ({
    seq: k + 1,
    cell: 'g',
  }))
  const { order, due } = inOrder(beginOrder('a', 0), 'a', all, 0)
  assert.equal(due[0], 'v')
  assert.equal(due.length, windowMax + 11)
  assert.equal(order.window, '')
})

test('a leap of numbers is a gap, counted without counting to two thousand million', () => {
  const { order, due } = inOrder(beginOrder('a', 0), 'a', bad(2 ** 31 - 1), 0)
  assert.equal(due.filter((cell) => cell === 'v').length, windowMax)
  assert.equal(order.window.length, windowMax)
  assert.deepEqual(inOrder(order, 'a', [], missingAfterMs).due.at(-1), 'b')
})

test('a new run of the gateway ends the old one: its gaps are void, its latecomers are not counted', () => {
  const waiting = inOrder(beginOrder('a', 5), 'a', bad(6, 8), 0)
  const next = inOrder(waiting.order, 'b', bad(0), 1)
  assert.deepEqual(next.due, ['v', 'b', 'v', 'b', 'b'])
  const late = inOrder(next.order, 'a', bad(5, 7), 2)
  assert.deepEqual([late.due, late.order.refused], [[], 2])
})

test('where the run was not known, the first one that comes begins with its first number', () => {
  const none = inOrder(beginOrder('', 0), 'a', [], 0)
  const { due } = inOrder(none.order, 'a', [...bad(501), ...good(500)], 0)
  assert.deepEqual(due, ['g', 'b'])
})

test('a number that is none counts as lost, and a time that is none is refused', () => {
  const broken = [Number.NaN, Infinity, -1, 1.5, 2 ** 32].map((seq): Arrived => ({
    seq,
    cell: 'g',
  }))
  const { order, due } = inOrder(beginOrder('a', 0), 'a', [...broken, ...bad(0)], 0)
  assert.deepEqual(due.toSorted(), ['b', 'v', 'v', 'v', 'v', 'v'])
  assert.equal(order.refused, 5)
  assert.throws(() => inOrder(order, 'a', [], Number.NaN), /must be a number of ms/)
})

test('a clock that is set back does not make the wait longer', () => {
  const waiting = inOrder(beginOrder('a', 0), 'a', bad(1), 10_000_000)
  const back = inOrder(waiting.order, 'a', [], 1000)
  assert.deepEqual(inOrder(back.order, 'a', [], 1000 + missingAfterMs).due, ['v', 'b'])
})

test('shuffled, doubled, cut into batches and saved in between: the evidence is the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer(), (start, seed) => {
      const random = seeded(seed)
      const cells = Array.from({ length: 60 }, () => (random.chance(0.3) ? 'b' : 'g'))
      const sent = cells.flatMap((cell, k): Arrived[] => {
        const one = { seq: (start + k) >>> 0, cell }
        return random.chance(0.2) ? [one, one] : [one]
      })
      const shuffled = sent
        .map((one) => ({ one, place: random.uniform() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ one }) => one)
      let order = beginOrder('a', start)
      const taken: string[] = []
      while (shuffled.length > 0) {
        const batch = shuffled.splice(0, 1 + Math.floor(random.uniform() * 9))
        const step = inOrder(JSON.parse(JSON.stringify(order)) as Order, 'a', batch, 0)
        order = step.order
        taken.push(...step.due)
      }
      assert.deepEqual(taken, cells)
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('of very much traffic a part is judged, chosen by its numbers before anything is seen', () => {
  const order = beginOrder('a', 5, { perSecond: 20_000 })
  assert.deepEqual([order.every, order.next], [64, 64])
  const seqs = Array.from({ length: 640 }, (_, k) => 639 - k)
  const { order: after, due } = inOrder(order, 'a', good(...seqs), 0)
  assert.equal(due.length, 9)
  assert.equal(after.next, 640)
  const gap = inOrder(after, 'a', bad(640 + 128), 1)
  const late = inOrder(gap.order, 'a', [], 1 + missingAfterMs)
  assert.deepEqual(late.due, ['v', 'v', 'b'])
})

test('cells of any width wait and leave as they came', () => {
  const order = beginOrder('a', 0, { width: 3 })
  const waiting = inOrder(
    order,
    'a',
    [
      { seq: 1, cell: 'b\u0101\u4e00' },
      { seq: 3, cell: null },
    ],
    0,
  )
  const saved = JSON.parse(JSON.stringify(waiting.order)) as Order
  const { due } = inOrder(
    saved,
    'a',
    [
      { seq: 0, cell: 'g..' },
      { seq: 2, cell: 'goo' },
    ],
    1,
  )
  assert.deepEqual(due, ['g..', 'b\u0101\u4e00', 'goo'])
})

test('what the gateway dropped is lost at once, whoever of it is here already; what comes of it later counts no more', () => {
  const range = { from: 4, to: 8 }
  const begun = inOrder(beginOrder('a', 0), 'a', [...good(0, 1, 2, 6), ...bad(9)], 0)
  assert.equal(begun.due.length, 3)
  const told = inOrder(begun.order, 'a', [], 1, [range])
  // Number 3 had been assigned before the range was chosen: it is still waited for.
  assert.deepEqual(told.due, [])
  const rest = inOrder(told.order, 'a', good(3, 5, 8), 2)
  assert.deepEqual(rest.due, ['g', 'v', 'v', 'v', 'v', 'g', 'b'])
  assert.equal(rest.order.missingSince, null)
  // Twice told, told late, or of another run: nothing more.
  for (const [run, from] of [
    ['a', 4],
    ['b', 12],
  ] as const)
    assert.deepEqual(inOrder(rest.order, run, [], 3, [{ from, to: from + 4 }]).due, [])
})

test('a dropped range goes round at 2³², and of many requests only those that are judged stand in line', () => {
  const top = 2 ** 32 - 2
  const { due, order } = inOrder(beginOrder('a', top), 'a', [], 0, [{ from: top, to: 2 }])
  assert.deepEqual(due, ['v', 'v', 'v', 'v'])
  assert.equal(order.next, 2)
  const busy = beginOrder('a', 0, { perSecond: 4000 })
  const dropped = inOrder(busy, 'a', good(0), 0, [{ from: 1, to: 1024 }])
  assert.equal(dropped.due.length, 1024 / busy.every)
  assert.equal(dropped.order.next, 1024)
})

test('a range without end cannot fill the memory', () => {
  const { order, due } = inOrder(beginOrder('a', 0), 'a', [], 0, [{ from: 1, to: 2 ** 32 - 1 }])
  assert.ok(order.window.length <= windowMax && due.length <= windowMax)
})
