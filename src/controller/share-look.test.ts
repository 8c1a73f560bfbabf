import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareLook } from './share-look.ts'

/** A look that ends when the test says so. */
function slow() {
  const looks: { end: (found: number) => void; fail: () => void }[] = []
  const look = () =>
    new Promise<number>((resolve, reject) =>
      looks.push({ end: resolve, fail: () => reject(new Error('away')) }),
    )
  return { looks, shared: shareLook(look) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('who asks while a look is under way shares the next one, which begins after they asked', async () => {
  const { looks, shared } = slow()
  const first = shared()
  const others = [shared(), shared(), shared()]
  assert.equal(looks.length, 1)
  looks[0]!.end(1)
  assert.equal(await first, 1)
  await turn()
  assert.equal(looks.length, 2)
  const late = shared()
  looks[1]!.end(2)
  assert.deepEqual(await Promise.all(others), [2, 2, 2])
  await turn()
  assert.equal(looks.length, 3)
  looks[2]!.end(3)
  assert.equal(await late, 3)
  await turn()
  const alone = shared()
  looks[3]!.end(4)
  assert.equal(await alone, 4)
})

test('a look that fails fails for those who share it, and not for the next', async () => {
  const { looks, shared } = slow()
  const first = shared()
  const second = shared()
  looks[0]!.fail()
  await assert.rejects(first, /away/)
  await turn()
  looks[1]!.end(2)
  assert.equal(await second, 2)
})
