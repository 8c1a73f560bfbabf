import assert from 'node:assert/strict'
import { test } from 'node:test'
import { f1, f1OfOne, standardErrorOf } from './f1.ts'
import type { Labelled } from './f1.ts'

/** A letter for each label. */
const inputs = (expected: readonly string[], answered: readonly string[]): Labelled[] =>
  expected.map((labels, at) => ({ expected: labels.split(''), answered: answered[at]!.split('') }))
const near = (a: number, b: number, by = 1e-12) => assert.ok(Math.abs(a - b) <= by, `${a} ≠ ${b}`)

test('F1 is as scikit-learn counts it, of one label and of several', () => {
  const one = inputs(['a', 'a', 'b', 'b', 'c'], ['a', 'b', 'b', 'b', 'a'])
  near(f1(one, 'micro').value, 0.6)
  near(f1(one, 'macro').value, 0.43333333333333335)
  const several = inputs(['ab', 'b', '', 'ca', 'bc'], ['a', 'bc', 'c', 'ca', ''])
  near(f1(several, 'micro').value, 0.6153846153846154)
  near(f1(several, 'macro').value, 0.6333333333333333)
})

test('of one input it is 1 where both agree, also on nothing', () => {
  assert.equal(f1OfOne({ expected: ['a', 'b'], answered: ['b', 'a', 'a'] }), 1)
  assert.equal(f1OfOne({ expected: [], answered: [] }), 1)
  assert.equal(f1OfOne({ expected: ['a'], answered: [] }), 0)
  near(f1OfOne({ expected: ['a'], answered: ['a', 'b'] }), 2 / 3)
})

test('nothing moves what nobody can move, and influences sum to nothing', () => {
  const right = inputs(['a', 'b'], ['a', 'b'])
  assert.equal(standardErrorOf(f1(right, 'macro').influence), 0)
  const some = inputs(['a', 'a', 'b', 'b', 'c'], ['a', 'b', 'b', 'b', 'a'])
  for (const average of ['micro', 'macro'] as const) {
    const { influence } = f1(some, average)
    near(
      influence.reduce((sum, one) => sum + one, 0),
      0,
      1e-9,
    )
  }
  assert.equal(standardErrorOf(f1(inputs(['a'], ['b']), 'micro').influence), Infinity)
})

test('its standard error is what many samples show', () => {
  // A generator of its own (mulberry32): the same samples in every run.
  let state = 7
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const sample = (): Labelled[] =>
    Array.from({ length: 400 }, () => {
      const expected = random() < 0.7 ? 'a' : random() < 0.5 ? 'b' : 'c'
      const answered = random() < 0.85 ? expected : 'abc'[Math.floor(random() * 3)]!
      return { expected: [expected], answered: [answered] }
    })
  for (const average of ['micro', 'macro'] as const) {
    const runs = Array.from({ length: 400 }, () => f1(sample(), average))
    const mean = runs.reduce((sum, { value }) => sum + value, 0) / runs.length
    const spread = Math.sqrt(
      runs.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / (runs.length - 1),
    )
    const said =
      runs.reduce((sum, { influence }) => sum + standardErrorOf(influence), 0) / runs.length
    assert.ok(Math.abs(said / spread - 1) < 0.12, `${average}: ${said} said, ${spread} seen`)
  }
})
