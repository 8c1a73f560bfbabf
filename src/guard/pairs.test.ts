import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../statistics/testing/random.ts'
import { cellOf, readCell } from './answer.ts'
import type { Outcome } from './outcome.ts'
import { beginPairing, joinPairs } from './pairs.ts'
import type { Half, Pairing } from './pairs.ts'
import { missingAfterMs } from './reorder.ts'
import { answer } from './testing.ts'

const instances = ['a', 'old']
const half = (seq: number, of: Half['of'], outcome: Outcome): Half => ({
  seq,
  of,
  cell: cellOf(answer(outcome, { instance: of === 'live' ? 'a' : 'old' }), instances),
})
const read = (cell: string) => readCell(cell, instances)
const none = (seq: number): Half => ({ seq, of: 'live', cell: null })
const join = (pairing: Pairing, halves: readonly Half[], at = 0, newIs: 'live' | 'copy' = 'live') =>
  joinPairs(pairing, { run: 'run', halves, at, newIs }, read)
const brief = (due: ReturnType<typeof join>['due']) =>
  due.map(({ seq, new: own, old }) => [seq, own.outcome, own.instance, old.outcome, old.instance])

test('a pair is taken when both halves are here, in the order of its request', () => {
  let { pairing, due } = join(beginPairing('run', 0, { perSecond: 0 }), [
    half(1, 'live', 'good'),
    half(1, 'copy', 'bad'),
    half(0, 'copy', 'good'),
    none(2),
  ])
  assert.deepEqual(due, [])
  ;({ pairing, due } = join(pairing, [half(0, 'live', 'bad')]))
  assert.deepEqual(brief(due), [
    [0, 'bad', 'a', 'good', 'old'],
    [1, 'good', 'a', 'bad', 'old'],
  ])
  assert.deepEqual([pairing.halves, pairing.order.next], [{}, 3])
})

test('before the switch it is the copy that the new version gave', () => {
  const { due } = join(
    beginPairing('run', 0, { perSecond: 0 }),
    [half(0, 'live', 'good'), half(0, 'copy', 'bad')],
    0,
    'copy',
  )
  assert.deepEqual(brief(due), [[0, 'bad', 'old', 'good', 'a']])
})

test('a copy that never comes is waited for, then the pair is void, and a late one counts no more', () => {
  const waiting = join(beginPairing('run', 0, { perSecond: 0 }), [
    half(0, 'live', 'bad'),
    half(1, 'live', 'good'),
    half(1, 'copy', 'good'),
  ])
  const over = join(waiting.pairing, [], missingAfterMs)
  assert.deepEqual(brief(over.due), [[1, 'good', 'a', 'good', 'old']])
  assert.deepEqual(over.pairing.halves, {})
  const late = join(over.pairing, [half(0, 'copy', 'good'), half(0, 'live', 'bad')], missingAfterMs)
  assert.deepEqual(late.due, [])
})

test('another run of the gateway takes no half of the one before', () => {
  const waiting = join(beginPairing('run', 0, { perSecond: 0 }), [half(0, 'live', 'bad')])
  const next = joinPairs(
    waiting.pairing,
    { run: 'next', halves: [half(0, 'copy', 'good')], at: 1, newIs: 'live' },
    read,
  )
  assert.deepEqual(next.due, [])
  const late = joinPairs(
    next.pairing,
    { run: 'run', halves: [half(0, 'copy', 'good')], at: 2, newIs: 'live' },
    read,
  )
  assert.deepEqual(late, { pairing: next.pairing, due: [] })
})

test('numbers that are none make no pair', () => {
  for (const seq of [Number.NaN, -1, 1.5, 2 ** 32, Infinity]) {
    const { due } = join(beginPairing('run', 0, { perSecond: 0 }), [
      half(seq, 'live', 'good'),
      half(seq, 'copy', 'bad'),
    ])
    assert.deepEqual(due, [], `${seq}`)
  }
})

test('shuffled, doubled, cut into batches and saved in between: the pairs are the same, each once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer(), (start, seed) => {
      const random = seeded(seed)
      const expected: unknown[] = []
      const sent = Array.from({ length: 60 }, (_, k) => {
        const seq = (start + k) >>> 0
        if (random.chance(0.3)) return [none(seq)]
        const [own, old] = [random.chance(0.3), random.chance(0.3)].map((bad): Outcome =>
          bad ? 'bad' : 'good',
        )
        expected.push([seq, own, 'a', old, 'old'])
        const both = [half(seq, 'live', own!), half(seq, 'copy', old!)]
        return random.chance(0.2) ? [...both, ...both] : both
      }).flat()
      const shuffled = sent
        .map((one) => ({ one, place: random.uniform() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ one }) => one)
      let pairing = beginPairing('run', start, { perSecond: 0 })
      const taken: unknown[] = []
      while (shuffled.length > 0) {
        const batch = shuffled.splice(0, 1 + Math.floor(random.uniform() * 9))
        const step = join(JSON.parse(JSON.stringify(pairing)) as Pairing, batch)
        pairing = step.pairing
        taken.push(...brief(step.due))
      }
      assert.deepEqual(taken, expected)
    }),
    { seed: 1, numRuns: 200 },
  )
})
