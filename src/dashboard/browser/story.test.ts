import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepsOf } from './story.ts'
import { at, releaseView } from './testing.ts'

const said = (change: Parameters<typeof releaseView>[0] = {}) =>
  stepsOf(releaseView(change)).map(({ phase, state }) => `${phase} ${state}`)
const through = (...names: string[]) =>
  names.map((phase, index) => ({ phase: phase as 'queued', at: at + index * 1000 }))

test('a release shows what it went through, where it is, and what is still before it', () => {
  assert.deepEqual(said(), [
    'queued done',
    'provisioning done',
    'switching done',
    'watching now',
    'stabilizing ahead',
    'finished ahead',
  ])
})

test('each phase says how long it took; the one that lasts says since when', () => {
  assert.deepEqual(
    stepsOf(releaseView()).map(({ tookMs }) => tookMs),
    [1000, 2000, 1000, null, null, null],
  )
  assert.equal(stepsOf(releaseView())[3]!.at, at + 4000)
})

test('a first release has no standby to keep', () => {
  assert.ok(!said({ from: null }).includes('stabilizing ahead'))
})

test('a release that only verifies never shows a switch', () => {
  const phases = through('queued', 'provisioning')
  assert.deepEqual(said({ kind: 'verify', phase: 'provisioning', phases }).slice(1), [
    'provisioning now',
    'warming ahead',
    'verifying ahead',
    'verified ahead',
  ])
})

test('where it went wrong is marked, on the way to an end that nobody wanted', () => {
  const phases = through('queued', 'verifying', 'clearing')
  assert.deepEqual(said({ phase: 'clearing', endsAs: 'rejected', phases }), [
    'queued done',
    'verifying bad',
    'clearing now',
    'rejected ahead',
  ])
  const back = through('queued', 'switching', 'watching', 'rolling-back', 'rolled-back')
  assert.deepEqual(said({ phase: 'rolled-back', endsAs: 'rolled-back', phases: back }).slice(2), [
    'watching bad',
    'rolling-back done',
    'rolled-back bad',
  ])
})

test('a standby that is cleared at the end of a good release is nothing bad', () => {
  const phases = through('queued', 'stabilizing', 'clearing', 'finished')
  assert.deepEqual(said({ phase: 'finished', endsAs: 'finished', phases }), [
    'queued done',
    'stabilizing done',
    'clearing done',
    'finished good',
  ])
})
