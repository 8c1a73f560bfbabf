import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from './cost.ts'
import type { Entry, Up } from './role-times.ts'
import { rungSpansOf } from './rung-times.ts'

const hourMs = 3_600_000
const phase = (hour: number, name: string, rung: string | null = null): Entry => ({
  at: hour * hourMs,
  release: 'r2',
  phase: name,
  change: null,
  movedAt: null,
  rung,
})
const entries = [
  phase(1, 'watching'),
  phase(2, 'stabilizing', 'full'),
  phase(3, 'stabilizing', '1 replica'),
  // A drill: the same rung.
  phase(4, 'stabilizing', '1 replica'),
  phase(5, 'stabilizing', 'asleep'),
  phase(9, 'clearing'),
]

test('a standby stands on a rung from its step to the next one, drills included', () => {
  assert.deepEqual(
    rungSpansOf(entries).map(({ rung, from, to }) => [rung, from / hourMs, to! / hourMs]),
    [
      ['full', 2, 3],
      ['1 replica', 3, 5],
      ['asleep', 5, 9],
    ],
  )
})

test('what a rung saved is what a whole standby would have cost, less what it did', () => {
  const up = (id: string, from: number, to: number, spells: Up['spells'] = []): Up => ({
    spec: { id, release: 'r1', environment: 'blue', version: 'a' },
    startedAt: from * hourMs,
    endedAt: to * hourMs,
    spells,
  })
  const asleep = { at: 5 * hourMs, is: 'asleep' as const }
  const lent = { at: 7 * hourMs, is: 'lent' as const }
  const records = [up('a', 0, 9, [asleep, lent]), up('b', 0, 3), up('c', 5, 9, [asleep])]
  const price = { replicaHour: 2, asleepHour: 1, currency: 'USD' }
  const moves = [
    { at: 0, live: 'r1', by: 'r1' },
    { at: hourMs, live: 'r2', by: 'r2' },
  ]
  const sources = { priceOf: () => price, moves, gaps: [], rungs: rungSpansOf(entries) }
  const { rungs } = costOf(
    records,
    { ...sources, standbyOf: () => ({ release: 'r1', replicas: 2 }) },
    { from: 0, to: 20 * hourMs },
  )
  assert.deepEqual(
    rungs.map(({ rung, hours, kept, saved }) => [
      rung,
      hours,
      kept.replicaHours,
      saved.replicaHours,
      saved.money,
    ]),
    [
      ['full', 1, 2, 0, 0],
      ['1 replica', 2, 2, 2, 4],
      // Four hours of two, of which two hours of one were lent; the rest at the price of what sleeps.
      ['asleep', 4, 6, 2, 10],
    ],
  )
})
