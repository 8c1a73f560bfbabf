import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goldenFile } from '../testing.ts'
import { bodiesOf } from './bodies.ts'

const calm = new AbortController().signal

async function written(context: Parameters<typeof goldenFile>[0], sizes: readonly number[]) {
  const lines = sizes.map((size) => ({ request: 'x'.repeat(size), expected: 1 }))
  return (await goldenFile(context, lines)).file
}

test('windows differ in their inputs, not in how large these are', async (context) => {
  const file = await written(
    context,
    Array.from({ length: 200 }, (_, index) => index * 10),
  )
  const bodies = await bodiesOf(file, 20, calm)
  const sizes = (window: number) =>
    Array.from({ length: 20 }, (_, place) => String(bodies(window, place)).length)
  const total = (window: number) => sizes(window).reduce((sum, size) => sum + size, 0)
  assert.notDeepEqual(sizes(1), sizes(2))
  assert.ok(Math.abs(total(1) - total(2)) < 0.05 * total(1))
  assert.deepEqual(sizes(1), sizes(11))
})

test('a golden set smaller than a window is used again and again', async (context) => {
  const bodies = await bodiesOf(await written(context, [1, 2, 3]), 20, calm)
  const seen = new Set(Array.from({ length: 20 }, (_, place) => bodies(5, place)))
  assert.deepEqual(seen, new Set(['x', 'xx', 'xxx']))
})

test('of a large golden set, inputs from all over the file are kept', async (context) => {
  const lines = Array.from({ length: 5000 }, (_, index) => ({ request: index, expected: 1 }))
  const { file } = await goldenFile(context, lines)
  const bodies = await bodiesOf(file, 20, calm)
  const seen = new Set<number>()
  for (let window = 0; window < 50; window++)
    for (let place = 0; place < 20; place++) seen.add(bodies(window, place) as number)
  assert.ok(seen.size > 200 && seen.size <= 500, String(seen.size))
  assert.ok(Math.max(...seen) > 4900 && Math.min(...seen) < 100)
})
