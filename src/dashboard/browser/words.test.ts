import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSample, perSecondOf } from './rates.ts'
import type { Sample } from './rates.ts'
import { routeOf } from './route.ts'
import { cost, count, duration, percent, rate, running, whole } from './words.ts'

test('times, shares and sums are written as people read them', () => {
  assert.deepEqual(
    [4, 26.4, 1234, 8000, 61_000, 600_000, 7_200_000, 3 * 86_400_000].map(duration),
    ['4.0 ms', '26 ms', '1.2 s', '8 s', '61 s', '10 min', '2 h', '3 days'],
  )
  assert.deepEqual([999, 4000, -5].map(running), ['0 s', '4 s', '0 s'])
  assert.deepEqual([0, 0.004, 0.05, 0.5, 1].map(percent), [
    '0 %',
    '0.40 %',
    '5.0 %',
    '50 %',
    '100 %',
  ])
  assert.equal(whole(1_234_567), '1,234,567')
  assert.deepEqual([count(1, 'replica'), count(1200, 'answer')], ['1 replica', '1,200 answers'])
  assert.deepEqual([0, 0.25, 1234].map(rate), ['0/s', '0.3/s', '1,234/s'])
  assert.equal(
    cost({ replicaHours: 0.5, money: 1.25, currency: 'USD' }),
    '0.50 replica-hours = 1.25 USD',
  )
  assert.equal(cost({ replicaHours: 2, money: null, currency: null }), '2.0 replica-hours')
})

test('a rate follows what was answered in the last five seconds, and begins anew with another version', () => {
  let samples: Sample[] = []
  assert.equal(perSecondOf(samples), null)
  for (let second = 0; second <= 10; second++)
    samples = addSample(samples, { at: second * 1000, total: second < 5 ? 0 : (second - 5) * 20 })
  assert.equal(perSecondOf(samples), 20)
  assert.ok(samples.length <= 7)
  assert.equal(perSecondOf(addSample(samples, { at: 11_000, total: 3 })), null)
})

test('an address is a page; one that nobody knows is the overview', () => {
  assert.deepEqual(routeOf('/services/chat'), { page: 'service', service: 'chat' })
  assert.deepEqual(routeOf('/releases/r7'), { page: 'release', release: 'r7' })
  assert.deepEqual(routeOf('/'), { page: 'overview' })
  assert.deepEqual(routeOf('/services/a/b'), { page: 'overview' })
})
