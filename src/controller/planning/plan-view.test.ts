/** What `beryl plan` says of the guard, in the words that people read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { YesNoRules } from '../../guard/guard.ts'
import { errors, latency, rulesOf } from '../../guard/testing.ts'
import { plainRules } from '../../release/testing/plain.ts'
import { planView } from './plan-view.ts'
import type { Plan } from '../plan.ts'
import { bundleOf, releaseOf, since, switched } from '../testing/hands.ts'

const validity: YesNoRules = { ...errors, name: 'validity', from: 'answer', margin: 0.02 }
const service = { ...switched(releaseOf({ name: 'finished', since } as never)), release: null }

type Asked = {
  perSecond?: number
  control?: boolean
  shared?: Plan['shared']
  standby?: 'shared'
  spot?: Plan['rules']['spot']
}

function planned({ perSecond = 1, control = true, shared, standby, spot }: Asked) {
  const { control: _, ...rules } = plainRules
  const plan = {
    rules: {
      ...rules,
      ...(control ? { control: {} } : {}),
      ...(spot === undefined ? {} : { spot }),
      watch: { atLeastS: 600, atMostS: 7200, whenUndecided: 'hold' },
    },
    watch: rulesOf(errors, latency, validity),
    template: { provider: 'process', gpus: 0, ...(spot === undefined ? {} : { onSpot: {} }) },
    gates: {},
    price: { replicaHour: 2, spotReplicaHour: 0.5, currency: 'USD' },
    shared,
  } as unknown as Plan
  return planView({ ...service, live: bundleOf('b', 'r2') }, 'c', {
    plan,
    replicas: 1,
    find: null,
    today: {
      old: { bad: 10, total: 20_000 },
      said: { validity: { bad: 20, total: 20_000 } },
      perSecond,
      spoken: null,
      tookMs: [spot === undefined ? 0 : 3_600_000],
      measured: {
        moveMs: null,
        startMs: null,
        warmMs: null,
        drills: new Map([['shared', 41_000]]),
      },
    },
    held: null,
    machine: { slots: [], memory: 0, replicas: null, holders: [] },
    evicts: [],
    pool: null,
    whatIf: { traffic: null, gpus: null, standby: standby ?? null },
  })
}

const said = (perSecond: number, control: boolean) =>
  planned({ perSecond, control }).regression!.said

test('on spot capacity: what of the second environment is on it, and what that saves', () => {
  const { cost, policies } = planned({ spot: { candidate: true, standby: true } })
  // An hour until the switch, ten minutes of watch on demand, and five on the rung `full`.
  const hours = [1, 10 / 60, 5 / 60] as const
  assert.ok(Math.abs(cost!.replicaHours - (hours[0] + hours[1] + hours[2])) < 1e-9)
  assert.ok(Math.abs(cost!.spotHours - (hours[0] + hours[2])) < 1e-9)
  assert.ok(Math.abs(cost!.spotSaves! - (hours[0] + hours[2]) * 1.5) < 1e-9)
  assert.ok(Math.abs(cost!.money! - (cost!.replicaHours * 2 - cost!.spotSaves!)) < 1e-9)
  const kept = policies.map(({ rung, inManifest }) => [rung, inManifest])
  assert.deepEqual(kept.slice(0, 2), [
    ['full', false],
    ['full, spot', true],
  ])
  assert.deepEqual(planned({}).cost!.spotHours, 0)
})

test('what if it stood in a pool: its place, at its price, and the way back as it was drilled; without a pool it is refused', () => {
  const shared = {
    pool: 'spare',
    servers: [],
    models: 2,
    model: 'b-{version}',
    withinS: 60,
    price: { placeHour: 0.25, currency: 'USD' },
  }
  const plain = planned({ shared })
  const view = planned({ shared, standby: 'shared' })
  const hours = plain.standbyS / 3600
  assert.deepEqual(view.ladder, [{ rung: 'shared', forS: plain.standbyS }])
  assert.equal(view.cost!.placeHours, hours)
  // Of its own only what the watch keeps.
  assert.ok(Math.abs(view.cost!.money! - (2 * view.cost!.replicaHours + hours / 4)) < 1e-9)
  assert.ok(view.cost!.money! < plain.cost!.money!)
  const policy = view.policies.find(({ rung }) => rung === 'shared')!
  assert.deepEqual(
    [policy.inManifest, policy.placeHours, policy.money, policy.backMs, policy.backFrom],
    [true, hours, hours / 4, 41_000, 'drills'],
  )
  assert.throws(() => planned({ standby: 'shared' }), /names no pool in which its standby could/)
})

test('at ten requests an hour it says that live traffic finds no small regression, that replay does, and that the watch cannot end', () => {
  for (const control of [true, false]) {
    const text = said(10 / 3600, control).join('\n')
    assert.match(
      text,
      /live traffic cannot find so small a regression in time, and replay can: ask about \d+ recorded requests/,
    )
    assert.match(text, /^errors: .*days at today's 10 requests an hour: longer than/m)
    assert.match(text, /^validity: .*(days|h) at today's 10 answers read an hour: longer than/m)
    assert.match(text, /today's traffic cannot end the watch within 2 h: it would ask for/)
  }
})

test('at a hundred a second it says by when each required signal is through, and which is not waited for', () => {
  for (const control of [true, false]) {
    const text = said(100, control).join('\n')
    assert.match(text, /^errors: if it is no worse, about \d+ .* \d+ s at today's 100 requests a/m)
    assert.match(text, /^validity: .* \d+ s at today's 100 answers read a second$/m)
    assert.match(text, /the watch does not wait for latency/)
    assert.match(text, /today's traffic can end the watch by itself after about 10 min/)
    assert.doesNotMatch(text, /replay can/)
  }
})
