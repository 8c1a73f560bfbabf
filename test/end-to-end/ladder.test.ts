/**
 * The standby ladder with real processes, under load, on capacity that is taken away: the candidate is tested there and lost, and
 * switches once it has replicas of its own; the standby moves there, goes down a rung, is tried out and lost; and back with what is ready.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic | undefined
let release = ''

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one', startDelayMs: 400 },
      v2: { answer: 'two', startDelayMs: 400 },
    },
    replicas: 2,
    environment: '      spot: { candidate: true, env: { ON_SPOT: "1" }, retry: 200ms }\n',
    price: ', spotReplicaHour: 0.5',
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
      - command: { run: [sh, -c, "until test -e looked-at; do sleep 0.1; done"], within: 60s }
    switch: { drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: { spot: true, ladder: [{ full: 1s }, { replicas: 1, for: 10m }] }
`,
  })
  const done = join(beryl.directory, 'looked-at')
  writeFileSync(done, '')
  await beryl.deployed('v1')
  rmSync(done)
  traffic = steadyTraffic(beryl.gateway)
})

after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

const replicasOf = async (role: 'live' | 'candidate' | 'standby') => {
  const { environments } = await beryl.service()
  const found = Object.values(environments).find((one) => one.role === role)
  return found?.replicas ?? []
}
const isAlone = async () => {
  const [one, ...others] = await replicasOf('standby')
  return one?.state === 'ready' && one.spot !== null && others.length === 0
}
const isSteady = ({ spot, state }: { spot: unknown; state: string }) =>
  spot === null && state === 'ready'
const isOnDemand = async () => {
  const all = await replicasOf('live')
  return all.length === 2 && all.every(isSteady)
}
const scrape = async () => {
  const headers = { authorization: `Bearer ${beryl.token}` }
  return (await fetch(`${beryl.apiUrl}/metrics`, { headers })).text()
}

test('a candidate is tested on spot capacity, and a replica of it that is taken away is nothing against it', async () => {
  release = (await beryl.deploy('v2')).id
  await beryl.until(release, ({ phase }) => phase === 'verifying', 'tested')
  const [first, second] = await replicasOf('candidate')
  assert.deepEqual([first!.spot?.lost, second!.spot?.lost], [0, 0])
  process.kill(first!.pid!, 'SIGKILL')
  const isBack = async () => {
    const [one] = (await replicasOf('candidate')).filter(({ id }) => id === first!.id)
    return one?.state === 'ready' && one.spot!.lost === 1 && one.pid !== first!.pid
  }
  await eventually(isBack, () => 'another in its place')
  // What it was tested for goes on.
  const isTested = (view: ReleaseView) =>
    view.gates.map(({ name, state }) => `${name} ${state}`).join() ===
    'goldenSet decided,command running'
  const { phase } = await beryl.until(release, isTested, 'tested further')
  assert.equal(phase, 'verifying')
})

test('its switch is held until on-demand replicas are ready, and then nothing of it is on spot capacity', async () => {
  writeFileSync(join(beryl.directory, 'looked-at'), '')
  await beryl.until(
    release,
    ({ waitingFor }) => waitingFor?.startsWith('on-demand replicas: 0 of 2 are ready') === true,
    'brought up on demand',
  )
  const before = await replicasOf('candidate')
  assert.equal(before.filter(({ spot, state }) => spot !== null && state === 'ready').length, 2)
  assert.equal((await beryl.service()).live!.version, 'v1')
  await beryl.until(release, ({ phase }) => phase === 'watching', 'watched')
  await eventually(isOnDemand, () => 'what is live to be on demand, and nothing else there')
})

test('the standby steps down to one replica, and its way back is tried out, whoever is killed in it', async () => {
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
  await eventually(isAlone, () => 'one replica of the standby, on spot capacity')
  // A start of this model takes 0.4 s, and that is what was measured.
  assert.ok(wayBack.measuredMs! >= 400, String(wayBack.measuredMs))
  assert.notEqual(wayBack.drilledAt, null)
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(out, /standby: v1, 1 of 1 replica ready, 1 on spot capacity/)
  assert.match(
    out,
    /way back +1 replica, \d+\.\d s to full capacity, last drill \d+ s ago, ok \(v1 is 1 replica on .*; 50 % of the traffic goes at once\)/,
  )
})

test('a standby that is taken away weakens the way back, is said to, and is there again', async () => {
  const [one] = await replicasOf('standby')
  process.kill(one!.pid!, 'SIGKILL')
  const weakened = async () => (await beryl.service()).wayBack.weakened
  let said: string | null = null
  await eventually(
    async () => (said = await weakened()) !== null,
    () => 'a way back that is weakened',
  )
  assert.match(
    said!,
    /^the way back is weakened: 0 of 1 replicas of v1 are ready \(spot capacity was taken away/,
  )
  await eventually(isAlone, () => 'the standby to be there again')
  await eventually(
    async () => (await weakened()) === null,
    () => 'a way back as before',
  )
  const [again] = await replicasOf('standby')
  assert.deepEqual([again!.spot!.lost, again!.restarts], [1, 0])
  const text = await scrape()
  assert.match(text, /beryl_way_back_weakened\{service="tiny"\} 0/)
  assert.match(text, /beryl_spot_replicas\{service="tiny",environment="\w+",state="there"\} 1/)
})

test('a rollback moves half of the traffic at once, and the rest when the other replica is back', async () => {
  await beryl.api('POST', '/services/tiny/rollback', { reason: 'it answers rudely' })
  await beryl.until(release, ({ phase }) => phase === 'rolled-back', 'rolled back')
  const { live, environments } = await beryl.service()
  assert.equal(live!.version, 'v1')
  assert.equal(environments[live!.environment].replicas.filter(isSteady).length, 2)
  await eventually(isOnDemand, () => 'what is live to be on demand')
  const cost = await beryl.cli('cost', 'tiny')
  assert.match(cost.out, /standby, spot/)
  assert.match(cost.out, /spot capacity: .*; it saved \d\S* USD against on demand/)
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
