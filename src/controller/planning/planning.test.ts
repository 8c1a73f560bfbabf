/** The tables of a plan: from what was measured, and nothing made up where nothing was. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ReplicaSeen } from '../../providers/provider.ts'
import type { Rung } from '../../release/release.ts'
import { policiesOf } from './policies.ts'
import type { Measured } from './policies.ts'
import type { Plan } from '../plan.ts'
import { checkSize, eachOf, noRoomText, offersText, roomFor } from './room.ts'
import { strategiesOf } from './strategies.ts'

const measured: Measured = {
  moveMs: 4,
  startMs: 40_000,
  warmMs: 20_000,
  drills: new Map([['asleep', 6000]]),
}
const ladder: Rung[] = [
  { rung: 'full', forS: 3600 },
  { rung: 'asleep', forS: 5 * 3600 },
]
const price = { replicaHour: 2, asleepHour: 1, currency: 'USD' }
const asked = {
  replicas: 4,
  canSleep: true,
  shared: { price: { placeHour: 0.5, currency: 'USD' } },
  canSpot: false,
  onSpot: false,
  ladder,
  price,
  perSecond: 10,
  measured,
}

describe('standby policies', () => {
  test('cost for the time of the ladder, the way back as it was measured, and what is risked until then', () => {
    const rows = policiesOf(asked).map((one) => [
      one.rung,
      one.inManifest,
      one.money,
      one.backMs,
      one.backFrom,
      one.requests,
    ])
    assert.deepEqual(rows, [
      ['full', true, 48, 4, 'moves', 0],
      ['1 replica', false, 12, 40_000, 'starts', 300],
      ['asleep', true, 24, 6000, 'drills', 60],
      ['shared', false, 3, 40_000, 'starts', 300],
      ['gone', false, 0, 60_000, 'starts', 600],
    ])
  })

  test('on spot capacity: cheaper, as soon back, and said to be taken away at any time', () => {
    const spotPrice = { ...price, spotReplicaHour: 0.5 }
    const rows = policiesOf({ ...asked, canSpot: true, onSpot: true, price: spotPrice })
    const told = rows.slice(0, 4).map((one) => [one.rung, one.inManifest, one.money, one.backMs])
    assert.deepEqual(told, [
      ['full', false, 48, 4],
      ['full, spot', true, 12, 4],
      ['1 replica', false, 12, 40_000],
      ['1 replica, spot', false, 3, 40_000],
    ])
    assert.match(rows[1]!.risk, /^it answers already; it may be taken away at any time/)
  })

  test('what was never measured is not known, and what cannot sleep is not offered to', () => {
    const nothing = { moveMs: null, startMs: null, warmMs: null, drills: new Map<string, number>() }
    const rows = policiesOf({
      ...asked,
      replicas: 1,
      canSleep: false,
      shared: null,
      price: null,
      measured: nothing,
    })
    assert.deepEqual(
      rows.map(({ rung, money, backMs, backFrom, requests }) => [
        rung,
        money,
        backMs,
        backFrom,
        requests,
      ]),
      [
        ['full', null, null, 'unknown', null],
        ['gone', null, null, 'unknown', null],
      ],
    )
  })
})

describe('strategies', () => {
  const all = {
    replicas: 4,
    shares: [],
    sinceAllMs: 60_000,
    toSwitchMs: 600_000,
    atLeastS: 600,
    price,
    measured,
    regression: { oldRate: 0.01, newRate: 0.05, perSecond: 10 },
    risk: { risk: 0.01, weight: 1 },
  }

  test('a smaller share shows a bad version to fewer, and takes longer to know', () => {
    const [blueGreen, canary, linear, rolling] = strategiesOf(all)
    assert.deepEqual([blueGreen!.answers, blueGreen!.bad, blueGreen!.backMs], [600, 30, 4])
    assert.ok(canary!.verdictMs! > linear!.verdictMs!, 'longer')
    assert.ok(canary!.verdictMs! > blueGreen!.verdictMs!)
    assert.equal(rolling!.backMs, 60_000)
    assert.equal(rolling!.offered, false)
    assert.ok(rolling!.replicaHours! < blueGreen!.replicaHours!)
    assert.ok(Math.abs(blueGreen!.money! - (2 * 4 * 1200) / 3600) < 1e-9)
  })

  test('without traffic nothing is known of a verdict, and a first release has no table', () => {
    const quiet = { oldRate: 0.01, newRate: 0.05, perSecond: 0 }
    const rows = strategiesOf({ ...all, sinceAllMs: null, regression: quiet })
    assert.deepEqual(new Set(rows.map(({ verdictMs }) => verdictMs)), new Set([null]))
    assert.deepEqual(strategiesOf({ ...all, regression: null }), [])
  })
})

describe('room', () => {
  const replica = (release: string, gpus: number[], state = 'ready') =>
    ({ release, service: 'chat', gpus, state: { name: state } }) as unknown as ReplicaSeen
  const holders = [replica('r1', [0, 1]), replica('r2', [2], 'asleep')]
  const of = { service: 'rank', version: 'v2', replicas: 2, each: [{ gpus: 1 }], clears: null }
  const gib = 1024 ** 3
  const machine = (count: number) => ({
    slots: Array.from({ length: count }, (_, slot) => slot),
    memory: 16 * gib,
    replicas: null,
    holders,
  })
  const limitsOf = (room: ReturnType<typeof roomFor>) =>
    room!.limits.map(({ what, needed, free, lent, of: all }) => [what, needed, free, lent, all])

  test('free slots first, then what sleepers lend', () => {
    const room = roomFor(machine(4), of)
    assert.deepEqual([room!.fits, limitsOf(room)], [true, [['GPU slots', 2, 1, 1, 4]]])
    assert.equal(roomFor(machine(0), { ...of, each: [{ gpus: 0 }] }), null)
  })

  test('too few: who holds them, and what still protects, in one order, with what is lost', () => {
    const room = roomFor(machine(3), of)!
    assert.equal(room.fits, false)
    assert.equal(
      noRoomText(room),
      'a second environment needs 2 GPU slots, 0 of 3 are free, 1 more are lent by what sleeps (r1 of chat: 0, 1; r2 of chat: 2 (asleep))',
    )
    const offers = offersText(room)
    assert.match(
      offers[0]!,
      /^1\. a smaller candidate.*: beryl verify rank v2 --replicas 1; lost: load/,
    )
    assert.match(
      offers[1]!,
      /^2\. replica by replica \(not offered here\); lost: no whole environment/,
    )
    assert.match(
      offers[2]!,
      /^3\. swap, with the old version asleep \(not offered here\); lost: nobody answers/,
    )
  })

  test('the standby that a deploy clears makes room, and `--gpus` is as if there were so many', () => {
    const own = { ...of, service: 'chat', clears: 'r1' }
    assert.equal(roomFor(machine(3), own)!.fits, true)
    assert.equal(roomFor(machine(3), { ...of, atLeast: 8 })!.fits, true)
  })

  test('memory, and a quota of replicas: who sleeps has both all the same', () => {
    const kept = holders.map((one) => ({ ...one, memory: 5 * gib }))
    const small = { ...machine(9), holders: kept, replicas: 3 }
    const room = roomFor(small, { ...of, each: [{ gpus: 0, memory: 4 * gib }] })!
    assert.deepEqual(limitsOf(room), [
      ['memory', 8 * gib, 6 * gib, 0, 16 * gib],
      ['replicas', 2, 1, 0, 3],
    ])
    assert.equal(
      noRoomText(room),
      'a second environment needs 8 GiB of memory, 6 GiB of 16 GiB are free; and 2 replicas, 1 of 3 are free (r1 of chat: 1 replica, GPU slots 0, 1, 5 GiB; r2 of chat: 1 replica, GPU slots 2, 5 GiB)',
    )
    assert.match(offersText(room)[0]!, /beryl verify rank v2 --replicas 1; lost: load/)
    const one = roomFor({ ...small, replicas: 2 }, { ...of, each: [{ gpus: 0 }] })!
    assert.match(offersText(one)[0]!, /and never switched \(not offered here\)/)
    assert.equal(roomFor({ ...small, replicas: 4 }, { ...of, each: [{ gpus: 0 }] })!.fits, true)
  })

  test('a candidate on spot capacity is there twice before its switch; a verify, and a way back, once', () => {
    const onSpot = { gpus: 0, memory: gib, command: ['a'], env: {}, terms: {} }
    const plan = {
      template: { provider: 'process', gpus: 2, memory: 3, onSpot },
      rules: { spot: { candidate: true } },
    } as unknown as Plan
    const [there, here] = [
      { gpus: 0, memory: gib },
      { gpus: 2, memory: 3 },
    ]
    assert.deepEqual(eachOf(plan, 'deploy'), [there, here])
    assert.deepEqual(eachOf(plan, 'verify'), [there])
    assert.deepEqual(eachOf(plan, 'rollback'), [here])
  })

  test('a smaller candidate is for verify only', () => {
    checkSize('chat', 4, { kind: 'verify', replicas: 1 })
    checkSize('chat', 4, { kind: 'deploy', replicas: null })
    assert.throws(() => checkSize('chat', 4, { kind: 'deploy', replicas: 1 }), /verify only/)
    assert.throws(
      () => checkSize('chat', 4, { kind: 'verify', replicas: 5 }),
      /has 4: expected fewer/,
    )
  })
})
