import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pairedDifference } from './paired.ts'

function pairs(onlyFirst: number, onlySecond: number, alike: number): [number, number][] {
  return Array.from({ length: onlyFirst + onlySecond + alike }, (_, index) => {
    if (index < onlyFirst) return [1, 0]
    return index < onlyFirst + onlySecond ? [0, 1] : [1, 1]
  })
}

test('the difference and its interval are those of the formula', () => {
  const { by, interval95, compared } = pairedDifference(pairs(8, 3, 89))!
  assert.ok(Math.abs(by - 0.05) < 1e-12)
  assert.ok(Math.abs(interval95[0] - -0.01961) < 1e-5, String(interval95[0]))
  assert.ok(Math.abs(interval95[1] - 0.11765) < 1e-5, String(interval95[1]))
  assert.equal(compared, 100)
})

test('no difference in ten inputs is not called certain', () => {
  const { by, interval95 } = pairedDifference(pairs(0, 0, 10))!
  assert.equal(by, 0)
  assert.ok(interval95[0] < -0.2 && interval95[1] > 0.2)
  assert.equal(pairedDifference([]), null)
})
