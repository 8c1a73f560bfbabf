import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'

test('the gateway killed again and again: no connection is refused, and only what was in flight there is lost', async () => {
  const beryl = await startBeryl({ models: { a: { answer: 'a' } }, replicas: 2 })
  const pids = async () =>
    (await beryl.service()).environments.blue.replicas
      .map(({ pid }) => pid)
      .toSorted((a, b) => Number(a) - Number(b))
  try {
    await beryl.deployed('a')
    const before_ = await pids()
    const traffic = steadyTraffic(beryl.gateway, { concurrency: 8 })
    for (let times = 0; times < 3; times++) {
      await traffic.atLeast(200)
      const old = beryl.kill('gateway')
      await eventually(
        () => beryl.pidOf('gateway') !== null && beryl.pidOf('gateway') !== old,
        () => 'another gateway',
      )
    }
    await traffic.atLeast(200)
    const { lost, sent } = await traffic.stop()
    assert.deepEqual(
      lost.filter((why) => /ECONNREFUSED/.test(why)),
      [],
    )
    assert.ok(lost.length <= 3 * 8, `${lost.length} of ${sent} lost: more than was in flight`)
    assert.deepEqual(await pids(), before_)
  } finally {
    assert.equal(await beryl.stop(), 0)
  }
})
