import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicaRecord } from '../providers/provider.ts'
import { costOf } from './cost.ts'
import type { Price } from './cost.ts'

const hourMs = 3_600_000
const up = (
  release: string,
  environment: 'blue' | 'green',
  [from, to]: readonly [number, number | null],
) =>
  ({
    spec: { release, environment, version: `v-${release}` },
    startedAt: from * hourMs,
    endedAt: to === null ? null : to * hourMs,
  }) as ReplicaRecord
const usd = (replicaHour: number): Price => ({ replicaHour, currency: 'USD' })

test('replica-hours and money add up by release, by place, and in all', () => {
  const { releases, lines, total } = costOf(
    [
      up('r1', 'blue', [0, 10]),
      up('r1', 'blue', [2, 4]),
      up('r2', 'green', [5, 8]),
      // After a reboot, say: the same release in another place.
      up('r1', 'green', [9, 10]),
    ],
    (release) => usd(release === 'r1' ? 2 : 3),
    20 * hourMs,
  )
  assert.deepEqual(releases.get('r1'), { replicaHours: 13, money: 26, currency: 'USD' })
  assert.deepEqual(releases.get('r2'), { replicaHours: 3, money: 9, currency: 'USD' })
  assert.deepEqual(
    lines.map(({ release, environment, replicaHours, money }) => [
      release,
      environment,
      replicaHours,
      money,
    ]),
    [
      ['r1', 'blue', 12, 24],
      ['r2', 'green', 3, 9],
      ['r1', 'green', 1, 2],
    ],
  )
  assert.deepEqual(total, { replicaHours: 16, money: 35, currency: 'USD' })
})

test('what still runs is counted up to now, and a clock that was set back never gives money back', () => {
  const still = costOf([up('r1', 'blue', [1, null])], () => usd(2), 4 * hourMs)
  assert.deepEqual(still.total, { replicaHours: 3, money: 6, currency: 'USD' })
  const back = costOf([up('r1', 'blue', [5, null])], () => usd(2), 4 * hourMs)
  assert.equal(back.total.money, 0)
})

test('without a price there are hours and no money; nothing that ran costs nothing', () => {
  const { total, lines } = costOf([up('r1', 'blue', [0, 1])], () => null, 0)
  assert.deepEqual(total, { replicaHours: 1, money: null, currency: null })
  assert.equal(lines[0]?.money, null)
  assert.deepEqual(costOf([], () => null, 0).total, {
    replicaHours: 0,
    money: null,
    currency: null,
  })
})

test('what was paid in two currencies has no sum', () => {
  const { total, releases } = costOf(
    [up('r1', 'blue', [0, 1]), up('r2', 'green', [0, 1])],
    (release) => ({ replicaHour: 2, currency: release === 'r1' ? 'USD' : 'EUR' }),
    hourMs,
  )
  assert.deepEqual(total, { replicaHours: 2, money: null, currency: null })
  assert.deepEqual(releases.get('r2'), { replicaHours: 1, money: 2, currency: 'EUR' })
})
