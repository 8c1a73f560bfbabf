/** What was spent of a budget: only what blue-green added, by the ledger, of one release and of this month. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicaRecord } from '../../providers/provider.ts'
import { budgetsOf } from './budget.ts'
import { monthOf } from './month.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'

const hourMs = 3_600_000
const month = monthOf(since.wall)
const service = switched(releaseOf({ name: 'stabilizing', since, rung: 0 }))

function replica(release: string, startedAt: number): ReplicaRecord {
  const environment = release === 'r1' ? 'blue' : 'green'
  const spec = { id: `${release}-0`, service: 'tiny', environment, release, version: release }
  return { spec, startedAt, endedAt: null } as unknown as ReplicaRecord
}

test('of a release and of its month, and a sum that was raised counts at once', () => {
  const { store } = journal(service, { replicaHour: 2, currency: 'USD' })
  // Live since the month before; two hours of a candidate, one of them in this month; then the old one as a standby.
  store.replicas.put(replica('r1', month - 10 * hourMs))
  store.replicas.put(replica('r2', month - hourMs))
  const moved = (release: string, at: number) =>
    store.events.add({
      at,
      service: 'tiny',
      release,
      kind: 'routing',
      by: 'beryl',
      text: 'switch',
      data: { change: 'switch', at },
    })
  moved('r1', month - 9 * hourMs)
  moved('r2', month + hourMs)
  let wall = month + 4 * hourMs
  let budget = { release: 20, month: 100, currency: 'USD' }
  const spentOf = budgetsOf({ store, budgetOf: () => budget, now: () => ({ wall }) })
  const sums = () => spentOf(service).map(({ name, spent, limit }) => [name, spent, limit])
  const name = new Date(month).toISOString().slice(0, 7)
  assert.deepEqual(sums(), [
    ['r2', 10, 20],
    [name, 8, 100],
  ])
  budget = { release: 30, month: 100, currency: 'USD' }
  assert.deepEqual(sums()[0], ['r2', 10, 30])
  wall += hourMs
  assert.deepEqual(sums()[0], ['r2', 12, 30])
})

test('a service without a budget, or without a release, has spent nothing of it', () => {
  const { store } = journal(service)
  const none = budgetsOf({ store, budgetOf: () => null, now: () => since })
  assert.deepEqual(none(service), [])
  const some = budgetsOf({
    store,
    budgetOf: () => ({ month: 1, currency: 'USD' }),
    now: () => since,
  })
  assert.deepEqual(some({ ...service, release: null }), [])
})
