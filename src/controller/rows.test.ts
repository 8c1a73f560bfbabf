/** The rows and their journal: written before anything is acted on, but for a way back on a full disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewEvent } from '../storage/events.ts'
import { StaleRevision } from '../storage/services.ts'
import { openRows } from './rows.ts'
import { journal, releaseOf, since, switched } from './testing/hands.ts'

const watching = releaseOf({ name: 'watching', since, generation: 4 })
const goingBack = releaseOf({
  name: 'rolling-back',
  since,
  generation: 5,
  why: 'bad',
  by: 'guard',
})
/** Large enough to need pages of its own. */
const event = (text: string): NewEvent => ({
  at: 1,
  service: 'tiny',
  release: 'r2',
  kind: 'phase',
  by: 'guard',
  text,
  data: { evidence: 'x'.repeat(20_000) },
})

test('what is saved is what the next controller reads', () => {
  const { store } = journal(switched(watching))
  const rows = openRows(store)
  const version = rows.version('tiny')
  rows.save({ next: switched(goingBack), events: [event('goes back')] })
  assert.ok(rows.version('tiny') > version)
  assert.equal(openRows(store).find('tiny')?.release?.phase.name, 'rolling-back')
  assert.equal(store.services.release('r2')?.phase.name, 'rolling-back')
})

test('on a full disk a step forward is refused, and nothing has changed', () => {
  const { store, full } = journal(switched(watching))
  const rows = openRows(store)
  const version = rows.version('tiny')
  full()
  const forward = switched(releaseOf({ name: 'stabilizing', since, rung: 0 }))
  assert.throws(() => rows.save({ next: forward, events: [event('goes on')] }), /full/)
  assert.equal(rows.find('tiny')?.release?.phase.name, 'watching')
  assert.equal(rows.version('tiny'), version)
  assert.equal(rows.isWritten('tiny'), true)
})

test('on a full disk a way back goes on unwritten, says so, and is written with the next save, its event too', () => {
  const { store, full, room } = journal(switched(watching))
  const rows = openRows(store)
  full()
  rows.save({ next: switched(goingBack), events: [event('goes back')], mayGoUnwritten: true })
  assert.equal(rows.find('tiny')?.release?.phase.name, 'rolling-back')
  assert.equal(rows.isWritten('tiny'), false)
  assert.equal(openRows(store).find('tiny')?.release?.phase.name, 'watching')
  const cleared = switched(
    releaseOf({ name: 'clearing', since, endsAs: 'rolled-back', because: 'bad' }),
  )
  assert.throws(() => rows.save({ next: cleared, events: [event('clears')] }), /full/)
  assert.equal(rows.find('tiny')?.release?.phase.name, 'rolling-back')
  room()
  rows.save({ next: cleared, events: [event('clears')] })
  assert.equal(rows.isWritten('tiny'), true)
  const texts = store.events.ofRelease('r2').map(({ text }) => text)
  assert.deepEqual(texts, ['goes back', 'clears'])
  assert.equal(openRows(store).find('tiny')?.release?.phase.name, 'clearing')
})

test('another controller’s write is no full disk: not even a way back goes over it', () => {
  const { store } = journal(switched(watching))
  const [mine, theirs] = [openRows(store), openRows(store)]
  theirs.save({ next: switched(watching), events: [] })
  assert.throws(
    () => mine.save({ next: switched(goingBack), events: [], mayGoUnwritten: true }),
    StaleRevision,
  )
  assert.equal(mine.find('tiny')?.release?.phase.name, 'watching')
})
