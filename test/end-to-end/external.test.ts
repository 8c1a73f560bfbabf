/** Servers that run already and are somebody else's: deploy, switch under load, rollback, `kill -9`; and none of them is ever stopped. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { theirServers } from '../support/theirs.ts'
import type { Theirs } from '../support/theirs.ts'
import { mixed, oldAfterNew, steadyTraffic } from '../support/traffic.ts'

let theirs: Theirs
let beryl: Running

before(async () => {
  theirs = await theirServers()
  await theirs.put('blue', 'one')
  beryl = await startBeryl({
    models: {},
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, preview: 127.0.0.1:0, workers: 2 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    protocol: json
    environment:
      provider: external
      blue: [${theirs.urls('blue').join(', ')}]
      green: [${theirs.urls('green').join(', ')}]
      ready: { path: /healthz, within: 1m, version: { path: /version, answer: $.version } }
      alive: { path: /healthz, every: 200ms, timeout: 1s, failures: 3 }
    versions: { one: {}, two: {}, three: {}, failing: {} }
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
})

after(async () => {
  assert.equal(await beryl.stop(), 0)
  await theirs.stop()
})

async function approved(id: string): Promise<string> {
  const { waitingFor } = await beryl.until(
    id,
    ({ phase }) => phase === 'awaiting-approval',
    'awaiting-approval',
  )
  await beryl.api('POST', `/releases/${id}/approve`, {})
  return waitingFor ?? ''
}

/** Puts it into the place that is not live, and releases it, under load. */
async function released(version: string, place: 'blue' | 'green', ignore = '') {
  await theirs.put(place, version)
  const { id } = await beryl.deploy(version)
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
  const traffic = steadyTraffic(beryl.gateway, { ignore })
  const waited = await approved(id)
  const settled = ['stabilizing', 'finished']
  await beryl.until(id, ({ phase }) => settled.includes(phase), 'past its watch')
  await traffic.atLeast(50)
  return { id, waited, counts: await traffic.stop() }
}

test('what runs already becomes the first live version, once a person has said so', async () => {
  const { waited, counts } = await released('one', 'blue', 'no-live-version')
  assert.match(
    waited,
    /^approval \(what its external addresses can carry is not known\); the candidate expires in 2[34]h/,
  )
  assert.deepEqual(counts.lost, [])
  assert.ok(counts.byVersion['one']! > 0)
  const { environments } = await beryl.service()
  assert.deepEqual(
    environments.blue.replicas.map(({ state, pid, address }) => [state, pid, `http://${address}`]),
    theirs.urls('blue').map((url) => ['ready', null, url]),
  )
})

test('the next version in the other place takes all traffic in one step; a rollback brings it back; nothing is lost', async () => {
  const pids = theirs.pids('blue')
  const { id, counts } = await released('two', 'green')
  assert.deepEqual(counts.lost, [])
  assert.equal(oldAfterNew(counts.answers, 'one', 'two'), 0)
  const traffic = steadyTraffic(beryl.gateway)
  await traffic.atLeast(50)
  const back = await beryl.cli('rollback', 'tiny', '--reason', 'by hand', '--wait')
  assert.equal(back.code, 0, back.err)
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled-back')
  await traffic.atLeast(50)
  const after_ = await traffic.stop()
  assert.deepEqual(after_.lost, [])
  assert.equal(mixed(after_.answers, 'one', 'two'), 0)
  assert.deepEqual(theirs.pids('blue'), pids)
  assert.deepEqual(await theirs.versions('green'), ['two', 'two'], 'what was left goes on')
})

test('a deploy waits until the version is there, says what is there instead, and goes on by itself', async () => {
  const { id } = await beryl.deploy('three')
  await beryl.until(
    id,
    ({ waitingFor }) =>
      /0 of 2 are ready \(GET \/version answers two, expected three/.test(waitingFor ?? ''),
    'waiting for the version',
  )
  await theirs.put('green', 'three')
  await approved(id)
  const traffic = steadyTraffic(beryl.gateway)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  assert.deepEqual((await traffic.stop()).lost, [])
})

test('a standby whose place was given to another version is no way back, until it is itself again', async () => {
  await theirs.put('blue', 'two')
  let standby = await beryl.service()
  await eventually(
    async () => {
      standby = await beryl.service()
      const { replicas } = standby.environments.blue
      const areOthers = replicas.every(({ because }) =>
        /answers two, expected one/.test(because ?? ''),
      )
      return areOthers && !standby.wayBack.possible
    },
    () => `the standby to be seen as another version: ${JSON.stringify(standby.environments.blue)}`,
  )
  const traffic = steadyTraffic(beryl.gateway)
  const { release } = await beryl.service()
  await beryl.cli('rollback', 'tiny', '--reason', 'by hand')
  await beryl.until(
    release!.id,
    ({ waitingFor }) => /a ready replica in blue/.test(waitingFor ?? ''),
    'waiting for the standby',
  )
  await traffic.atLeast(50)
  await theirs.put('blue', 'one')
  await beryl.until(release!.id, ({ phase }) => phase === 'rolled-back', 'rolled-back')
  const counts = await traffic.stop()
  assert.deepEqual(counts.lost, [])
  assert.equal(counts.byVersion['two'], undefined, 'no client was given to the other version')
})

const phases = ['provisioning', 'awaiting-approval', 'watching'] as const

for (const phase of phases) {
  test(`the controller killed while ${phase}: the release goes on, nothing is lost, no server is touched`, async () => {
    const live = (await beryl.service()).live!
    const [from, place] = [live.version, live.environment === 'blue' ? 'green' : 'blue'] as const
    const to = from === 'one' ? 'two' : 'one'
    await theirs.put(place, to)
    const pids = [theirs.pids('blue'), theirs.pids('green')]
    const traffic = steadyTraffic(beryl.gateway)
    const { id } = await beryl.deploy(to)
    const kill = async () => {
      await beryl.until(id, (one) => one.phase === phase || past(one.phase, phase), phase)
      beryl.kill('controller')
    }
    if (phase !== 'watching') await kill()
    // The answer to an approval may be lost with the controller, and the approval not.
    await eventually(
      async () => {
        const one = await beryl.release(id)
        if (one.phase === 'awaiting-approval')
          await beryl.api('POST', `/releases/${id}/approve`, {})
        return past(one.phase, 'awaiting-approval')
      },
      () => 'the approval',
    )
    if (phase === 'watching') await kill()
    await beryl.until(id, (one) => one.phase === 'stabilizing', 'stabilizing')
    await traffic.atLeast(50)
    const counts = await traffic.stop()
    assert.deepEqual(counts.lost, [])
    assert.equal(oldAfterNew(counts.answers, from, to), 0)
    assert.deepEqual([theirs.pids('blue'), theirs.pids('green')], pids)
    assert.deepEqual(await theirs.versions(place), [to, to])
  })
}

test("one server that fails among good ones is the version's fault: it cannot be replaced", async () => {
  const { environment } = (await beryl.service()).live!
  const place = environment === 'blue' ? 'green' : 'blue'
  const brokenOnce = join(beryl.directory, 'broken-once')
  await theirs.put(place, 'failing', { failAfter: 10, failShare: 0.7, brokenOnce })
  const traffic = steadyTraffic(beryl.gateway)
  const { id } = await beryl.deploy('failing')
  await approved(id)
  const { rolledBack } = await beryl.until(
    id,
    ({ phase }) => phase === 'rolled-back',
    'rolled-back',
  )
  assert.equal(rolledBack?.by, 'guard')
  assert.deepEqual((await traffic.stop()).lost, [])
})

test('Ctrl-C lets go of every server; the next `up` routes to what still runs', async () => {
  const pids = [theirs.pids('blue'), theirs.pids('green')]
  const versions = await Promise.all([theirs.versions('blue'), theirs.versions('green')])
  const before_ = (await beryl.service()).live
  await beryl.interrupt()
  assert.deepEqual([theirs.pids('blue'), theirs.pids('green')], pids)
  assert.deepEqual(await Promise.all([theirs.versions('blue'), theirs.versions('green')]), versions)
  await beryl.restartSupervisor()
  await eventually(
    async () => (await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })).ok,
    () => 'traffic to be answered again',
  )
  assert.deepEqual((await beryl.service()).live?.version, before_?.version)
})

function past(now: string, phase: string): boolean {
  const before_ = ['queued', 'provisioning', 'warming', 'verifying', 'awaiting-approval']
  const order = [...before_, 'switching', 'watching', 'stabilizing']
  return order.indexOf(now) > order.indexOf(phase)
}
