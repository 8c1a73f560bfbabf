import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peakOf, withPeak } from './peaks.ts'

const hour = 3_600_000
const noon = 500_000 * hour

test('the peak is the most of the last 24 hours, over all releases; older ones are forgotten', () => {
  let peaks = withPeak({}, noon, 40)
  peaks = withPeak(peaks, noon + 1000, 90)
  peaks = withPeak(peaks, noon + 2000, 10)
  peaks = withPeak(peaks, noon + 5 * hour, 30)
  assert.equal(peakOf([peaks], noon + 6 * hour), 90)
  assert.equal(peakOf([peaks, undefined, { [500_003]: 120 }], noon + 6 * hour), 120)
  assert.equal(peakOf([peaks], noon + 24 * hour), 90)
  assert.equal(peakOf([peaks], noon + 25 * hour), 30)
  assert.equal(peakOf([peaks], noon + 48 * hour), null)
  assert.equal(peakOf([], noon), null)
  const full = Array.from({ length: 100 }, (_, index) => index).reduce(
    (all, index) => withPeak(all, noon + index * hour, index),
    {},
  )
  assert.equal(Object.keys(full).length, 25)
})

test('a clock that was set back does not bring a peak of tomorrow', () => {
  assert.equal(peakOf([withPeak({}, noon + 48 * hour, 90)], noon), null)
})
