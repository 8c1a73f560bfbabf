/** Retention as the controller does it, over a real journal: by age, by size, and never what is in use. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'
import { trimRecord } from './record.ts'
import type { RecordBounds } from './record.ts'

const day = 86_400_000
const service = switched(releaseOf({ name: 'watching', since } as never))
const rows = { names: () => ['tiny'], find: () => service }

/** r1 (which the live one came from) and r2 (being watched) are in use; r3 to r9 ended, a day apart. */
function filled() {
  const { store } = journal(service)
  let stored = store.services.all()[0]!
  for (let number = 3; number <= 9; number++) {
    const phase = {
      name: 'finished',
      because: '',
      since: { wall: since.wall + number * day, up: 0 },
    }
    const release = releaseOf(phase as never, { id: `r${number}` })
    stored = store.services.save(stored, {
      releases: [],
      added: [{ release, plan: {} as never }],
      events: ['began', 'x'.repeat(30_000)].map((text) => ({
        at: since.wall + number * day,
        service: 'tiny',
        release: `r${number}`,
        kind: 'phase',
        by: 'beryl',
        text,
        data: {},
      })),
    })
  }
  return store
}

function trimmed(bounds: RecordBounds, onDay: number) {
  const store = filled()
  const now = () => ({ wall: since.wall + onDay * day, up: 0 })
  let walks = 0
  while (trimRecord({ store, rows, now, bounds })) assert.ok(walks++ < 20, 'it comes to an end')
  const left = store.services.releases('tiny', 100).map(({ id }) => id)
  return { store, left: left.toReversed(), walks }
}

test('what is older than `keep` goes, what is in use stays, and the record says what left it', () => {
  const { store, left } = trimmed({ keepS: (3.5 * day) / 1000, atMostBytes: 2 ** 40 }, 10)
  assert.deepEqual(left, ['r1', 'r2', 'r7', 'r8', 'r9'])
  const said = store.events.after(0, null, 100).filter(({ kind }) => kind === 'record')
  assert.match(said[0]!.text, /^left the record: r3, r4, r5, r6, \d+ events \(older than 4 days\)$/)
})

test('what is too large loses the oldest, down to the last day', () => {
  const { left } = trimmed({ keepS: (1000 * day) / 1000, atMostBytes: 1 }, 8.5)
  assert.deepEqual(left, ['r1', 'r2', 'r8', 'r9'])
})

test('within its bounds nothing leaves the record, and nothing is said', () => {
  const { store, left, walks } = trimmed({ keepS: 3e9, atMostBytes: 2 ** 40 }, 10)
  assert.equal(left.length, 9)
  assert.equal(walks, 0)
  assert.deepEqual(
    store.events.after(0, null, 100).filter(({ kind }) => kind === 'record'),
    [],
  )
})
