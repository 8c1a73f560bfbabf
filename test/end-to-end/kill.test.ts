/** Promise 7: `kill -9` of any of Beryl's processes, at any time, under load. Model servers and traffic do not notice. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { oldAfterNew, steadyTraffic } from '../support/traffic.ts'

let beryl: Running

before(async () => {
  beryl = await startBeryl({
    models: { a: { answer: 'a', startDelayMs: 400 }, b: { answer: 'b', startDelayMs: 400 } },
    replicas: 2,
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9, noWorseBy: 0.05 }
    switch: { drain: 20s }
    watch: { atLeast: 500ms, atMost: 10m, errors: { margin: 10%, atMost: 20% } }
    standby: [{ full: 700ms }]
`,
  })
  await beryl.deployed('a')
})

after(async () => assert.equal(await beryl.stop(), 0))

/** Each where it has most to lose. */
const phases = {
  controller: ['provisioning', 'warming', 'verifying', 'watching', 'stabilizing'],
  examiner: ['warming', 'verifying'],
  supervisor: ['provisioning', 'watching'],
} as const

for (const role of ['controller', 'examiner', 'supervisor'] as const) {
  for (const phase of phases[role]) {
    test(`the ${role} killed while ${phase}: the release ends by itself, no request fails, model servers keep their pids`, async () => {
      const from = (await beryl.service()).live!.version
      const to = from === 'a' ? 'b' : 'a'
      const traffic = steadyTraffic(beryl.gateway)
      const { id } = await beryl.deploy(to)
      await beryl.until(
        id,
        (release) => release.phase === phase || past(release.phase, phase),
        phase,
      )
      const started = await pidsOf(to)
      if (role === 'supervisor') await beryl.killSupervisor()
      else beryl.kill(role)
      const release = await beryl.until(
        id,
        (one) => ['finished', 'rejected', 'rolled-back'].includes(one.phase),
        'ended',
      )
      assert.equal(release.phase, 'finished', release.because ?? '')
      if (role === 'supervisor') await beryl.restartSupervisor()
      const counts = await traffic.stop()
      assert.deepEqual(counts.lost, [])
      assert.deepEqual(counts.badByVersion, {})
      assert.equal(oldAfterNew(counts.answers, from, to), 0)
      const moves = (
        await beryl.api<{ events: { kind: string; data: { change?: string } }[] }>(
          'GET',
          `/releases/${id}/report`,
        )
      ).events
      assert.equal(
        moves.filter(({ kind, data }) => kind === 'routing' && data.change === 'switch').length,
        1,
        'the switch is on record, once, whoever died around it',
      )
      const kept = await pidsOf(to)
      assert.equal(kept.length, 2)
      assert.deepEqual(
        started.filter((pid) => !kept.includes(pid)),
        [],
        'no model server was started anew',
      )
    })
  }
}

/** Process ids of a version's replicas, wherever they stand. */
async function pidsOf(version: string): Promise<(number | null)[]> {
  const { environments } = await beryl.service()
  return [environments.blue, environments.green]
    .filter((one) => one.version === version)
    .flatMap(({ replicas }) => replicas.map(({ pid }) => pid))
    .filter((pid) => pid !== null)
}

function past(now: string, phase: string): boolean {
  const order = [
    'queued',
    'provisioning',
    'warming',
    'verifying',
    'awaiting-approval',
    'switching',
    'watching',
    'stabilizing',
    'clearing',
    'finished',
  ]
  return order.indexOf(now) > order.indexOf(phase)
}
