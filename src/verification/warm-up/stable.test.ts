import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStable, windowOf } from './stable.ts'

const window = (median: number, p90 = median, more: { errors?: number; late?: number } = {}) => ({
  median,
  p90,
  errors: 0,
  late: 0,
  ...more,
})

test('three windows that agree are stable, two are not', () => {
  assert.equal(isStable([window(100), window(105)]), false)
  assert.equal(isStable([window(900), window(100), window(105), window(95)]), true)
})

test('latency that still falls by a tenth in each window is not stable', () => {
  assert.equal(isStable([window(100), window(89), window(79)]), false)
  assert.equal(isStable([window(100), window(100), window(79)]), false)
})

test('a tail that jumps is not stable, however calm the middle is', () => {
  assert.equal(isStable([window(100, 120), window(100, 400), window(100, 120)]), false)
})

test('differences below two milliseconds are noise', () => {
  assert.equal(isStable([window(0.2, 2), window(0.9, 1), window(1.5, 3)]), true)
  assert.equal(isStable([window(0.2), window(3), window(1)]), false)
})

test('a window with an error, a late answer or no answer is never part of a stable end', () => {
  assert.equal(isStable([window(9), window(9, 9, { errors: 1 }), window(9)]), false)
  assert.equal(isStable([window(9), window(9), window(9, 9, { late: 1 })]), false)
  const empty = windowOf([], 0, 0)
  assert.deepEqual(empty, { median: null, p90: null, errors: 0, late: 0 })
  assert.equal(isStable([empty, empty, empty]), false)
})

test('a window is the median and the 90th percentile of its answers', () => {
  const times = Array.from({ length: 20 }, (_, index) => 20 - index)
  assert.deepEqual(windowOf(times, 1, 2), { median: 10, p90: 18, errors: 1, late: 2 })
})
