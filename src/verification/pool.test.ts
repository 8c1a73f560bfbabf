import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachOf } from './pool.ts'

const calm = new AbortController().signal

test('so many at a time, and each once', async () => {
  let now = 0
  let most = 0
  const done: number[] = []
  await eachOf([1, 2, 3, 4, 5, 6, 7], { concurrency: 3, signal: calm }, async (item) => {
    most = Math.max(most, ++now)
    await new Promise(setImmediate)
    now--
    done.push(item)
  })
  assert.equal(most, 3)
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7],
  )
})

test('after a throw nothing further is begun, and the source is closed', async () => {
  let closed = false
  async function* endless() {
    try {
      for (let item = 0; ; item++) yield item
    } finally {
      closed = true
    }
  }
  const begun: number[] = []
  const ended = eachOf(endless(), { concurrency: 4, signal: calm }, async (item) => {
    begun.push(item)
    await new Promise(setImmediate)
    if (item === 2) throw new Error('broken at 2')
  })
  await assert.rejects(ended, /broken at 2/)
  const count = begun.length
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.equal(begun.length, count)
  assert.equal(closed, true)
})

test('after a throw nothing further is begun of a list either', async () => {
  const begun: number[] = []
  const ended = eachOf([1, 2, 3, 4, 5, 6, 7, 8], { concurrency: 2, signal: calm }, async (item) => {
    begun.push(item)
    await new Promise(setImmediate)
    if (item === 1) throw new Error('broken at 1')
  })
  await assert.rejects(ended, /broken at 1/)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.deepEqual(begun, [1, 2])
})

test('told to stop, it stops with the reason', async () => {
  const stop = new AbortController()
  const ended = eachOf(Array(100).keys(), { concurrency: 2, signal: stop.signal }, async (item) => {
    if (item === 5) stop.abort(new Error('enough'))
  })
  await assert.rejects(ended, /enough/)
})
