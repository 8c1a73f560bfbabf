import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from './cost.ts'
import type { Price } from './cost.ts'
import type { Gap, Move, Up } from './role-times.ts'

const hourMs = 3_600_000
let replicas = 0
const up = (
  release: string,
  environment: 'blue' | 'green',
  [from, to]: readonly [number, number | null],
  id = `${release}-${replicas++}`,
): Up => ({
  spec: { id, release, environment, version: `v-${release}` },
  startedAt: from * hourMs,
  endedAt: to === null ? null : to * hourMs,
})
const move = (at: number, live: string, by = live): Move => ({ at: at * hourMs, live, by })
const usd = (replicaHour: number): Price => ({ replicaHour, currency: 'USD' })
const cost = (
  records: Up[],
  priceOf: (release: string) => Price | null,
  { now, from = Number.NEGATIVE_INFINITY, ...record }: CostAsked,
) =>
  costOf(
    records,
    { priceOf, moves: [], gaps: [], ...record },
    { from: from * hourMs, to: now * hourMs },
  )
type CostAsked = { now: number; from?: number; moves?: Move[]; gaps?: Gap[] }

test('what sleeps is still reserved, at its own price, and what is lent is paid for by who is on it', () => {
  const spells = [
    { at: 2 * hourMs, is: 'asleep' as const },
    { at: 4 * hourMs, is: 'lent' as const },
    { at: 7 * hourMs, is: 'asleep' as const },
    { at: 8 * hourMs, is: 'awake' as const },
  ]
  const sleeper = { ...up('r1', 'blue', [0, 10]), spells }
  const price = { replicaHour: 2, asleepHour: 0.5, currency: 'USD' }
  assert.deepEqual(cost([sleeper], () => price, { now: 20 }).total, {
    replicaHours: 7,
    money: 4 * 2 + 3 * 0.5,
    currency: 'USD',
  })
  assert.equal(cost([sleeper], () => usd(2), { now: 20 }).total.money, 14)
})

test('a model in a pool costs its place while it has one, and is no replica', () => {
  const place = { placeHour: 0.5, currency: 'USD' }
  const spells = [
    { at: 10 * hourMs, is: 'asleep' as const },
    { at: 11 * hourMs, is: 'awake' as const },
    // Pushed out.
    { at: 15 * hourMs, is: 'asleep' as const },
  ]
  const { spec, ...member } = up('r1', 'blue', [10, 20])
  const pooled = { ...member, spec: { ...spec, pool: 'spare', price: place }, spells }
  const records = [up('r1', 'blue', [0, 10]), pooled, up('r2', 'green', [5, 20])]
  const { total, lines, added, unpriced } = cost(records, () => usd(2), {
    now: 20,
    moves: [move(0, 'r1'), move(6, 'r2')],
  })
  assert.deepEqual(total, { replicaHours: 25, placeHours: 4, money: 52, currency: 'USD' })
  const line = lines.find((one) => one.pool === 'spare')
  assert.deepEqual(
    [line?.role, line?.replicaHours, line?.placeHours, line?.money],
    ['standby', 0, 4, 2],
  )
  // The candidate's hour, the old one's four, and the place; over what was live meanwhile.
  assert.deepEqual([added.replicaHours, added.money, added.over], [5, 12, 20])
  assert.equal(unpriced, 0)
  const other = { ...pooled, spec: { ...pooled.spec, price: { ...place, currency: 'EUR' } } }
  assert.equal(cost([records[0]!, other], () => usd(2), { now: 20 }).total.money, null)
})

test('on spot capacity: at its own price, by lines of its own, nothing for the time it was taken away, and what it saved', () => {
  const spells = [
    { at: 2 * hourMs, is: 'away' as const },
    { at: 3 * hourMs, is: 'awake' as const },
    { at: 8 * hourMs, is: 'asleep' as const },
  ]
  const taken = { ...up('r1', 'blue', [0, 10]), spells, spot: true }
  const price = { replicaHour: 2, asleepHour: 1.5, spotReplicaHour: 0.5, currency: 'USD' }
  const { lines, total, spot } = cost([taken, up('r1', 'blue', [0, 10])], () => price, { now: 20 })
  assert.deepEqual(
    lines.map((one) => [one.spot, one.replicaHours, one.money]),
    [
      [true, 9, 4.5],
      [false, 10, 20],
    ],
  )
  assert.equal(total.money, 24.5)
  // On demand: seven hours awake, and two asleep.
  assert.deepEqual(spot, { replicaHours: 9, money: 4.5, currency: 'USD', saved: 17 - 4.5 })
  assert.equal(cost([taken], () => usd(2), { now: 20 }).spot.saved, 0)
  assert.equal(cost([taken], () => null, { now: 20 }).spot.saved, null)
})

test('replica-hours and money add up by release, place and role, and in all', () => {
  const { releases, lines, total } = cost(
    [
      up('r2', 'green', [5, 8]),
      up('r1', 'blue', [0, 10]),
      up('r1', 'blue', [2, 4]),
      // After a reboot, say: the same release in another place.
      up('r1', 'green', [9, 10]),
    ],
    (release) => usd(release === 'r1' ? 2 : 3),
    { now: 20, moves: [move(0, 'r1'), move(7, 'r2')] },
  )
  assert.deepEqual(releases.get('r1')?.own, { replicaHours: 13, money: 26, currency: 'USD' })
  assert.deepEqual(releases.get('r1')?.hours, { live: 9, candidate: 0, standby: 4 })
  assert.deepEqual(releases.get('r2')?.own, { replicaHours: 3, money: 9, currency: 'USD' })
  assert.deepEqual(
    lines.map(({ release, environment, role, replicaHours, money }) => [
      release,
      environment,
      role,
      replicaHours,
      money,
    ]),
    [
      ['r1', 'blue', 'live', 9, 18],
      ['r1', 'blue', 'standby', 3, 6],
      ['r2', 'green', 'candidate', 2, 6],
      ['r2', 'green', 'live', 1, 3],
      ['r1', 'green', 'standby', 1, 2],
    ],
  )
  assert.deepEqual(total, { replicaHours: 16, money: 35, currency: 'USD' })
})

test('what blue-green added, in all, by release, and of a month', () => {
  const records = [up('r1', 'blue', [0, 110]), up('r2', 'green', [98, null])]
  const moves = [move(0, 'r1'), move(100, 'r2')]
  const all = cost(records, () => usd(2), { now: 200, moves })
  // 2 hours as a candidate, and 10 of the version it left.
  const { added } = all.releases.get('r2')!
  assert.deepEqual(
    { ...added, share: null },
    { replicaHours: 12, money: 24, currency: 'USD', over: 12, share: null },
  )
  assert.equal(added.share, 1)
  assert.equal(all.releases.get('r1')?.added.replicaHours, 0)
  assert.equal(all.releases.get('r1')?.added.share, null)
  assert.deepEqual(all.added, {
    replicaHours: 12,
    money: 24,
    currency: 'USD',
    over: 200,
    share: 0.06,
  })
  const month = cost(records, () => usd(2), { now: 200, from: 105, moves })
  assert.equal(month.added.replicaHours, 5)
  assert.equal(month.total.replicaHours, 100)
})

test('what was not found again after a gap is counted nowhere, and named', () => {
  const gaps = [{ from: 4 * hourMs, to: 9 * hourMs, known: ['found'] }]
  const {
    total,
    added,
    gaps: named,
  } = cost([up('r1', 'blue', [0, 10], 'found'), up('r1', 'blue', [0, 7], 'lost')], () => usd(2), {
    now: 20,
    moves: [move(0, 'r1')],
    gaps,
  })
  assert.deepEqual(total, { replicaHours: 14, money: 28, currency: 'USD' })
  assert.equal(added.replicaHours, 0)
  assert.deepEqual(named, [{ from: 4 * hourMs, to: 9 * hourMs, replicas: 1, replicaHours: 3 }])
})

test('what still runs is counted up to now, and a clock that was set back never gives money back', () => {
  const still = cost([up('r1', 'blue', [1, null])], () => usd(2), { now: 4 })
  assert.deepEqual(still.total, { replicaHours: 3, money: 6, currency: 'USD' })
  const back = cost([up('r1', 'blue', [5, null])], () => usd(2), { now: 4 })
  assert.deepEqual(back.total, { replicaHours: 0, money: null, currency: null })
})

test('without a price there are hours and no money, and it is said; nothing that ran costs nothing', () => {
  const { total, lines, unpriced } = cost([up('r1', 'blue', [0, 1])], () => null, { now: 1 })
  assert.deepEqual(total, { replicaHours: 1, money: null, currency: null })
  assert.equal(lines[0]?.money, null)
  assert.equal(unpriced, 1)
  assert.deepEqual(cost([], () => null, { now: 0 }).total, {
    replicaHours: 0,
    money: null,
    currency: null,
  })
})

test('what was paid in two currencies has no sum', () => {
  const { total, releases } = cost(
    [up('r1', 'blue', [0, 1]), up('r2', 'green', [0, 1])],
    (release) => ({ replicaHour: 2, currency: release === 'r1' ? 'USD' : 'EUR' }),
    { now: 1 },
  )
  assert.deepEqual(total, { replicaHours: 2, money: null, currency: null })
  assert.deepEqual(releases.get('r2')?.own, { replicaHours: 1, money: 2, currency: 'EUR' })
})
