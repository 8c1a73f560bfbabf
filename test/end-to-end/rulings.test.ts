/** Hard cases that are decided (docs/promises.md has the table), with real processes, clients that ask all the while, and their counts. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { mixed, oldAfterNew, steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic
let file = ''
const holdsS = 12

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' }, v3: { answer: 'three' } },
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9, within: 10s }
    switch: { when: approved, drain: 20s, evidenceFor: ${holdsS}s, approvalFor: ${holdsS}s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
  file = join(beryl.directory, 'beryl.yaml')
})
after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
  assert.deepEqual(sent?.badByVersion, {})
})

const began = () => traffic.counts().answers.length
const since = (at: number) => traffic.counts().answers.slice(at)
const approve = (id: string) => beryl.api('POST', `/releases/${id}/approve`, {})
async function deployed(version: string): Promise<string> {
  const { id } = await beryl.deploy(version)
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
  await approve(id)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing' || phase === 'finished', 'live')
  return id
}

test('until a first version is live its route answers 503 no-live-version', async () => {
  // Anything else that no version says would be counted as lost.
  traffic = steadyTraffic(beryl.gateway, { concurrency: 3, ignore: 'no-live-version' })
  await traffic.atLeast(20)
  await deployed('v1')
  const { answers } = traffic.counts()
  const isNone = ({ version, status }: { version: string; status: number }) =>
    version === '' && status === 503
  assert.ok(answers.slice(0, 20).every(isNone))
  assert.equal(oldAfterNew(answers, '', 'v1'), 0)
})

test('an approval grows old, and what gates found is taken again before the switch; then it switches in one step', async () => {
  const at = began()
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
  await beryl.api('POST', `/releases/${id}/pause`, {})
  await approve(id)
  const over = performance.now() + holdsS * 1000
  await eventually(
    () => performance.now() >= over,
    () => 'the approval to be old',
  )
  await beryl.api('POST', `/releases/${id}/resume`, {})
  await beryl.until(
    id,
    ({ waitingFor }) => waitingFor?.startsWith('approval') === true,
    'waiting again',
  )
  await approve(id)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'live')
  const { out } = await beryl.cli('explain', id)
  assert.match(out, /is warming: what gate goldenSet found is more than 12s old/)
  assert.equal([...out.matchAll(/gate goldenSet says pass/g)].length, 2)
  assert.equal(oldAfterNew(since(at), 'v1', 'v2'), 0)
})

test('a deploy during stabilizing ends the ladder, and says that there is no way back until it is live; with --keep-standby it waits', async () => {
  const at = began()
  const kept = await beryl.cli('deploy', 'tiny', 'v3', '--keep-standby')
  assert.equal(kept.code, 0, kept.err)
  const { release, queued } = await beryl.service()
  assert.equal(release!.phase, 'stabilizing')
  assert.equal((await beryl.cli('abort', queued!.id)).code, 0)
  const { out } = await beryl.cli('plan', 'tiny', 'v3')
  assert.match(out, /no way back/)
  const { id } = await beryl.deploy('v3')
  const old = await beryl.until(release!.id, ({ phase }) => phase === 'finished', 'finished')
  assert.equal(old.because, `superseded by ${id}`)
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
  const none = await beryl.cli('rollback', 'tiny')
  assert.equal(none.code, 1)
  // Scaling live is no part of a release.
  await writeFile(file, (await readFile(file, 'utf8')).replace('replicas: 1', 'replicas: 2'))
  assert.match(
    (await beryl.cli('apply', '-f', file)).out,
    /next release +services\.tiny\.environment\.replicas/,
  )
  const aborted = await beryl.cli('abort', id, '--reason', 'not today')
  assert.equal(aborted.code, 0, aborted.err)
  await beryl.until(id, ({ phase }) => phase === 'aborted', 'aborted')
  assert.deepEqual([...new Set(since(at).map(({ version }) => version))], ['v2'])
})

test('retry is a new release without the old evidence, and as large as the manifest asks now', async () => {
  const at = began()
  const { id: first } = (
    await beryl.api<{ releases: { id: string }[] }>('GET', '/services/tiny/history')
  ).releases[0]!
  const again = await beryl.cli('retry', first)
  assert.equal(again.code, 0, again.err)
  const { id } = (await beryl.service()).release!
  assert.notEqual(id, first)
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
  const { environments } = await beryl.service()
  const candidate = Object.values(environments).find(({ role }) => role === 'candidate')!
  assert.deepEqual(
    candidate.replicas.map(({ state }) => state),
    ['ready', 'ready'],
  )
  await approve(id)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'live')
  assert.equal(oldAfterNew(since(at), 'v2', 'v3'), 0)
})

test('back to an older version while live is being scaled up: nobody goes without an answer', async () => {
  const done = await beryl.api<{ id: string }>('GET', '/services/tiny').then(() => beryl.service())
  // The standby of the release before is given up: from here on nothing is under way.
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/ {6}v2: .*\n/, ''))
  const removed = await beryl.cli('apply', '-f', file, '--remove')
  assert.equal(removed.code, 0, removed.err)
  await beryl.until(done.release!.id, ({ phase }) => phase === 'finished', 'finished')
  await eventually(
    async () => (await beryl.service()).release === null,
    () => 'nothing to be under way',
  )
  await writeFile(file, text.replace(/ {6}v2: .*\n/, '').replace('replicas: 2', 'replicas: 3'))
  const at = began()
  const scaled = await beryl.cli('apply', '-f', file)
  assert.match(scaled.out, /now +services\.tiny\.environment\.replicas: 2 → 3/)
  const back = await beryl.cli('rollback', 'tiny', '--to', 'v1')
  assert.equal(back.code, 0, back.err)
  const { id } = (await beryl.service()).release!
  await beryl.until(id, ({ waitingFor }) => waitingFor?.startsWith('approval') === true, 'waiting')
  await approve(id)
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watching')
  await traffic.atLeast(20)
  const { live, environments } = await beryl.service()
  assert.equal(live!.version, 'v1')
  assert.equal(environments[live!.environment].replicas.length, 3, 'as many as live')
  assert.equal(mixed(since(at), 'v3', 'v1'), 0)
})

test('a version whose files changed after it was registered is not deployed again', async () => {
  await writeFile(join(beryl.directory, 'v3.json'), '{"answer":"other"}')
  const { code, err } = await beryl.cli('deploy', 'tiny', 'v3')
  assert.equal(code, 1)
  assert.match(err, /v3 of tiny was registered with sha256:.*a version never changes/)
})
