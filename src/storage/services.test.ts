/** The journal: all of a save or nothing of it, and never over somebody else's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyService } from '../release/release.ts'
import type { Release, Service } from '../release/release.ts'
import type { NewEvent } from './events.ts'
import { StaleRevision } from './services.ts'
import { openStore } from './store.ts'
import { temporary } from './testing/directory.ts'

const at = temporary()
let files = 0

const service = (change: Partial<Service> = {}): Service => ({
  ...emptyService('tiny'),
  ...change,
})
const release = (id: string, change: Partial<Release> = {}) =>
  ({ id, service: 'tiny', ...change }) as Release
const event = (text: string): NewEvent => ({
  at: 1,
  service: 'tiny',
  release: 'r1',
  kind: 'command',
  by: 'ann',
  text,
  data: { n: 1 },
})

function opened() {
  const file = at(`${++files}.db`)
  const store = openStore<{ plan: number }, never, never, never, never>(file)
  const stored = store.services.create(service(), event('begins'))
  return {
    store,
    stored,
    reopen: () => openStore<{ plan: number }, never, never, never, never>(file),
  }
}
const texts = ({ store }: Pick<ReturnType<typeof opened>, 'store'>) =>
  store.events.after(0, null, 100).map(({ text }) => text)

test('a save is there after a restart: row, releases, plan and events', () => {
  const { store, stored, reopen } = opened()
  const added = [{ release: release('r1'), plan: { plan: 1 } }]
  store.services.save(
    { ...stored, service: service({ generation: 4 }) },
    { releases: [release('r1', { step: 3 })], added, events: [event('r1 begins')] },
  )
  store.close()
  const again = reopen()
  assert.deepEqual(again.services.all(), [{ service: service({ generation: 4 }), revision: 2 }])
  assert.equal(again.services.release('r1')?.step, 3)
  assert.deepEqual(again.services.plan('r1'), { plan: 1 })
  assert.deepEqual(texts({ store: again }), ['begins', 'r1 begins'])
  again.close()
})

test('who saves from an old revision is refused, and nothing of it is written', () => {
  const opening = opened()
  const { store, stored } = opening
  store.services.save(
    { ...stored, service: service({ generation: 1 }) },
    { releases: [], events: [event('mine')] },
  )
  assert.throws(
    () =>
      store.services.save(
        { ...stored, service: service({ generation: 9 }) },
        {
          releases: [],
          added: [{ release: release('r1'), plan: { plan: 1 } }],
          events: [event('theirs')],
        },
      ),
    (error: Error) =>
      error instanceof StaleRevision &&
      /tiny was changed by another controller since revision 1/.test(error.message),
  )
  assert.equal(store.services.all()[0]?.service.generation, 1)
  assert.equal(store.services.release('r1'), null)
  assert.deepEqual(texts(opening), ['begins', 'mine'])
  store.close()
})

test('a save that fails half way leaves row, releases and record as they were', () => {
  const opening = opened()
  const { store, stored } = opening
  const twice = { release: release('r1'), plan: { plan: 1 } }
  assert.throws(() =>
    store.services.save(
      { ...stored, service: service({ generation: 9 }) },
      { releases: [], added: [twice, twice], events: [event('never')] },
    ),
  )
  assert.deepEqual(store.services.all(), [{ service: service(), revision: 1 }])
  assert.equal(store.services.release('r1'), null)
  assert.deepEqual(texts(opening), ['begins'])
  store.close()
})

test('release ids rise over all services, and an id that was made up finds nothing', () => {
  const { store, stored } = opened()
  assert.equal(store.services.nextReleaseId(), 'r1')
  const added = ['r1', 'r2'].map((id) => ({ release: release(id), plan: { plan: 1 } }))
  store.services.save(stored, { releases: [], added, events: [] })
  assert.equal(store.services.nextReleaseId(), 'r3')
  assert.deepEqual(
    store.services.releases('tiny', 1).map(({ id }) => id),
    ['r2'],
  )
  for (const id of ['r0', 'r01', 'r1 ', 'R1', '1', 'r1;', 'r99999999999999999'])
    assert.equal(store.services.release(id), null, id)
  store.close()
})
