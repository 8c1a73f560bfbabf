/** The control group: the old version is asked what the new one is asked, so the times may change and the comparison holds. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic | undefined
/** From here on a fifth of what clients ask is too hard, for every version alike. */
let isHard = false

before(async () => {
  const failOn = 'hard'
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one', failOn },
      v2: { answer: 'two', failOn },
      v3: { answer: 'three', failOn, failAfter: 50, failShare: 0.15 },
    },
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s }
    watch: { atLeast: 1s, atMost: 10m, control: auto, errors: { margin: 10%, atMost: 30% } }
    standby: [{ full: 10m }]
`,
  })
  await beryl.deployed('v1')
  traffic = steadyTraffic(beryl.gateway, {
    text: (nth) => (isHard && nth % 5 === 0 ? 'hard' : 'x'.repeat(1 + (nth % 30))),
  })
})

after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

test('before anything is started, the plan says what a release takes and what its watch finds', async () => {
  const { code, out } = await beryl.cli('plan', 'tiny', 'v2', '--find', '5%')
  assert.equal(code, 0)
  assert.match(out, /v1 → v2/)
  assert.match(out, /capacity +1 replica more/)
  assert.match(out, /switch +after about \d+ s \(the median of 1 release\)/)
  assert.match(out, /watch +1 s to 10 min, in pairs with the old version/)
  assert.match(out, /finds +0 % → 5 % errors: /)
  assert.match(out, /if it is no worse, about \d+ requests in pairs show that/)
  const { releases } = await beryl.api<{ releases: unknown[] }>('GET', '/services/tiny/history')
  assert.equal(releases.length, 1)
  const none = await beryl.cli('plan', 'tiny', 'v9')
  assert.equal(none.code, 2)
  assert.match(none.err, /tiny has no version v9/)
  assert.equal((await beryl.cli('plan', 'tiny', 'v2', '--find', 'many')).code, 2)
})

test('requests that turn hard at the switch fail on both versions: the new one stays', async () => {
  await traffic!.atLeast(400)
  const { id } = await beryl.deploy('v2')
  while ((traffic!.counts().byVersion['v2'] ?? 0) === 0) await traffic!.atLeast(1)
  isHard = true
  const release = await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  const [errors, latency] = release.watch!.evidence.signals
  assert.equal(errors!.design, 'paired')
  assert.ok(errors!.judged['paired']! > 50, `${errors!.judged['paired']} pairs`)
  assert.equal(errors!.judged['before-after'] ?? 0, 0)
  // Twice the work on one machine: what was before says nothing about these times.
  assert.equal(latency!.design, 'none')
  assert.ok(traffic!.counts().badByVersion['v2']! > 10)
  assert.match(errors!.comparedWith, /pairs/)
})

test('a version that fails where the old one does not is rolled back, by pairs', async () => {
  const { id } = await beryl.deploy('v3')
  const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  assert.equal(release.rolledBack?.by, 'guard')
  const [errors] = release.watch!.evidence.signals
  assert.equal(errors!.design, 'paired')
  assert.ok(errors!.worseByAtLeast! > 0)
  // Copies went to the standby while it was watched, and to nobody before and after.
  const { live, environments } = await beryl.service()
  assert.equal(live!.version, 'v2')
  assert.ok(environments[live!.environment].replicas.length > 0)
})
