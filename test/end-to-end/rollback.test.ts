/** After the switch: back by itself, back by hand, in each phase; streams stay where they began. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { mixed, steadyTraffic } from '../support/traffic.ts'

let beryl: Running

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two' },
      failing: { answer: 'fails', failAfter: 50, failShare: 0.5 },
      'never-ready': { answer: 'never', neverReady: true },
      dying: { answer: 'dies', crashAfterLive: 50 },
    },
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s }
    watch: { atLeast: 3s, atMost: 10m, errors: { margin: 5%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
  await beryl.deployed('v1')
})

after(async () => assert.equal(await beryl.stop(), 0))

/** Deploys under traffic until the release is where it should be. */
async function during(version: string, phase: string, act: (id: string) => Promise<unknown>) {
  const traffic = steadyTraffic(beryl.gateway)
  const { id } = await beryl.deploy(version)
  await beryl.until(id, (release) => release.phase === phase, phase)
  await act(id)
  const release = await beryl.until(id, (one) => one.phase === 'rolled-back', 'rolled-back')
  await traffic.atLeast(50)
  const counts = await traffic.stop()
  assert.deepEqual(counts.lost, [])
  assert.equal((await beryl.service()).live?.version, 'v1')
  return { release, counts }
}

for (const phase of ['watching', 'stabilizing']) {
  test(`a rollback by hand while ${phase} moves everything back, and loses nothing`, async () => {
    const { release, counts } = await during('v2', phase, async () => {
      const { code, out } = await beryl.cli('rollback', 'tiny', '--reason', 'by hand', '--wait')
      assert.equal(code, 0, out)
    })
    assert.match(release.rolledBack?.why ?? '', /by hand/)
    assert.ok(counts.byVersion['v2']! > 0)
    assert.equal(mixed(counts.answers, 'v1', 'v2'), 0)
  })
}

test('a version that passes its gates and fails under traffic is rolled back by the guard', async () => {
  const { release, counts } = await during('failing', 'watching', async () => {})
  assert.equal(release.rolledBack?.by, 'guard')
  assert.match(release.because ?? '', /errors: \d+ errors in \d+ answers/)
  assert.ok(counts.badByVersion['failing']! > 0)
  assert.equal(counts.badByVersion['v1'], undefined)
})

test('a version that dies under traffic is rolled back', async () => {
  const traffic = steadyTraffic(beryl.gateway)
  const { id } = await beryl.deploy('dying')
  const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled-back')
  await traffic.atLeast(50)
  const { lost } = await traffic.stop()
  assert.equal(release.rolledBack?.by, 'guard')
  assert.deepEqual(lost, [], 'every failure is an answer in the name of the version that failed')
})

test('a stream that began on the old version ends there, after the switch and through the drain', async () => {
  const stream = fetch(`${beryl.gateway}/stream?count=120&every=40`)
  const response = await stream
  assert.equal(response.headers.get('beryl-version'), 'v1')
  const traffic = steadyTraffic(beryl.gateway)
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  await traffic.stop()
  const text = await response.text()
  assert.equal(text.split('\n').filter((line) => line.startsWith('data: one')).length, 120)
  assert.match(text, /\[DONE\]\n\n$/)
  assert.equal((await fetch(`${beryl.gateway}/stream?count=1`)).headers.get('beryl-version'), 'v2')
  await beryl.cli('rollback', 'tiny')
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled-back')
})

test('a replica of the live version that dies is replaced, in a release and without one', async () => {
  for (const release of [null, 'never-ready'] as const) {
    const id = release === null ? null : (await beryl.deploy(release)).id
    const { live, environments } = await beryl.service()
    const [replica] = environments[live!.environment].replicas
    process.kill(replica!.pid!, 'SIGKILL')
    await eventually(
      async () => {
        const now = (await beryl.service()).environments[live!.environment].replicas[0]
        return now?.state === 'ready' && now.pid !== replica!.pid
      },
      () => 'the replica to be back',
    )
    assert.equal(
      (await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{"text":"x"}' })).status,
      200,
    )
    if (id !== null) await beryl.cli('abort', id)
  }
  await eventually(
    async () => (await beryl.service()).release === null,
    () => 'the release to end',
  )
})
