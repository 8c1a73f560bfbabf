/** The guard under real traffic: one broken replica of a version, what status shows, and what people say of answers. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Event, FeedbackView, ServiceView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'

let beryl: Running
const marks = mkdtempSync(join(tmpdir(), 'beryl-broken-'))

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      'one-broken': { answer: 'two', failAfter: 50, brokenOnce: join(marks, 'broken') },
    },
    replicas: 2,
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

after(async () => {
  assert.equal(await beryl.stop(), 0)
  rmSync(marks, { recursive: true })
})

test('one broken replica of a version is replaced, added before removed, and the version stays', async () => {
  const traffic = steadyTraffic(beryl.gateway)
  const { id } = await beryl.deploy('one-broken')
  await beryl.until(id, ({ watch }) => (watch?.replace.length ?? 0) > 0, 'one replica set aside')
  const release = await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  const [broken] = release.watch!.replace
  await eventually(
    async () => {
      const { live, environments } = await beryl.service()
      const { replicas } = environments[live!.environment]
      return (
        replicas.length === 2 && replicas.every((one) => one.id !== broken && one.state === 'ready')
      )
    },
    () => `${broken} to be replaced`,
  )
  const { lost, byVersion } = await traffic.stop()
  assert.deepEqual(lost, [])
  assert.ok(byVersion['one-broken']! > 0)
  const { events } = await beryl.api<{ events: Event[] }>('GET', '/events?after=0&limit=1000')
  const said = events.filter(({ kind, by }) => kind === 'replica' && by === 'guard')
  assert.equal(said.length, 1)
  assert.match(said[0]!.text, new RegExp(`^${broken} is worse than its siblings`))
})

test('status shows what each signal is compared with, and how far it is', async () => {
  const { out } = await beryl.cli('status', 'tiny', '--json')
  const { release } = JSON.parse(out) as ServiceView
  const { evidence } = release!.watch!
  const [errors, latency] = evidence.signals
  assert.deepEqual([errors?.signal, latency?.signal], ['errors', 'latency'])
  assert.equal(errors?.design, 'before-after')
  assert.match(errors.comparedWith, /the old version's \d+ errors in \d+ answers/)
  assert.equal(errors.promotionEvidence, 1)
  assert.ok(evidence.setAside > 0)
  assert.equal(evidence.instances.filter(({ setAside }) => setAside).length, 1)
})

test('what a person says of an answer goes to the version that gave it; nobody can make an id up', async () => {
  const response = await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{"text":"x"}' })
  await response.text()
  const requestId = response.headers.get('beryl-request-id')!
  const give = (body: object) => beryl.api<FeedbackView>('POST', '/feedback', body)
  const { version, release, replaced } = await give({ requestId, kind: 'score', value: 0.5 })
  assert.deepEqual([version, replaced], ['one-broken', false])
  assert.equal((await give({ requestId, kind: 'score', value: 1 })).replaced, true)
  assert.deepEqual((await beryl.release(release)).feedback, [{ kind: 'score', count: 1, mean: 1 }])
  await assert.rejects(
    give({ requestId: `${requestId.slice(0, -1)}x`, kind: 'score', value: 0 }),
    /forged-request-id/,
  )
})
