import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayState, Observation } from '../../gateway/control.ts'
import { peakOf, withPeak } from './peaks.ts'
import type { ControllerStore } from '../store.ts'
import { openTimes } from './times.ts'

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

test('what is counted of live traffic gives the peak: of whole windows, and of no first part of one', () => {
  const store = { traffic: { times: () => null } } as unknown as ControllerStore
  const times = openTimes(store)
  const state = { services: {} } as unknown as GatewayState
  const answer = { service: 'tiny', release: 'r1', outcome: 'ok', status: 200 } as Observation
  const answers = (count: number, at: number) => {
    const items = Array.from({ length: count }, () => answer)
    const [kept] = times.with({ items, tokens: [] }, state, at)
    times.written()
    return kept!.times.peaks
  }
  assert.equal(answers(1000, noon), undefined)
  assert.equal(answers(500, noon + 5000), undefined)
  assert.deepEqual(answers(500, noon + 10_000), { [500_000]: 150 })
  assert.deepEqual(answers(200, noon + 20_000), { [500_000]: 150 })
})
