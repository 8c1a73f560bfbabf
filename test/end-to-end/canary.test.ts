/** A canary with real processes, under load: shares as asked, back from a step, and every process killed in the middle of one. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Counts, Traffic } from '../support/traffic.ts'

let beryl: Running

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
})

after(async () => {
  assert.equal(await beryl.stop(), 0)
})

/** Clients ask all the while; none of them may go without an answer. */
async function underTraffic(act: (traffic: Traffic) => Promise<void>): Promise<Counts> {
  const traffic = steadyTraffic(beryl.gateway)
  try {
    await act(traffic)
  } finally {
    await traffic.stop()
  }
  assert.deepEqual(traffic.counts().lost, [])
  return traffic.counts()
}

/** Nobody asks, so nothing shows: the step stands still. */
const standsIn = (id: string, step: number) =>
  beryl.until(
    id,
    ({ waitingFor }) => waitingFor?.startsWith(`evidence: step ${step} of 3`) === true,
    `standing in step ${step}`,
  )
const shares = async () => {
  const { environments, live } = await beryl.service()
  const of = (role: string) =>
    Object.values(environments).find((environment) => environment.role === role)
  return { live: live!.version, old: of('live')?.share, own: of('candidate')?.share }
}

test('a version that fails is rolled back from a step, and most clients never met it', async () => {
  const { byVersion } = await underTraffic(async (traffic) => {
    await traffic.atLeast(100)
    const { id } = await beryl.deploy('v3')
    const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
    assert.equal(release.rolledBack?.by, 'guard')
    assert.equal(release.switched, null, 'it never had all of the traffic')
    const [errors] = release.watch!.evidence.signals
    assert.ok(errors!.judged['split']! > 20, JSON.stringify(errors!.judged))
    assert.match(errors!.comparedWith, /at the same time/)
  })
  assert.ok(byVersion['v3']! > 0 && byVersion['v3']! < byVersion['v1']!)
  assert.equal((await shares()).live, 'v1')
})

test('a good one stands in its step until there is evidence, whoever is killed, and then goes on to all', async () => {
  const { id } = await beryl.deploy('v2')
  await standsIn(id, 1)
  assert.deepEqual(await shares(), { live: 'v1', old: 0.8, own: 0.2 })
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(out, /live: v1, .*80 % of the traffic/)
  assert.match(out, /candidate: v2, .*20 % of the traffic/)
  beryl.kill('gateway')
  beryl.kill('controller')
  await standsIn(id, 1)
  assert.deepEqual(await shares(), { live: 'v1', old: 0.8, own: 0.2 })

  const { byVersion } = await underTraffic(async () => {
    await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  })
  assert.ok(byVersion['v1']! > 0 && byVersion['v2']! > 0)
  assert.equal((await shares()).live, 'v2')
  const { out: record } = await beryl.cli('explain', id)
  assert.match(record, /20 % of the traffic to v2/)
  assert.match(record, /beryl +r\d \(v2\) is switching: after step 1 of 3, 20 %: /)
  assert.match(record, /50 % of the traffic to v2/)
  assert.match(record, /switched to v2/)
  // Asked for once more it would end the ladder, and the way back with it, for nothing.
  await assert.rejects(beryl.deploy('v2'), /already-live/)
  // A rollback from the end of it is the one store, as ever.
  await beryl.api('POST', `/services/tiny/rollback`, { reason: 'a drill' })
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  assert.equal((await shares()).live, 'v1')
})

test('`promote` is the next step now, and a rollback by hand leads back from each step, twice in a row', async () => {
  for (const step of [1, 2]) {
    const { id } = await beryl.deploy('v2')
    await standsIn(id, 1)
    if (step === 2) {
      const { code, err } = await beryl.cli('promote', id, '--reason', 'it is small')
      assert.equal(code, 0, err)
      await standsIn(id, 2)
      assert.deepEqual(await shares(), { live: 'v1', old: 0.5, own: 0.5 })
    }
    const back = await underTraffic(async (traffic) => {
      await traffic.atLeast(10)
      await beryl.api('POST', `/services/tiny/rollback`, { reason: 'a change of mind' })
      const ended = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
      assert.match(ended.because!, /a change of mind/)
      await traffic.atLeast(20)
    })
    const last = back.answers.slice(-10)
    assert.deepEqual([...new Set(last.map(({ version }) => version))], ['v1'])
  }
})
