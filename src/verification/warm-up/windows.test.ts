import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inputOf } from '../inputs/input.ts'
import { classify } from '../testing.ts'
import { windowsOf } from './windows.ts'

const inputsOf = (sizes: readonly number[]) =>
  sizes.map((size) => inputOf(classify(1), 'x'.repeat(size), 'warm-up'))

test('windows differ in their inputs, not in how large these are, and the longest of all comes at once', () => {
  const all = Array.from({ length: 200 }, (_, index) => index * 10)
  const windows = windowsOf(inputsOf(all), 20)
  const sizes = (window: number) =>
    Array.from({ length: 20 }, (_, place) => windows(window, place).size)
  const total = (window: number) => sizes(window).reduce((sum, size) => sum + size, 0)
  assert.notDeepEqual(sizes(1), sizes(2))
  assert.ok(Math.abs(total(1) - total(2)) < 0.05 * total(1))
  assert.deepEqual(sizes(1), sizes(11))
  assert.equal(sizes(1).at(-1), 1990 + 2)
})

test('fewer inputs than a window are used again and again', () => {
  const windows = windowsOf(inputsOf([1, 2, 3]), 20)
  const seen = new Set(Array.from({ length: 20 }, (_, place) => windows(5, place).size))
  assert.deepEqual(seen, new Set([3, 4, 5]))
})
