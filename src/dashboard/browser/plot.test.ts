import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathOf, placeOf, plotHeight, plotWidth, rowsOf, topOf } from './plot.ts'

test('a line breaks where there is nothing, and what stands alone is a dot', () => {
  assert.equal(
    pathOf([0, 1, null, 0.5, null, null, 1], 1),
    `M0 ${plotHeight}L100 0M300 ${plotHeight / 2}h.01M600 0h.01`,
  )
  assert.equal(pathOf([null, null], 1), '')
  assert.equal(pathOf([2], 1), 'M0 0h.01')
})

test('the upper edge is a round number that nothing is above', () => {
  assert.equal(topOf([[0.3], [null, 12]], 1), 20)
  assert.equal(topOf([[0.2]], 0.01), 0.2)
  assert.equal(topOf([[]], 1), 1)
  assert.equal(topOf([[51]], 1), 100)
})

test('what happened before or after the axis has no place on it', () => {
  assert.equal(placeOf(150, [100, 200]), plotWidth / 2)
  assert.equal(placeOf(99, [100, 200]), null)
  assert.equal(placeOf(100, [100]), null)
})

test('a table has rows that can be read, the last one among them', () => {
  assert.deepEqual(rowsOf(3, 24), [0, 1, 2])
  assert.ok(rowsOf(240, 24).length <= 24)
  assert.equal(rowsOf(241, 24).at(-1), 240)
  assert.deepEqual(rowsOf(0, 24), [])
})
