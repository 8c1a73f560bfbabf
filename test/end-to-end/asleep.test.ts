/** The rung `asleep` with real processes, under load: put to sleep, tried out, woken by a rollback. */
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
    models: { v1: { answer: 'one', wakeMs: 300 }, v2: { answer: 'two' } },
    environment: '      sleep: { by: paths, sleep: /sleep, wake: /wake_up }\n',
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 1s }, { asleep: 10m }]
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
  return Object.values(environments).find(({ role }) => role === 'standby')!.replicas[0]!
}
const isAsleep = async () => (await standby()).state === 'asleep' && (await isSleeping())
const isSleeping = async () => {
  const { address } = await standby()
  const said = (await (await fetch(`http://${address}/is_sleeping`)).json()) as object
  return 'is_sleeping' in said && said.is_sleeping === true
}

test('the standby sleeps after its way back was tried out, whoever is killed, and nobody is sent to it', async () => {
  release = (await beryl.deploy('v2')).id
  await beryl.until(
    release,
    ({ waitingFor }) => waitingFor?.startsWith('a drill') === true,
    'drilled',
  )
  beryl.kill('controller')
  await beryl.until(
    release,
    ({ waitingFor }) => waitingFor?.startsWith('the standby: asleep for another') === true,
    'asleep',
  )
  await eventually(isAsleep, () => 'the standby to sleep')
  const { pid } = await standby()
  const { wayBack } = await beryl.service()
  assert.ok(wayBack.possible && wayBack.measuredMs! >= 300, JSON.stringify(wayBack))
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(
    out,
    /way back +asleep, \d+\.\d s to full capacity, last drill \d+ s ago, ok \(v1 is asleep on .*; the traffic follows/,
  )
  beryl.kill('controller')
  await eventually(isAsleep, () => 'it to be asleep still')
  assert.equal((await standby()).pid, pid)
})

test('its own controls are not reached by clients', async () => {
  for (const path of ['/sleep', '/v1/../wake_up', '/%73leep'])
    assert.equal((await fetch(beryl.gateway + path, { method: 'POST' })).status, 404, path)
  assert.equal(
    (await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })).status,
    200,
  )
})

test('a rollback wakes it, and traffic follows', async () => {
  const { pid } = await standby()
  await beryl.api('POST', '/services/tiny/rollback', { reason: 'it answers rudely' })
  await beryl.until(release, ({ phase }) => phase === 'rolled-back', 'rolled back')
  const { live, environments } = await beryl.service()
  assert.equal(live!.version, 'v1')
  assert.equal(environments[live!.environment].replicas[0]!.pid, pid)
  await traffic!.atLeast(20)
  const last = traffic!.counts().answers.slice(-10)
  assert.deepEqual([...new Set(last.map(({ version }) => version))], ['v1'])
})
