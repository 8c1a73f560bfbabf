/** Gates seen from the controller: every verdict journalled once, and whatever the examiner does, silence is no pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Now, Phase, Release } from '../../release/release.ts'
import { plainRules } from '../../release/testing/plain.ts'
import { beginLoad } from '../../guard/load.ts'
import type { ExaminerClient } from '../../verification/client.ts'
import type { GateAnswer, GateRun } from '../../verification/gate.ts'
import { gatesOf } from './gates.ts'
import type { ReplicaSeen } from '../../providers/provider.ts'
import type { Plan } from '../plan.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'

const verifying: Phase = { name: 'verifying', since }
const pass: GateAnswer = {
  state: 'decided',
  verdict: 'pass',
  because: '40 of 40',
  evidence: { n: 40 },
}
const running: GateAnswer = { state: 'running', progress: '10 of 40' }
const withinS = 60
const template = { ready: { path: '/', withinS: 1 } }
const plan = { template, gates: { goldenSet: { kind: 'goldenSet', withinS } } } as unknown as Plan

/** The examiner answers what `says` holds: an answer, null (it was restarted), or an error (nobody is there). */
function examined(phase: Phase = verifying, change: Partial<Release> = {}) {
  const release = releaseOf(phase, change)
  const service = switched(release)
  const { store } = journal(service)
  const world = { now: since, says: running as GateAnswer | null | Error, asked: [] as string[] }
  const sent: GateRun[] = []
  const plans = { ...plan }
  const answer = (what: string) => {
    world.asked.push(what)
    return world.says instanceof Error ? Promise.reject(world.says) : Promise.resolve(world.says)
  }
  const examiner = {
    start: async (_release, gate, attempt, run) => {
      sent.push(run)
      const [stored] = store.gates.of(release.id)
      world.asked.push(`start ${gate} ${attempt}, journalled: ${stored?.state.state}`)
      return running
    },
    look: (_release, gate, attempt) => answer(`look ${gate} ${attempt}`),
    cancel: async (id) => answer(`cancel ${id}`).then(() => null),
  } satisfies Pick<ExaminerClient, 'start' | 'look' | 'cancel'>
  const gates = gatesOf({ store, examiner, now: () => world.now })
  const replicas: ReplicaSeen[] = []
  const begin = (gate: string, attempt: number) =>
    gates.begin(service, release, plans, replicas, gate, attempt)
  const of = (name: string) => gates.states(release).find((one) => one.name === name)
  return {
    world,
    store,
    plans,
    sent,
    replicas,
    begin,
    begins: () => begin('goldenSet', 1),
    refresh: (as = release) => gates.refresh(as, plan, replicas, begin),
    state: () => of('goldenSet'),
    other: () => of('warmUp'),
    verdict: () => {
      const state = of('goldenSet')
      return state?.state === 'decided' ? `${state.verdict}: ${state.because}` : state?.state
    },
    events: () => store.events.ofRelease(release.id).map(({ text }) => text),
    release,
  }
}
const later = (seconds: number, { wall, up }: Now = since): Now => ({
  wall: wall + seconds * 1000,
  up: up + seconds,
})

test('a gate is journalled as running before the examiner hears of it', async () => {
  const { world, begins } = examined()
  await begins()
  assert.deepEqual(world.asked, ['start goldenSet 1, journalled: running'])
})

test('a load gate is told the peak that live had when it begins', async () => {
  const { begin, store, world, release, plans, sent } = examined()
  const times = {
    load: beginLoad(),
    firstByte: {},
    total: {},
    peaks: { [Math.floor(since.wall / 3_600_000)]: 80 },
  }
  store.traffic.count(
    { observations: { run: 'a', after: 1 } },
    {
      totals: [],
      watches: new Map(),
      times: [{ service: 'tiny', release: release.id, times }],
      signals: [],
      events: [],
    },
  )
  plans.gates = { load: { kind: 'load', withinS, rate: { ofPeak: 1.2, peak: null } } } as never
  await begin('load', 1)
  assert.deepEqual((sent[0]!.spec as { rate: unknown }).rate, { ofPeak: 1.2, peak: 80 })
  world.now = later(2 * 86_400)
  await begin('load', 2)
  assert.deepEqual((sent[1]!.spec as { rate: unknown }).rate, { ofPeak: 1.2, peak: null })
})

test('a gate runs, says how far it is, and its verdict stands in journal and record once', async () => {
  const { world, begins, refresh, state, verdict, events, other } = examined()
  await begins()
  await refresh()
  assert.deepEqual(state(), {
    name: 'goldenSet',
    state: 'running',
    attempt: 1,
    progress: '10 of 40',
  })
  world.says = pass
  await refresh()
  await refresh()
  assert.equal(verdict(), 'pass: 40 of 40')
  assert.deepEqual(events(), ['gate goldenSet says pass: 40 of 40'])
  assert.deepEqual(other(), { name: 'warmUp', state: 'waiting' })
})

const onSpot = (release: string, lost: number, state = 'ready') =>
  ({
    id: 'a',
    release,
    service: 'tiny',
    environment: 'blue',
    host: '127.0.0.1',
    port: 1,
    state: { name: state },
    spot: { lost, short: false, noticed: false },
  }) as unknown as ReplicaSeen

test('what failed while its spot capacity was taken away is void, and taken again once there is another', async () => {
  const { world, begins, refresh, replicas, verdict, state, release, sent } = examined()
  replicas.push(onSpot(release.id, 0))
  await begins()
  assert.deepEqual(sent[0]!.candidate.addresses, ['127.0.0.1:1'])
  world.says = { ...pass, verdict: 'fail', because: '20 of 40 were not answered' }
  replicas[0] = onSpot(release.id, 1, 'unready')
  await refresh()
  const progress = state()?.state === 'running' && (state() as { progress: string }).progress
  assert.match(String(progress), /was taken away while it ran; it is taken again once there is/)
  replicas[0] = onSpot(release.id, 1)
  await refresh()
  assert.equal(world.asked.at(-1), 'start goldenSet 2, journalled: running')
  // Nothing was taken from this attempt: it counts.
  await refresh()
  assert.equal(verdict(), 'fail: 20 of 40 were not answered')
})

test('a pass counts whatever was taken away; and three times in a row nothing was found', async () => {
  const one = examined()
  one.replicas.push(onSpot(one.release.id, 0))
  await one.begins()
  one.replicas[0] = onSpot(one.release.id, 1)
  one.world.says = pass
  await one.refresh()
  assert.equal(one.verdict(), 'pass: 40 of 40')

  const { world, begin, refresh, replicas, verdict, release } = examined()
  replicas.push(onSpot(release.id, 0))
  await begin('goldenSet', 3)
  replicas[0] = onSpot(release.id, 1)
  world.says = { ...pass, verdict: 'fail' }
  await refresh()
  assert.match(verdict()!, /^undecided: .* was taken away while it ran, 3 times$/)
})

test('once it has on-demand replicas, a gate asks only those', async () => {
  const { begins, replicas, release, sent } = examined(verifying, {
    onDemand: { since, found: {} },
  })
  const { spot: _, ...onDemand } = { ...onSpot(release.id, 0), id: 'b', port: 2 }
  replicas.push(onSpot(release.id, 0), onDemand)
  await begins()
  assert.deepEqual(sent[0]!.candidate.addresses, ['127.0.0.1:2'])
})

test('what a dry run reports says in journal and record that it decides nothing', async () => {
  const gates = plainRules.gates.map((gate) => ({ ...gate, dryRun: true }))
  const { world, begins, refresh, verdict, events } = examined(verifying, {
    rules: { ...plainRules, gates },
  })
  await begins()
  world.says = { ...pass, verdict: 'fail' }
  await refresh()
  assert.equal(verdict(), 'fail: dry run, it decides nothing: 40 of 40')
  assert.deepEqual(events(), ['gate goldenSet says fail: dry run, it decides nothing: 40 of 40'])
})

test('a verdict never counts for another release', async () => {
  const { world, begins, refresh, store } = examined()
  await begins()
  world.says = pass
  await refresh()
  assert.deepEqual(store.gates.of('r3'), [])
})

test('an examiner that lost the gate is asked again, three times in all; then it is undecided', async () => {
  const { world, begins, refresh, verdict } = examined()
  await begins()
  world.says = null
  await refresh()
  await refresh()
  assert.equal(verdict(), 'running')
  await refresh()
  assert.deepEqual(
    world.asked.filter((one) => one.startsWith('start')),
    [1, 2, 3].map((attempt) => `start goldenSet ${attempt}, journalled: running`),
  )
  assert.equal(verdict(), 'undecided: the examiner lost it 3 times while it ran')
})

test('a gate that is taken again has three attempts of its own', async () => {
  const { world, begin, refresh, verdict } = examined()
  await begin('goldenSet', 4)
  world.says = null
  await refresh()
  await refresh()
  assert.equal(verdict(), 'running')
  await refresh()
  assert.match(verdict() ?? '', /^undecided/)
})

test('an examiner that does not answer is waited for until the gate’s time is over, and no longer', async () => {
  const { world, begins, refresh, verdict } = examined()
  await begins()
  world.says = new Error('nobody answers')
  await refresh()
  assert.equal(verdict(), 'running')
  world.now = later(withinS + 31)
  await refresh()
  assert.equal(verdict(), 'undecided: no verdict 30 s after its time limit')
})

test('a gate that never ends is called off and undecided', async () => {
  const { world, begins, refresh, verdict } = examined()
  await begins()
  world.now = later(withinS + 31)
  await refresh()
  assert.match(verdict() ?? '', /^undecided: still running 30 s after its time limit \(10 of 40\)/)
  assert.ok(world.asked.includes('cancel r2'))
})

test('a verdict that is there when we look counts, however late we look', async () => {
  const { world, begins, refresh, verdict } = examined()
  await begins()
  world.says = pass
  world.now = later(100_000)
  await refresh()
  assert.equal(verdict(), 'pass: 40 of 40')
})

for (const [what, now] of [
  ['a clock that is set', { ...later(5), wall: since.wall + 86_400_000 }],
  ['a clock that is set back', { ...later(5), wall: since.wall - 86_400_000 }],
] as const)
  test(`${what} makes no gate overdue`, async () => {
    const { world, begins, refresh, verdict } = examined()
    await begins()
    world.now = now
    await refresh()
    assert.equal(verdict(), 'running')
  })

test('a clock that is set back keeps no gate for ever', async () => {
  const { world, begins, refresh, verdict } = examined()
  await begins()
  world.now = { ...later(withinS + 31), wall: since.wall - 86_400_000 }
  await refresh()
  assert.match(verdict() ?? '', /^undecided/)
})

test('when its release is aborted a gate is called off: it sends nobody any more requests', async () => {
  const { world, begins, refresh, verdict, release } = examined()
  await begins()
  const aborted = {
    ...release,
    phase: { name: 'clearing', since, endsAs: 'aborted', because: 'ann' } as const,
  }
  world.says = new Error('nobody answers')
  await refresh(aborted)
  assert.equal(verdict(), 'running')
  world.says = null
  await refresh(aborted)
  assert.equal(verdict(), 'undecided: called off: the release is clearing')
  assert.ok(!world.asked.some((one) => one.startsWith('start goldenSet 2')))
})
