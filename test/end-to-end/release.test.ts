import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBeryl } from '../support/beryl.ts'
import { oldAfterNew, steadyTraffic } from '../support/traffic.ts'

test('a better version goes live under traffic: nothing lost, no old answer after a new one', async () => {
  const beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' } },
    replicas: 2,
  })
  try {
    // From the first moment on: a service that has nothing live yet is known, and says so.
    const early = await fetch(beryl.gateway)
    assert.deepEqual(
      [early.status, ((await early.json()) as { code: string }).code],
      [503, 'no-live-version'],
    )
    await beryl.deployed('v1')
    const traffic = steadyTraffic(beryl.gateway)
    await traffic.atLeast(100)
    await beryl.deployed('v2')
    await traffic.atLeast(100)
    const { byVersion, lost, answers } = await traffic.stop()
    assert.deepEqual(lost, [])
    assert.ok(byVersion['v1']! > 0 && byVersion['v2']! > 0, JSON.stringify(byVersion))
    assert.equal(oldAfterNew(answers, 'v1', 'v2'), 0)
  } finally {
    assert.equal(await beryl.stop(), 0)
  }
})
