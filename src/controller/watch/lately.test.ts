import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted, latePeak } from './lately.ts'

const noon = 1_800_000_000_000
/** So many requests, all at one moment. */
const at = (time: number, count: number) => Array.from({ length: count }, () => time)

test('the load to come is the most of ten seconds in the last five minutes, and is forgotten after them', () => {
  let lately = counted({}, noon, at(noon, 300))
  lately = counted(lately, noon + 20_000, at(noon + 20_000, 900))
  lately = counted(lately, noon + 60_000, at(noon + 60_000, 100))
  assert.equal(latePeak([lately], noon + 60_000), 90)
  assert.equal(latePeak([lately], noon + 320_000), 90)
  assert.equal(latePeak([lately], noon + 330_000), 10)
  assert.equal(latePeak([lately], noon + 370_000), null)
  assert.equal(latePeak([undefined, {}], noon), null)
})

test('around a switch the two versions answer one after the other, and not twice as much', () => {
  const old = counted({}, noon, [...at(noon, 500), ...at(noon - 10_000, 1000)])
  const own = counted({}, noon + 10_000, [...at(noon, 500), ...at(noon + 10_000, 1000)])
  assert.equal(latePeak([old, own], noon + 10_000), 100)
})

test('what waited to be counted is no peak, and a clock that was set back brings none of tomorrow', () => {
  const backlog = Array.from({ length: 6000 }, (_, index) => noon - 60_000 + index * 10)
  assert.ok(latePeak([counted({}, noon, backlog)], noon)! <= 100)
  assert.deepEqual(counted({}, noon, [noon - 3_600_000]), {})
  assert.equal(latePeak([counted({}, noon, at(noon, 900))], noon - 3_600_000), null)
})

test('no more than five minutes are kept', () => {
  let lately = {}
  for (let slot = 0; slot < 100; slot++)
    lately = counted(lately, noon + slot * 10_000, at(noon + slot * 10_000, 1))
  assert.equal(Object.keys(lately).length, 31)
})
