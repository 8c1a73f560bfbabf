/** What people do to a release while it goes: each act, in each phase where it means something. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { mixed, steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic

before(async () => {
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two', startDelayMs: 400, delayMs: 15 },
      v3: { answer: 'three' },
      garbage: { answer: 'garbage', garbage: true },
    },
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, score: exact, atLeast: 0.9 }
    switch: { when: approved, drain: 1s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
  const { id } = await beryl.deploy('v1')
  await beryl.until(id, ({ waitingFor }) => waitingFor?.startsWith('approval') ?? false, 'waiting')
  traffic = steadyTraffic(beryl.gateway, { concurrency: 2, ignore: 'no-live-version' })
  await beryl.cli('approve', id)
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
})

after(async () => {
  const { lost } = await traffic.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(lost, [])
})

for (const phase of ['provisioning', 'warming', 'verifying', 'awaiting-approval']) {
  test(`an abort while ${phase} tears the candidate down; no client saw it`, async () => {
    const { id } = await beryl.deploy('v2')
    await beryl.until(id, (release) => release.phase === phase, phase)
    const { code, err } = await beryl.cli('abort', id, '--reason', `while ${phase}`)
    assert.equal(code, 0, err)
    const ended = await beryl.until(id, (release) => release.phase === 'aborted', 'aborted')
    assert.match(ended.because ?? '', new RegExp(`while ${phase}`))
    const { live, environments } = await beryl.service()
    assert.equal(live?.version, 'v1')
    assert.equal(environments.green.replicas.length + environments.blue.replicas.length, 1)
    assert.equal(traffic.counts().byVersion['v2'], undefined)
  })
}

test('a candidate whose answers nobody can read never passes', async () => {
  const { id } = await beryl.deploy('garbage')
  const ended = await beryl.until(id, ({ phase }) => phase === 'rejected', 'rejected')
  assert.match(ended.because ?? '', /goldenSet: garbage scores 0 %/)
})

test('a pause holds the release where it is, a resume lets it go on', async () => {
  const { id } = await beryl.deploy('v2')
  assert.equal((await beryl.cli('pause', id)).code, 0)
  await beryl.until(
    id,
    // Where it stands then is a matter of how fast this machine is.
    ({ phase, waitingFor }) => phase !== 'awaiting-approval' && /resume/.test(waitingFor ?? ''),
    'paused before it waits for approval',
  )
  assert.equal((await beryl.cli('pause', id)).code, 1)
  assert.equal((await beryl.cli('resume', id)).code, 0)
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
})

test('preview is answered by the candidate, and by nobody else', async () => {
  const answer = await fetch(`${beryl.preview}/predict`, { method: 'POST', body: '{"text":"x"}' })
  assert.equal(answer.status, 200)
  assert.equal(((await answer.json()) as { says: string }).says, 'two')
})

test('one more deploy waits behind it, a second is refused, and --replace takes the place of the one that waits', async () => {
  const active = (await beryl.service()).release!.id
  const second = await beryl.deploy('v3')
  const third = await beryl.cli('deploy', 'tiny', 'v3')
  assert.equal(third.code, 1)
  assert.match(third.err, new RegExp(`${second.id} \\(v3\\) waits already behind ${active}`))
  assert.match(third.err, /Next: beryl deploy tiny v3 --replace/)
  assert.equal((await beryl.cli('deploy', 'tiny', 'v3', '--replace')).code, 0)
  const replaced = await beryl.release(second.id)
  assert.equal(replaced.phase, 'aborted')
  assert.match(replaced.because ?? '', /replaced by/)
  assert.match((await beryl.cli('explain', second.id)).out, /is aborted: replaced by r/)
  const waiting = (await beryl.service()).queued!.id
  assert.equal((await beryl.cli('abort', waiting)).code, 0)
})

test('a WebSocket and a stream that began on the old version end there; what the drain deadline cuts is counted and listed', async () => {
  const { id } = (await beryl.service()).release!
  const socket = new WebSocket(`${beryl.gateway.replace('http', 'ws')}/chat`)
  const said: string[] = []
  socket.addEventListener('message', ({ data }) => said.push(String(data)))
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  assert.equal((await beryl.cli('approve', id, '--reason', 'looks good')).code, 0)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  socket.send('still there?')
  await eventually(
    () => said.length > 0,
    () => 'an answer after the switch',
  )
  assert.deepEqual(said, ['one: still there?'])
  const stream = await fetch(`${beryl.gateway}/stream?count=1000&every=20`)
  assert.equal(stream.headers.get('beryl-version'), 'v2')
  // Back to v1: the stream runs on v2 until the drain of one second is over, the socket on v1 for as long as it likes.
  assert.equal(
    (await beryl.cli('rollback', 'tiny', '--reason', 'to see it drain', '--wait')).code,
    0,
  )
  await assert.rejects(stream.text(), 'the client sees that its answer is not whole')
  socket.send('and now?')
  await eventually(
    () => said.length > 1,
    () => 'an answer after the rollback',
  )
  assert.equal(said[1], 'one: and now?')
  socket.close()
  await closed
  const report = await beryl.api<{ events: { text: string; data: { requests?: unknown[] } }[] }>(
    'GET',
    `/releases/${id}/report`,
  )
  const cut = report.events.find(({ text }) => text.startsWith('cut '))
  assert.match(
    cut?.text ?? '',
    /cut 1 requests that were still open on \w+: the drain deadline of 1 s is over/,
  )
  const [request] = cut!.data.requests as { requestId: string }[]
  assert.equal(request!.requestId, stream.headers.get('beryl-request-id'))
})

test('a rollback, the same version again, and another rollback: each moves all traffic, in one step', async () => {
  for (const reason of ['once', 'twice']) {
    const began = traffic.counts().answers.length
    const { id } = await beryl.deploy('v3')
    await beryl.cli('approve', id)
    await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
    assert.equal((await beryl.cli('rollback', 'tiny', '--reason', reason, '--wait')).code, 0)
    assert.equal((await beryl.cli('rollback', 'tiny')).code, 1, 'there is nothing to go back to')
    await traffic.atLeast(20)
    assert.equal(mixed(traffic.counts().answers.slice(began), 'v1', 'v3'), 0)
    assert.equal((await beryl.service()).live?.version, 'v1')
  }
})

test('every act stands in the record, with its actor and its reason', async () => {
  const { events } = await beryl.api<{ events: { kind: string; text: string; by: string }[] }>(
    'GET',
    '/events?limit=1000',
  )
  const acts = events.filter(({ kind }) => kind === 'command').map(({ text }) => text)
  for (const said of [
    /abort r\d+ \(while warming\)/,
    /pause/,
    /resume/,
    /approve r\d+ \(looks good\)/,
    /rollback r\d+ \(twice\)/,
  ])
    assert.ok(
      acts.some((text) => said.test(text)),
      String(said),
    )
  assert.ok(events.every(({ by }) => by.length > 0))
})
