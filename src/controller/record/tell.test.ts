/** What people must act on stands in the record once, whoever restarts meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Now } from '../../release/release.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'
import { tellOf } from './tell.ts'

function opened() {
  const release = releaseOf({ name: 'awaiting-approval', since })
  const { store } = journal(switched(release))
  const clock = { now: since }
  const now = (): Now => clock.now
  const pass = (seconds: number) => {
    clock.now = { wall: clock.now.wall + seconds * 1000, up: clock.now.up + seconds }
  }
  const told = () =>
    store.events
      .after(0, null, 100)
      .filter(({ kind }) => kind === 'waiting' || kind === 'alarm')
      .map(({ kind, text }) => `${kind}: ${text}`)
  return { release, store, pass, told, begin: () => tellOf({ store, now }) }
}

test('a wait for a person is told once for each step, also by a controller that starts again', () => {
  const { release, told, begin } = opened()
  const tell = begin()
  tell.waiting(release, 'replicas: 0 of 1 are ready')
  tell.waiting(release, 'approval (the manifest asks for it)')
  tell.waiting(release, 'approval (the manifest asks for it)')
  begin().waiting(release, 'approval (the manifest asks for it)')
  tell.waiting(release, 'the window Mon 09:00-10:00 UTC, which opens in 2h')
  tell.waiting(release, 'the window Mon 09:00-10:00 UTC, which opens in 1h')
  begin().waiting({ ...release, step: 9 }, '`promote` or `rollback`: undecided')
  assert.deepEqual(told(), [
    'waiting: r2 (b) waits for approval (the manifest asks for it)',
    'waiting: r2 (b) waits for the window Mon 09:00-10:00 UTC, which opens in 2h',
    'waiting: r2 (b) waits for `promote` or `rollback`: undecided',
  ])
})

test('a way back that nothing answers on is an alarm', () => {
  const { told, begin } = opened()
  const phase = { name: 'rolling-back', since, generation: 5, why: 'bad', by: 'guard' } as const
  begin().waiting(releaseOf(phase), 'a ready replica in blue: the standby does not answer')
  assert.match(told()[0]!, /^alarm: r2 \(b\) waits for a ready replica in blue/)
})

test('a problem that stays is an alarm once, one that passes is none', () => {
  const { release, pass, told, begin } = opened()
  const tell = begin()
  tell.problems('tiny', ['route: a worker was late'], release)
  pass(20)
  tell.problems('tiny', [], release)
  tell.problems('tiny', ['start: no GPU'], release)
  pass(31)
  tell.problems('tiny', ['start: no GPU'], release)
  tell.problems('tiny', ['start: no GPU'], release)
  assert.deepEqual(told(), ['alarm: for 30 s: start: no GPU'])
})

test('a record that takes no writes keeps nobody from going on, and it is told when it does', () => {
  const { release, store, told } = opened()
  let isFull = true
  let [up, tries] = [0, 0]
  const add: typeof store.events.add = (event) => {
    tries++
    if (isFull) throw new Error('the disk is full')
    store.events.add(event)
  }
  const tell = tellOf({
    store: { events: { ...store.events, add } },
    now: () => ({ ...since, up }),
  })
  for (let walk = 0; walk < 10; walk++) tell.waiting(release, 'approval')
  assert.equal(tries, 1, 'not in each walk of the loop')
  assert.deepEqual(told(), [])
  isFull = false
  up += 31
  tell.waiting(release, 'approval')
  assert.deepEqual(told(), ['waiting: r2 (b) waits for approval'])
})
