/** The standby ladder with real processes, under load: down a rung, tried out there, and back with what is ready. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic | undefined
let release = ''

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one', startDelayMs: 400 }, v2: { answer: 'two' } },
    replicas: 2,
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 1s }, { replicas: 1, for: 10m }]
`,
  })
  await beryl.deployed('v1')
  traffic = steadyTraffic(beryl.gateway)
})

after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

const standby = async () => {
  const { environments } = await beryl.service()
  const [one] = Object.values(environments).filter(({ role }) => role === 'standby')
  return one!.replicas.map(({ state }) => state)
}

test('the standby steps down to one replica, and its way back is tried out, whoever is killed in it', async () => {
  release = (await beryl.deploy('v2')).id
  await beryl.until(
    release,
    ({ waitingFor }) => waitingFor?.startsWith('a drill') === true,
    'drilled',
  )
  beryl.kill('controller')
  await beryl.until(
    release,
    ({ waitingFor }) => waitingFor?.startsWith('the standby: 1 replica for another') === true,
    'on its lower rung',
  )
  const { wayBack, live } = await beryl.service()
  assert.equal(live!.version, 'v2')
  const isAlone = async () => (await standby()).join() === 'ready'
  await eventually(isAlone, () => 'one replica of the standby')
  // A start of this model takes 0.4 s, and that is what was measured.
  assert.ok(wayBack.measuredMs! >= 400, String(wayBack.measuredMs))
  assert.notEqual(wayBack.drilledAt, null)
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(out, /standby: v1, 1 of 1 replica ready/)
  assert.match(
    out,
    /way back +1 replica, \d+\.\d s to full capacity, last drill \d+ s ago, ok \(v1 is 1 replica on .*; 50 % of the traffic goes at once\)/,
  )
})

test('a rollback moves half of the traffic at once, and the rest when the other replica is back', async () => {
  await beryl.api('POST', '/services/tiny/rollback', { reason: 'it answers rudely' })
  await beryl.until(release, ({ phase }) => phase === 'rolled-back', 'rolled back')
  const { live, environments } = await beryl.service()
  assert.equal(live!.version, 'v1')
  assert.equal(environments[live!.environment].replicas.length, 2)
  const { out } = await beryl.cli('explain', release)
  const moves = [...out.matchAll(/(\d+) % of the traffic to v1|(rolled back) to v1/g)]
  assert.deepEqual(
    moves.map(([, share, all]) => share ?? all),
    ['50', 'rolled back'],
  )
  assert.match(out, /drilled: v1 was back at 2 replicas after/)
  await traffic!.atLeast(20)
  const last = traffic!.counts().answers.slice(-10)
  assert.deepEqual([...new Set(last.map(({ version }) => version))], ['v1'])
})

test('--hard is refused where there is no way back, and with a version that is not the standby', async () => {
  const none = await beryl.cli('rollback', 'tiny', '--hard')
  assert.equal(none.code, 1)
  assert.match(none.err, /no standby/)
  const other = await beryl.cli('rollback', 'tiny', '--hard', '--to', 'v2')
  assert.equal(other.code, 2)
  assert.match(other.err, /v2 is not the standby/)
})
