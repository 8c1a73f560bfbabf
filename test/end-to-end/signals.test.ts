/** What answers say, and what people say of them: each may roll a version back, and none is a pass while it is silent. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic | undefined

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two' },
      spoiled: { answer: 'three', spoilAfter: 30, spoilShare: 0.3 },
      disliked: { answer: 'four' },
      again: { answer: 'five' },
    },
    files: {
      'answer.schema.json': JSON.stringify({ type: 'object', required: ['label', 'pid'] }),
      'short.mjs': 'export default ({ says }) => says.length < 20',
    },
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s }
    watch:
      atLeast: 4s # long enough to be paused in
      atMost: 10m
      control: auto
      signals: [errors, latency, validity, feedback, drift, short, length]
      required: [errors, validity, short]
      errors: { margin: 10% }
      validity: { schema: answer.schema.json, margin: 10% }
      feedback: { within: 1s, atMost: 20% }
      drift: { of: category, answer: $.label, tolerance: 20% }
      own:
        short: { yesNo: { module: short.mjs, bad: false }, margin: 10% }
        length: { number: { matches: '"says":"(\\w+)"', to: 100 } }
    standby: [{ full: 10m }]
`,
  })
  await beryl.deployed('v1')
  traffic = steadyTraffic(beryl.gateway)
})

after(async () => {
  await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
})

const signalOf = ({ watch }: ReleaseView, name: string) =>
  watch!.evidence.signals.find(({ signal }) => signal === name)!

test('an equal version is promoted on what its answers say, in pairs with the old one', async () => {
  const { id } = await beryl.deploy('v2')
  const release = await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  for (const name of ['validity', 'short', 'drift']) {
    const signal = signalOf(release, name)
    assert.equal(signal.design, 'paired', name)
    assert.ok(signal.judged['paired']! > 30, `${name}: ${JSON.stringify(signal.judged)}`)
  }
  assert.match(
    signalOf(release, 'validity').said,
    /^0 bad ones \(validity\) in \d+ answers; in \d+ pairs 0/,
  )
  // No answer has such a number: that says nothing, and is counted.
  assert.equal(signalOf(release, 'length').rollbackEvidence, 0)
  assert.ok(release.watch!.evidence.unreadable > 30)
  assert.equal(signalOf(release, 'short').promotionEvidence, 1)
})

test('answers that are cut short, well-formed HTTP and fast, are seen and rolled back', async () => {
  const { id } = await beryl.deploy('spoiled')
  const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  assert.equal(release.rolledBack?.by, 'guard')
  const validity = signalOf(release, 'validity')
  assert.equal(validity.rollbackEvidence, 1)
  assert.equal(validity.design, 'paired')
  assert.ok(validity.worseByAtLeast! > 0.01)
  assert.equal(release.watch!.evidence.bad, 0)
})

test('what people say rolls a version back; it goes to the version that answered', async () => {
  const { id } = await beryl.deploy('disliked')
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watched')
  // People take their time, and nothing else is wrong with it. What is paused is still guarded.
  const paused = await beryl.api<ReleaseView>('POST', `/releases/${id}/pause`, {})
  assert.equal(paused.phase, 'watching')
  const say = async () => {
    const response = await fetch(`${beryl.gateway}/predict`, {
      method: 'POST',
      body: '{"text":"x"}',
    })
    await response.text()
    const requestId = response.headers.get('beryl-request-id')!
    const value = response.headers.get('beryl-version') === 'disliked' ? 'down' : 'up'
    await beryl.api('POST', '/feedback', { requestId, kind: 'thumbs', value })
    return (await beryl.release(id)).phase
  }
  await eventually(
    async () => (await say()) === 'rolled-back',
    () => 'the disliked version to be rolled back',
    60_000,
  )
  const release = await beryl.release(id)
  assert.match(release.rolledBack!.why, /^feedback: \d+ bad ones \(feedback\) in \d+ answers/)
  assert.equal(signalOf(release, 'validity').rollbackEvidence < 1, true)
})

test('an examiner that dies costs evidence: what nobody read is void, and holds the promotion, whatever the rest says', async () => {
  const { id } = await beryl.deploy('again')
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watched')
  beryl.kill('examiner')
  const held = await beryl.until(
    id,
    ({ phase, waitingFor, watch }) =>
      phase === 'watching' &&
      watch?.evidence.promotionEvidence === 1 &&
      (waitingFor ?? '').includes('answers that were to be read were not'),
    'held',
  )
  assert.equal(held.watch!.evidence.bad, 0)
  assert.ok(held.watch!.evidence.unheard > 0)
  assert.equal((await beryl.cli('promote', id, '--reason', 'seen by hand')).code, 0)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  assert.deepEqual((await traffic!.stop()).lost, [])
})
