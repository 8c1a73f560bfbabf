import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deathsInARow, restartInMs } from './restarts.ts'

test('a replica that was never ready gets three more starts, each later than the one before', () => {
  const pauses = [1, 2, 3, 4].map((deaths) => restartInMs({ readyOnce: false, deaths }))
  assert.deepEqual(pauses, [200, 400, 800, null])
})

test('a replica that was ready is started again for ever: at once, then after 1 s rising to 30 s', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 500].map((deaths) =>
    restartInMs({ readyOnce: true, deaths }),
  )
  assert.deepEqual(pauses, [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('only a minute of health makes the next death the first one', () => {
  assert.deepEqual(
    [null, 0, 59.9, 60].map((readyForS) => deathsInARow(4, readyForS)),
    [5, 5, 5, 1],
  )
})
