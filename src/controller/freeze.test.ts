/** Freezes over a real journal: who, why, until when; they outlive their controller, and thaw by themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError } from '../ipc/problem.ts'
import type { Now } from '../release/release.ts'
import { freezeOperations, freezesOf } from './freeze.ts'
import { holdsOf } from './holds.ts'
import { journal, releaseOf, since, switched } from './testing/hands.ts'

const hourS = 3600

function opened() {
  const waiting = switched(releaseOf({ name: 'awaiting-approval', since }))
  const { store } = journal(waiting)
  const clock = { now: since }
  const now = (): Now => clock.now
  const changes = { count: 0 }
  const named = (name: string) => {
    if (name !== 'tiny') throw new ProblemError({ status: 404, code: 'no-such-service', title: '' })
    return name
  }
  const freezes = freezeOperations({ store, now, named, changed: () => void changes.count++ })
  const pass = (seconds: number) => {
    clock.now = { wall: clock.now.wall + seconds * 1000, up: clock.now.up + seconds }
  }
  const holds = () => holdsOf(waiting, now(), () => freezesOf({ store, now }, 'tiny'))
  const events = () =>
    store.events
      .after(0, null, 100)
      .filter(({ data }) => String(data['command']).includes('freeze'))
  return { store, freezes, changes, pass, holds, events, waiting }
}

const refused = (code: string, says: RegExp) => (error: unknown) =>
  error instanceof ProblemError && error.problem.code === code && says.test(error.problem.title)

test('a freeze holds its service, thaws when its time is over, and stands in the record', () => {
  const { freezes, changes, pass, holds, events } = opened()
  freezes.freeze('tiny', { reason: ' holidays ', forS: 4 * hourS }, 'ann')
  const until = since.wall + 4 * hourS * 1000
  assert.deepEqual(holds(), [
    { by: 'freeze', who: 'ann', reason: 'holidays', of: 'service', until },
  ])
  assert.equal(changes.count, 1)
  pass(4 * hourS - 1)
  assert.equal(holds().length, 1)
  pass(1)
  assert.deepEqual(holds(), [])
  assert.deepEqual(freezes.all(), [])
  assert.throws(() => freezes.unfreeze('tiny', 'bob'), refused('not-frozen', /nothing is/))
  const [event] = events()
  assert.equal(event?.text, `ann froze tiny, until ${new Date(until).toISOString()} (holidays)`)
  assert.deepEqual([event?.by, event?.service, event?.kind], ['ann', 'tiny', 'command'])
})

test('a freeze of everything holds every service until somebody lifts it, and is said first', () => {
  const { freezes, pass, holds, events } = opened()
  freezes.freeze('tiny', { reason: 'mine', forS: null }, 'bob')
  freezes.freeze(null, { reason: 'Black Friday', forS: null }, 'ann')
  pass(1000 * hourS)
  assert.deepEqual(
    holds().map((one) => one.by === 'freeze' && [one.of, one.who]),
    [
      ['everything', 'ann'],
      ['service', 'bob'],
    ],
  )
  assert.equal(freezes.unfreeze(null, 'eve').by, 'ann')
  assert.throws(() => freezes.unfreeze(null, 'eve'), refused('not-frozen', /frozen: tiny/))
  assert.equal(holds().length, 1)
  freezes.freeze('tiny', { reason: 'again', forS: 60 }, 'ann')
  assert.deepEqual(
    freezes.all().map(({ reason }) => reason),
    ['again'],
  )
  assert.deepEqual(
    events().map(({ by, service, text }) => [by, service, text]),
    [
      ['bob', 'tiny', 'bob froze tiny (mine)'],
      ['ann', '*', 'ann froze everything (Black Friday)'],
      ['eve', '*', 'eve unfroze everything'],
      [
        'ann',
        'tiny',
        `ann froze tiny, until ${new Date(freezes.all()[0]!.until!).toISOString()} (again)`,
      ],
    ],
  )
})

test('a freeze needs a reason and a service that there is', () => {
  const { freezes, events } = opened()
  for (const reason of [null, '', '  '])
    assert.throws(
      () => freezes.freeze('tiny', { reason, forS: null }, 'ann'),
      refused('needs-reason', /needs a reason/),
    )
  assert.throws(
    () => freezes.freeze('huge', { reason: 'x', forS: null }, 'ann'),
    refused('no-such-service', /^$/),
  )
  assert.deepEqual(events(), [])
})

test('only what may move forward asks for freezes', () => {
  const { waiting } = opened()
  const never = () => assert.fail('asked')
  const phase = { name: 'watching', since, generation: 4 } as const
  assert.deepEqual(holdsOf({ ...waiting, release: releaseOf(phase) }, since, never), [])
  assert.deepEqual(holdsOf({ ...waiting, release: null }, since, never), [])
})
