/** `kill -9` around the moments that matter most: the switch, the rollback, the drain; and of everything at once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isAlive, readIdentity } from '../../src/ipc/identity.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { mixed, oldAfterNew, steadyTraffic } from '../support/traffic.ts'

let beryl: Running

before(async () => {
  beryl = await startBeryl({
    models: { a: { answer: 'a' }, b: { answer: 'b' } },
    replicas: 2,
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { when: approved, drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
  const { id } = await beryl.deploy('a')
  await approve(id)
  const traffic = steadyTraffic(beryl.gateway, { pauseMs: 0, ignore: 'no-live-version' })
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
  await traffic.stop()
})

after(async () => assert.equal(await beryl.stop(), 0))

async function approve(id: string): Promise<void> {
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
  await beryl.api('POST', `/releases/${id}/approve`, {})
}

async function routingOf(id: string, change: string): Promise<number> {
  const { events } = await beryl.api<{ events: { kind: string; data: { change?: string } }[] }>(
    'GET',
    `/releases/${id}/report`,
  )
  return events.filter(({ kind, data }) => kind === 'routing' && data.change === change).length
}

// The switch takes a few milliseconds from the approval on: these instants fall before, into and after it.
for (const afterMs of [0, 5, 40]) {
  test(`the controller killed ${afterMs} ms after the approval: one switch, nothing lost`, async () => {
    const from = (await beryl.service()).live!.version
    const to = from === 'a' ? 'b' : 'a'
    const traffic = steadyTraffic(beryl.gateway)
    const { id } = await beryl.deploy(to)
    await approve(id)
    const until = performance.now() + afterMs
    await eventually(
      () => performance.now() >= until,
      () => 'the instant',
    )
    beryl.kill('controller')
    await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
    const { lost, answers, badByVersion } = await traffic.stop()
    assert.deepEqual(lost, [])
    assert.deepEqual(badByVersion, {})
    assert.equal(oldAfterNew(answers, from, to), 0)
    assert.equal(await routingOf(id, 'switch'), 1)
    assert.equal((await beryl.service()).live?.version, to)
  })
}

for (const role of ['controller', 'examiner', 'supervisor'] as const) {
  test(`the ${role} killed while a release awaits approval, and while it is rolled back: nothing lost`, async () => {
    const from = (await beryl.service()).live!.version
    const to = from === 'a' ? 'b' : 'a'
    const traffic = steadyTraffic(beryl.gateway)
    const { id } = await beryl.deploy(to)
    await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
    await kill(role)
    await eventually(
      () => beryl.api('POST', `/releases/${id}/approve`, {}).then(() => true),
      () => 'the approval to be taken',
    )
    await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
    await beryl.api('POST', '/services/tiny/rollback', { reason: 'and back' })
    await kill(role)
    await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled-back')
    const { lost, answers, badByVersion } = await traffic.stop()
    assert.deepEqual(lost, [])
    assert.deepEqual(badByVersion, {})
    assert.equal(mixed(answers, from, to), 0)
    assert.equal((await beryl.service()).live?.version, from)
  })
}

async function kill(role: 'controller' | 'examiner' | 'supervisor'): Promise<void> {
  if (role !== 'supervisor') return void beryl.kill(role)
  await beryl.killSupervisor()
  await beryl.restartSupervisor()
}

test('the controller killed in the same instant as a rollback is asked for: it is rolled back once, nothing lost', async () => {
  const back = (await beryl.service()).live!.version
  const from = back === 'a' ? 'b' : 'a'
  const { id } = await beryl.deploy(from)
  await approve(id)
  const evidence = steadyTraffic(beryl.gateway)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  await evidence.stop()
  const traffic = steadyTraffic(beryl.gateway)
  await traffic.atLeast(50)
  const asked = beryl.api('POST', '/services/tiny/rollback', { reason: 'in the dark' })
  await asked
  beryl.kill('controller')
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled-back')
  await traffic.atLeast(50)
  const { lost, answers } = await traffic.stop()
  assert.deepEqual(lost, [])
  assert.equal(mixed(answers, back, from), 0)
  assert.equal(await routingOf(id, 'rollback'), 1)
  assert.equal((await beryl.service()).live?.version, back)
})

test('controller and examiner killed while a place is drained: the stream ends whole, then the place is emptied', async () => {
  const from = (await beryl.service()).live!.version
  const { id } = await beryl.deploy(from === 'a' ? 'b' : 'a')
  const stream = await fetch(`${beryl.gateway}/stream?count=100&every=20`)
  await approve(id)
  const traffic = steadyTraffic(beryl.gateway)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  // Another release ends the ladder: the old place is cleared, and the stream is still open on it.
  const next = await beryl.deploy(from)
  await beryl.until(id, ({ phase }) => phase === 'clearing', 'clearing')
  beryl.kill('controller')
  beryl.kill('examiner')
  const text = await stream.text()
  assert.equal(text.split('\n').filter((line) => line.startsWith(`data: ${from}`)).length, 100)
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
  await beryl.api('POST', `/releases/${next.id}/abort`, {})
  await beryl.until(next.id, ({ phase }) => phase === 'aborted', 'aborted')
  assert.deepEqual((await traffic.stop()).lost, [])
})

test('a live replica that is alive and silent is started again; the other one answers meanwhile', async () => {
  const { live, environments } = await beryl.service()
  const [silent] = environments[live!.environment].replicas
  process.kill(silent!.pid!, 'SIGSTOP')
  try {
    await eventually(
      async () => {
        const { replicas } = (await beryl.service()).environments[live!.environment]
        return (
          replicas.length === 2 &&
          replicas.every(({ state, pid }) => state === 'ready' && pid !== silent!.pid)
        )
      },
      () => 'another process in its place',
    )
  } finally {
    try {
      process.kill(silent!.pid!, 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }
})

test('everything killed at once: the next `up` takes over the model servers, and traffic goes on', async () => {
  const { live, environments } = await beryl.service()
  const before_ = environments[live!.environment].replicas
    .map(({ pid }) => Number(pid))
    .toSorted((a, b) => a - b)
  await beryl.killSupervisor()
  for (const role of ['gateway', 'controller', 'examiner'] as const) beryl.kill(role)
  await beryl.restartSupervisor()
  const answer = await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{"text":"x"}' })
  assert.equal(answer.headers.get('beryl-version'), live!.version)
  const now = await beryl.service()
  assert.deepEqual(
    now.environments[live!.environment].replicas
      .map(({ pid }) => Number(pid))
      .toSorted((a, b) => a - b),
    before_,
  )
})

test('the terminal goes away, then Ctrl-C, and an impatient second one: everything ends in order, and nothing is left', async () => {
  const extra = await startBeryl({ models: { v1: { answer: 'one' } } })
  await extra.deployed('v1')
  const { environments } = await extra.service()
  const [replica] = environments.blue.replicas
  const own = (['gateway', 'controller', 'examiner'] as const).map((role) =>
    readIdentity(`${extra.data}/${role}.process.json`)!,
  )
  const supervisor = await extra.runningPid()
  extra.hangUp()
  const ended = extra.stop()
  process.kill(supervisor, 'SIGINT')
  assert.equal(await ended, 0)
  assert.deepEqual(own.filter(isAlive), [])
  assert.throws(() => process.kill(replica!.pid!, 0), 'the model server is gone')
})
