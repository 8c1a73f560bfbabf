/** A canary with real processes, under load: shares as asked, back from a step, and every process killed in the middle of one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic | undefined
/** What was in flight in a gateway that is killed is lost; nothing else may be. */
let allowedLost = 0

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two' },
      v3: { answer: 'three', failAfter: 20, failShare: 0.5 },
    },
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s, traffic: { canary: [20%, 50%], every: 1s } }
    watch: { atLeast: 1s, atMost: 10m, errors: { margin: 10%, atMost: 30%, minimumEffect: 20% } }
    standby: [{ full: 10m }]
`,
  })
  await beryl.deployed('v1')
  traffic = steadyTraffic(beryl.gateway)
  await traffic.atLeast(100)
})

after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.ok((sent?.lost.length ?? 0) <= allowedLost, sent?.lost.join('\n'))
})

const stepOf = ({ waitingFor }: ReleaseView): number =>
  Number(/step (\d) of 3/.exec(waitingFor ?? '')?.[1] ?? 0)
const shares = async () => {
  const { environments, live } = await beryl.service()
  return { blue: environments.blue.share, green: environments.green.share, live: live!.version }
}

test('a version that fails is rolled back from its first step, and most clients never met it', async () => {
  const { id } = await beryl.deploy('v3')
  const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  assert.equal(release.rolledBack?.by, 'guard')
  assert.equal(release.switched, null, 'it never had all of the traffic')
  const [errors] = release.watch!.evidence.signals
  assert.ok(errors!.judged['split']! > 20, JSON.stringify(errors!.judged))
  assert.match(errors!.comparedWith, /at the same time/)
  const { byVersion } = traffic!.counts()
  assert.ok(byVersion['v3']! > 0 && byVersion['v3']! < byVersion['v1']!)
  assert.deepEqual((await shares()).live, 'v1')
})

test('a good one gets its parts, whoever is killed in a step, and then all', async () => {
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, (release) => stepOf(release) === 1, 'in its first step')
  const divided = await shares()
  assert.deepEqual([divided.live, divided.blue + divided.green], ['v1', 1])
  assert.ok([divided.blue, divided.green].includes(0.2))
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(out, /live: v1, .*80 % of the traffic/)
  assert.match(out, /candidate: v2, .*20 % of the traffic/)

  beryl.kill('controller')
  await beryl.until(id, (release) => stepOf(release) === 2, 'in its second step')
  const before = traffic!.counts()
  await traffic!.atLeast(200)
  const after = traffic!.counts()
  const part = (version: string) => after.byVersion[version]! - (before.byVersion[version] ?? 0)
  // Five standard deviations around one half.
  const all = part('v1') + part('v2')
  assert.ok(Math.abs(part('v2') - all / 2) < 5 * Math.sqrt(all / 4), `${part('v2')} of ${all}`)

  // Four clients at once, and one request each.
  allowedLost += 4
  beryl.kill('gateway')
  const release = await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  assert.notEqual(release.switched, null)
  assert.deepEqual(await shares().then(({ live }) => live), 'v2')
  const { out: history } = await beryl.cli('explain', id)
  assert.match(history, /20 % of the traffic to v2/)
  assert.match(history, /50 % of the traffic to v2/)
  assert.match(history, /switched to v2/)
  assert.match(history, /beryl +r\d \(v2\) is switching: after step 1 of 3, 20 %: /)
  // A rollback from the end of it is the one store, as ever.
  await beryl.api('POST', `/services/tiny/rollback`, { reason: 'a drill' })
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  assert.equal((await shares()).live, 'v1')
})

test('`promote` is the next step now, and a rollback by hand leads back from it', async () => {
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, (release) => stepOf(release) === 1, 'in its first step')
  const { code, err } = await beryl.cli('promote', id, '--reason', 'it is small')
  assert.equal(code, 0, err)
  const release = await beryl.until(id, (one) => stepOf(one) >= 2, 'in its second step')
  assert.equal(release.phase, 'switching')
  await beryl.api('POST', `/services/tiny/rollback`, { reason: 'a change of mind' })
  const ended = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  assert.match(ended.because!, /a change of mind/)
  await traffic!.atLeast(50)
  const last = traffic!.counts().answers.slice(-20)
  assert.deepEqual([...new Set(last.map(({ version }) => version))], ['v1'])
})
