import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lowerBound, upperBound } from './clopper-pearson.ts'
import { divergence } from './divergence.ts'
import { seeded } from './testing/random.ts'

const near = (value: number, reference: number) =>
  assert.ok(Math.abs(value - reference) < 1e-7, `${value} is not ${reference}`)

test('the bounds agree with their reference numbers', () => {
  near(upperBound(0, 100, 0.001), 0.0667457)
  near(upperBound(0, 100, 0.001), 1 - 0.001 ** (1 / 100))
  near(lowerBound(10, 100, 0.05), 0.0552632)
  near(upperBound(10, 100, 0.05), 0.1637176)
  near(divergence(0.05, 0.01), 0.0412911)
})

test('nothing known bounds nothing', () => {
  assert.equal(upperBound(0, 0, 0.01), 1)
  assert.equal(lowerBound(0, 0, 0.01), 0)
  assert.equal(upperBound(5, 5, 0.01), 1)
})

test('the bounds close in on the rate as answers come in, up to a thousand million', () => {
  const widths = [1e2, 1e4, 1e6, 1e9].map(
    (n) => upperBound(n / 100, n, 1e-6) - lowerBound(n / 100, n, 1e-6),
  )
  assert.deepEqual(
    widths,
    widths.toSorted((a, b) => b - a),
  )
  assert.ok(widths[3]! < 1e-4)
})

test('a bound is wrong no more often than its risk', () => {
  const random = seeded(1)
  let wrong = 0
  for (let run = 0; run < 2000; run++) {
    let hits = 0
    for (let t = 0; t < 100; t++) if (random.chance(0.05)) hits++
    if (upperBound(hits, 100, 0.05) < 0.05) wrong++
  }
  // 126 is the 99.5 % limit of a binomial with 2,000 runs at 5 %.
  assert.ok(wrong <= 126, `${wrong} of 2000`)
})

test('counts and risks that are none are refused', () => {
  for (const [hits, total, risk] of [
    [5, 4, 0.01],
    [Number.NaN, 4, 0.01],
    [-1, 4, 0.01],
    [1, 4, 0],
    [1, Infinity, 0.1],
  ] as const)
    assert.throws(() => upperBound(hits, total, risk), RangeError)
})
