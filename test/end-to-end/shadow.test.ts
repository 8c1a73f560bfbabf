/**
 * Shadow and replay with real processes and live traffic: an equal version passes, one with wrong labels is rejected with examples,
 * and whatever a candidate does, clients get what they always got.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { CaptureView, ReleaseView } from '../../src/api/shapes.ts'
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
      wrong: { answer: 'three', wrong: true },
      hangs: { answer: 'four', delayMs: 3_600_000 },
      slow: { answer: 'five', delayMs: 400 },
      garbage: { answer: 'six', garbage: true },
      crashes: { answer: 'seven', crashAfter: 60 },
      closes: { answer: 'eight', closes: true },
    },
    service: `
    verify:
      - shadow: { atLeast: 200, within: 6s, noWorseBy: 5%, ignore: [$.says, $.pid], timeout: 1s }
      - replay: { requests: 200, within: 20s, noWorseBy: 5%, ignore: [$.says, $.pid] }
    capture: { share: 100%, redact: [$.secret] }
    switch: { drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
  const live = beryl.deployed('v1')
  // Nothing judges a first version here but a person.
  await eventually(
    async () => {
      const { release } = await beryl.service()
      if (release?.phase !== 'awaiting-approval') return false
      await beryl.api('POST', `/releases/${release.id}/approve`, { reason: 'the first one' })
      return true
    },
    () => 'the first release to wait for approval',
  )
  await live
  traffic = steadyTraffic(beryl.gateway)
})

after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

const tapped = async () =>
  await (
    await fetch(`${beryl.apiUrl}/metrics`, { headers: { authorization: `Bearer ${beryl.token}` } })
  ).text()

async function verified(version: string): Promise<ReleaseView> {
  const { id } = await beryl.api<ReleaseView>('POST', '/services/tiny/releases', {
    version,
    kind: 'verify',
  })
  return beryl.until(
    id,
    ({ phase, gates }) =>
      ['verified', 'rejected'].includes(phase) ||
      gates.some((gate) => gate.state === 'decided' && gate.verdict === 'undecided'),
    'judged',
  )
}

type Decided = { verdict: string; because: string; evidence: Record<string, any> }

const gateOf = ({ gates }: ReleaseView, name: string): Decided => {
  const gate = gates.find((one) => one.name === name)
  assert.ok(gate?.state === 'decided', `${name} is ${gate?.state}`)
  return gate
}

test('a first release leaves out what compares with live, by name', async () => {
  const { releases } = await beryl.api<{ releases: ReleaseView[] }>('GET', '/services/tiny/history')
  assert.deepEqual(
    releases[0]!.leftOut.map(({ name }) => name),
    ['shadow', 'replay'],
  )
})

test('an equal version passes both, by what clients ask and what was recorded', async () => {
  await eventually(
    async () => (await beryl.api<CaptureView>('GET', '/services/tiny/capture')).records > 250,
    () => 'enough records',
  )
  const release = await verified('v2')
  assert.equal(release.phase, 'verified', JSON.stringify(release.gates))
  const [shadow, replay] = [gateOf(release, 'shadow'), gateOf(release, 'replay')]
  assert.equal(shadow.verdict, 'pass')
  assert.ok(shadow.evidence['copies'].compared >= 200)
  assert.equal(replay.verdict, 'pass')
  assert.equal(replay.evidence['replayed'].compared, 200)
  assert.match(await tapped(), /beryl_tapped_total\{service="tiny",result="sent"\} \d{3}/)
})

test('a version with wrong labels is rejected, and the worst pairs are shown side by side', async () => {
  const release = await verified('wrong')
  assert.equal(release.phase, 'rejected')
  const shadow = gateOf(release, 'shadow')
  assert.equal(shadow.verdict, 'fail')
  assert.match(
    shadow.because,
    /wrong differs from live v1 on 100 % of \d+ inputs.*most on \$\.label/,
  )
  const [example] = shadow.evidence['examples']
  assert.equal(example.candidate, 'wrong')
  assert.match(example.live, /^[01]$/)
  assert.match(example.request, /\{"text":"x+"\}/)
  assert.match(release.because!, /differs from live v1/)
})

for (const [version, expected] of [
  ['hangs', /fail|undecided/],
  ['slow', /pass|undecided/],
  ['garbage', /fail/],
  ['crashes', /fail|undecided/],
  ['closes', /fail|undecided/],
] as const)
  test(`a candidate that is broken (${version}) costs no client anything`, async () => {
    const before = traffic!.counts().answers.length
    const release = await verified(version)
    const shadow = release.gates.find(({ name }) => name === 'shadow')
    if (shadow?.state === 'decided') assert.match(shadow.verdict, expected, shadow.because)
    else assert.equal(release.phase, 'rejected', JSON.stringify(release.gates))
    if (release.phase !== 'rejected' && release.phase !== 'verified') {
      // One that has just been rejected for another reason needs no abort.
      await beryl
        .api('POST', `/releases/${release.id}/abort`, { reason: 'seen enough' })
        .catch(() => null)
      await beryl.until(release.id, ({ phase }) => ['aborted', 'rejected'].includes(phase), 'over')
    }
    const now = traffic!.counts()
    assert.deepEqual(now.lost, [])
    assert.deepEqual(now.badByVersion, {})
    assert.deepEqual(Object.keys(now.byVersion), ['v1'])
    const during = now.answers.slice(before)
    const took = during.map(({ sentAt, answeredAt }) => answeredAt - sentAt)
    assert.ok(during.length > 100 && Math.max(...took) < 2000, `${Math.max(...took)} ms`)
  })

test('what both found of failures counts for the watch, once a client is answered', async () => {
  const { id } = await beryl.api<ReleaseView>('POST', '/services/tiny/releases', { version: 'v2' })
  const release = await beryl.until(
    id,
    ({ phase }) => ['stabilizing', 'rejected', 'rolled-back'].includes(phase),
    'promoted',
  )
  assert.equal(release.phase, 'stabilizing', release.because ?? '')
  assert.match(
    JSON.stringify(release.watch),
    /before the switch 0 of [4-9]\d\d copied requests failed on the new version alone/,
  )
})
