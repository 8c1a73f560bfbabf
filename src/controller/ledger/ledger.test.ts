/** The ledger from a real journal: what the record and the runs of Beryl say, and nothing that nobody saw. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityOf } from '../../ipc/identity.ts'
import type { ReplicaRecord } from '../../providers/provider.ts'
import type { Now } from '../../release/release.ts'
import { costOfRelease, ledgerView } from './ledger.ts'
import { everyMs, keepRuns } from './runs.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'

const hourMs = 3_600_000
const t = since.wall
const replica = (
  release: string,
  startedAt: number,
  change: Partial<ReplicaRecord> = {},
): ReplicaRecord =>
  ({
    spec: {
      id: `${release}-0`,
      provider: 'process',
      service: 'tiny',
      environment: release === 'r1' ? 'blue' : 'green',
      release,
      version: release === 'r1' ? 'a' : 'b',
    },
    startedAt,
    endedAt: null,
    process: null,
    ...change,
  }) as ReplicaRecord
const routing = (release: string, at: number, change: string) => ({
  at: at + 5,
  service: 'tiny',
  release,
  kind: 'routing',
  by: 'beryl',
  text: change,
  data: { change, at },
})

function storeAfterRollback() {
  const release = releaseOf({ name: 'rolled-back', since, because: '' })
  const { store } = journal(switched(release))
  store.replicas.put(replica('r1', t))
  store.replicas.put(replica('r2', t + 2 * hourMs, { endedAt: t + 6 * hourMs }))
  store.events.add(routing('r1', t, 'switch'))
  store.events.add(routing('r2', t + 4 * hourMs, 'switch'))
  store.events.add(routing('r2', t + 5 * hourMs, 'rollback'))
  return { store, release }
}

test('roles are read from the record: a release that was rolled back pays for both environments', () => {
  const { store, release } = storeAfterRollback()
  const view = ledgerView(store, 'tiny', t + 10 * hourMs)
  assert.deepEqual(
    view.lines.map((line) => [line.release, line.environment, line.role, line.replicaHours]),
    [
      ['r1', 'blue', 'live', 9],
      ['r1', 'blue', 'standby', 1],
      ['r2', 'green', 'candidate', 2],
      ['r2', 'green', 'live', 1],
      ['r2', 'green', 'standby', 1],
    ],
  )
  const r2 = view.releases.find((one) => one.release === 'r2')!
  assert.deepEqual(r2.hours, { live: 1, candidate: 2, standby: 1 })
  assert.deepEqual(r2.added, { replicaHours: 4, money: null, currency: null, over: 4, share: 1 })
  assert.equal(view.added.share, 0.4)
  assert.equal(view.unpricedHours, 14)
  assert.equal(costOfRelease(store, release, t + 10 * hourMs)?.replicaHours, 4)
})

test('the last 30 days hold nothing older', () => {
  const { store } = storeAfterRollback()
  const view = ledgerView(store, 'tiny', t + 31 * 24 * hourMs)
  assert.equal(view.added.replicaHours, 4)
  assert.equal(view.last30Days.added.replicaHours, 0)
  assert.equal(view.last30Days.total.replicaHours, 30 * 24)
  const months = view.months.map(({ added }) => added.replicaHours)
  assert.equal(
    months.reduce((sum, one) => sum + one, 0),
    view.added.replicaHours,
  )
  assert.ok(months.length === 2, 'this one, and that before')
})

test('a controller that was away leaves a gap: the same process was up meanwhile, of another nobody knows', () => {
  const { store } = journal(switched(releaseOf({ name: 'watching', since, generation: 4 })))
  let wall = t
  const now = (): Now => ({ wall, up: 1 })
  const here = identityOf(process.pid)!
  store.replicas.put(replica('r1', t, { process: here }))
  store.replicas.put(replica('r2', t, { process: { ...here, startTime: '1' } }))
  const first = keepRuns({ store, now })
  wall = t + everyMs
  first.stop()
  // Killed between two signs: what it had written down is known all the same.
  const ended = t + everyMs + 5000
  store.replicas.put(replica('r3', t, { endedAt: ended }))
  wall = t + hourMs + everyMs
  const second = keepRuns({ store, now })
  assert.deepEqual(
    store.runs.all().map((run) => [run.startedAt - t, run.lastAt - t, run.known]),
    [
      [0, everyMs, ['r1-0']],
      [hourMs + everyMs, hourMs + everyMs, ['r1-0', 'r3-0']],
    ],
  )
  // A machine that slept: the same controller, and nobody looked.
  wall = t + 3 * hourMs
  second.beat()
  second.stop()
  assert.equal(store.runs.all().length, 3)
  const { gaps, releases, total } = ledgerView(store, 'tiny', wall)
  assert.deepEqual(
    gaps.map(({ replicas, replicaHours }) => [replicas, Math.round(replicaHours * 100) / 100]),
    [
      [1, 1],
      [1, 2],
    ],
  )
  assert.equal(releases.find(({ release }) => release === 'r1')?.replicaHours, (wall - t) / hourMs)
  assert.ok(Math.abs(total.replicaHours - 3 - (2 * everyMs + 5000) / hourMs) < 1e-6)
})
