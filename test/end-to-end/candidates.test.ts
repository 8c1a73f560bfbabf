/** Candidates that fail, each in its own way: rejected with the reason, live traffic untouched. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      'broken-weights': { answer: 'never', crashAtStart: 'layer 3 is missing' },
      'never-ready': { answer: 'never', neverReady: true },
      'dies-warming': { answer: 'dies', crashAfter: 10 },
      'dies-in-gate': { answer: 'dies', crashAfter: 260 },
      wrong: { answer: 'wrong', wrong: true },
      deaf: { answer: 'deaf', ignoreTerm: true, wrong: true },
    },
  })
  await beryl.deployed('v1')
  traffic = steadyTraffic(beryl.gateway, { concurrency: 2 })
})

after(async () => {
  const { lost, byVersion } = await traffic.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(lost, [])
  assert.deepEqual(Object.keys(byVersion), ['v1'], 'no client ever saw a candidate')
})

async function rejected(version: string): Promise<{ because: string; id: string }> {
  const { id } = await beryl.deploy(version)
  const { because } = await beryl.until(id, ({ phase }) => phase === 'rejected', 'rejected')
  const { live, environments } = await beryl.service()
  assert.equal(live?.version, 'v1')
  assert.equal(
    environments[live.environment === 'blue' ? 'green' : 'blue'].replicas.length,
    0,
    'nothing of it is left',
  )
  return { because: because ?? '', id }
}

test('a candidate that cannot start is rejected with the last lines of its log', async () => {
  const { because } = await rejected('broken-weights')
  assert.match(because, /could not start.*exit code 3/s)
  assert.match(because, /layer 3 is missing/)
})

test('a candidate that never gets ready is rejected once its time is over', async () => {
  assert.match((await rejected('never-ready')).because, /not ready within 5 s/)
})

test('a candidate that dies in its warm-up is rejected', async () => {
  assert.match(
    (await rejected('dies-warming')).because,
    /died while it was being tested|fails while it warms up/,
  )
})

test('a candidate that answers worse is rejected at the golden set, with the numbers', async () => {
  assert.match(
    (await rejected('wrong')).because,
    /goldenSet: wrong scores 0 % on 40 inputs, live v1 100 %/,
  )
})

test('a candidate that ignores SIGTERM is gone after its grace', async () => {
  const { id } = await rejected('deaf')
  await eventually(
    async () => (await beryl.service()).release === null,
    () => `${id} to be put away`,
  )
})

test('an abort before the switch tears the candidate down and nothing else', async () => {
  const { id } = await beryl.deploy('never-ready')
  await beryl.until(id, ({ phase }) => phase === 'provisioning', 'provisioning')
  const { code, out } = await beryl.cli('abort', id, '--reason', 'changed my mind')
  assert.equal(code, 0, out)
  const ended = await beryl.until(id, ({ phase }) => phase === 'aborted', 'aborted')
  assert.match(ended.because ?? '', /changed my mind/)
  assert.equal((await beryl.service()).live?.version, 'v1')
})

test('abort and rollback with no release running are refused, and touch nothing', async () => {
  const before_ = await beryl.service()
  for (const command of ['abort', 'rollback', 'promote', 'pause', 'resume', 'approve']) {
    const { code, err } = await beryl.cli(command, 'tiny')
    assert.equal(code, 1, `${command}: ${err}`)
    assert.match(
      err,
      command === 'rollback'
        ? /no standby.*\nNext: beryl rollback tiny --to/
        : /no release of tiny is running/,
    )
  }
  const now = await beryl.service()
  assert.deepEqual([now.live, now.generation], [before_.live, before_.generation])
})
