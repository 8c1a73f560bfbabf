import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRelease, plainRules } from '../release/testing/plain.ts'
import type { Release } from '../release/release.ts'
import type { Event } from '../storage/events.ts'
import { missedMove } from './missed-move.ts'

const since = { wall: 1000, up: 1 }
const inPhase = (phase: Release['phase']): Release => ({
  ...newRelease({ version: 'v2', digest: 'd', replicas: 1 }, since, {
    id: 'r2',
    kind: 'deploy',
    rules: plainRules,
  }),
  phase,
})
const switching = inPhase({ name: 'switching', since, generation: 7, step: 1, of: 1 })
const written = (generation: number): Event => ({
  id: 1,
  at: 1,
  service: 'tiny',
  release: 'r2',
  kind: 'routing',
  by: 'beryl',
  text: '',
  data: { generation },
})

test('a switch that nobody wrote down is written late, once', () => {
  const move = { to: 'watching', because: '' } as const
  const late = missedMove(switching, move, { events: [], at: 1500 })
  assert.deepEqual(late?.data, {
    change: 'switch',
    share: 1,
    generation: 7,
    at: 1500,
    tookMs: 500,
    late: true,
  })
  assert.equal(missedMove(switching, move, { events: [written(7)], at: 1500 }), null)
  assert.notEqual(missedMove(switching, move, { events: [written(6)], at: 1500 }), null)
})

test('so are a step and a rollback; what moves no traffic is not', () => {
  const step = inPhase({ name: 'switching', since, generation: 9, step: 1, of: 2, share: 0.1 })
  const next = { to: 'switching', because: '' } as const
  assert.equal(missedMove(step, next, { events: [], at: 1500 })?.data['change'], 'step')
  const back = inPhase({ name: 'rolling-back', since, generation: 8, why: 'bad', by: 'guard' })
  const clearing = { to: 'clearing', endsAs: 'rolled-back', because: '' } as const
  assert.equal(missedMove(back, clearing, { events: [], at: 1500 })?.data['change'], 'rollback')
  const given = { to: 'rolling-back', why: '', by: 'guard' } as const
  assert.equal(missedMove(switching, given, { events: [], at: 1500 }), null)
})
