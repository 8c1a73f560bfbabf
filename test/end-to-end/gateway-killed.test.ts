/** Promise 7 at its narrowest: the process that holds every connection, killed under load. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'

let beryl: Running
const concurrency = 8

before(async () => {
  beryl = await startBeryl({ models: { a: { answer: 'a' } }, replicas: 2 })
  await beryl.deployed('a')
})
after(async () => assert.equal(await beryl.stop(), 0))

const pids = async () =>
  (await beryl.service()).environments.blue.replicas
    .map(({ pid }) => pid)
    .toSorted((a, b) => Number(a) - Number(b))
const next = (old: number) =>
  eventually(
    async () =>
      ![null, old].includes(beryl.pidOf('gateway')) &&
      (await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })).ok,
    () => 'another gateway that answers',
  )

async function killed(times: number): Promise<void> {
  const before_ = await pids()
  const traffic = steadyTraffic(beryl.gateway, { concurrency, keepAlive: false })
  for (let time = 0; time < times; time++) {
    await traffic.atLeast(200)
    await next(beryl.kill('gateway'))
  }
  await traffic.atLeast(200)
  const { lost, sent } = await traffic.stop()
  assert.deepEqual(
    lost.filter((why) => /ECONNREFUSED/.test(why)),
    [],
  )
  assert.ok(
    lost.length <= times * concurrency,
    `${lost.length} of ${sent} lost: more than was in flight`,
  )
  assert.deepEqual(await pids(), before_)
}

test('the gateway killed again and again: no connection is refused, and only what was in flight there is lost', () =>
  killed(3))

test('one that a new supervisor took over, killed: its sockets are held again, and no connection is refused', async () => {
  const traffic = steadyTraffic(beryl.gateway, { concurrency, keepAlive: false })
  await beryl.killSupervisor()
  await traffic.atLeast(50)
  const old = beryl.pidOf('gateway')
  await beryl.restartSupervisor()
  await traffic.atLeast(50)
  assert.deepEqual((await traffic.stop()).lost, [])
  assert.equal(beryl.pidOf('gateway'), old)
  await killed(2)
})
