import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { signerOf } from '../../gateway/request-id.ts'
import type { SlottedEnvironment, SlottedTable } from '../../gateway/slotted.ts'
import type { Release, Service } from '../../release/release.ts'
import { openStore } from '../../storage/store.ts'
import { takeFeedback } from './feedback.ts'
import type { ControllerStore } from '../store.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-feedback-'))
const store = openStore(join(directory, 'beryl.db')) as ControllerStore
after(() => {
  store.close()
  rmSync(directory, { recursive: true })
})
const key = randomBytes(32)
const day = 24 * 3600 * 1000
const answeredAt = 1_800_000_000_000

const service = { name: 'chat' } as Service
const stored = store.services.create(service, event())
store.services.save(stored, {
  releases: [],
  added: [{ release: { id: 'r1', service: 'chat' } as Release, plan: {} as never }],
  events: [],
})

const idOf = ({ by = key, seq = 7, release = 'r1', at = answeredAt, client = 0 } = {}) => {
  const environment = { release, version: 'v1', environment: 'blue' } as SlottedEnvironment
  return signerOf(
    by,
    'run',
    { service: 'chat', generation: 3 } as SlottedTable,
    environment,
  )(seq, at, client)
}
const give = (requestId: string, kind: string, value: unknown, at = answeredAt + 1000) =>
  takeFeedback(
    { store, now: () => ({ wall: at, up: 0 }), key: () => key },
    { requestId, kind: kind as 'score', value },
    'ann',
  )

test('feedback goes to the version that answered, days later too', () => {
  const { release, version, replaced } = give(idOf(), 'score', 0.25, answeredAt + 29 * day)
  assert.deepEqual([release, version, replaced], ['r1', 'v1', false])
  assert.deepEqual(store.feedback.totals('r1'), [{ kind: 'score', count: 1, mean: 0.25 }])
})

test('the same request and kind again replaces, another kind or request adds', () => {
  assert.equal(give(idOf(), 'score', 0.75).replaced, true)
  give(idOf(), 'thumbs', 'up')
  give(idOf({ seq: 8 }), 'thumbs', 'down')
  give(idOf(), 'handoff', true)
  give(idOf(), 'label', 'refund')
  assert.deepEqual(store.feedback.totals('r1'), [
    { kind: 'handoff', count: 1, mean: 1 },
    { kind: 'label', count: 1, mean: null },
    { kind: 'score', count: 1, mean: 0.75 },
    { kind: 'thumbs', count: 2, mean: 0.5 },
  ])
})

test('an id that was made up, changed, or signed by another Beryl is refused', () => {
  const good = idOf()
  const forged = [
    '',
    'hello',
    good.slice(0, -1),
    good.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    good.replace('.7.', '.8.'),
    idOf({ by: randomBytes(32) }),
  ]
  for (const id of forged) assert.throws(() => give(id, 'score', 1), /not signed by this Beryl/, id)
})

test('an id of a release that is not known here, or of another month, is refused', () => {
  assert.throws(() => give(idOf({ release: 'r2' }), 'score', 1), /not in this data directory/)
  assert.throws(() => give(idOf(), 'score', 1, answeredAt + 31 * day), /taken for 30 days/)
  assert.throws(() => give(idOf(), 'score', 1, answeredAt - day), /taken for 30 days/)
})

test('values that are none of their kind are refused, and what was said stays', () => {
  const before = store.feedback.totals('r1')
  for (const [kind, value] of [
    ['score', 1.1],
    ['score', -0.1],
    ['score', Number.NaN],
    ['score', '1'],
    ['score', null],
    ['thumbs', true],
    ['thumbs', 'sideways'],
    ['handoff', 'yes'],
    ['handoff', undefined],
    ['label', ''],
    ['label', 'x'.repeat(1001)],
    ['label', { a: 1 }],
  ] as const)
    assert.throws(() => give(idOf(), kind, value), new RegExp(`feedback of kind ${kind} expects`))
  assert.deepEqual(store.feedback.totals('r1'), before)
})

function event() {
  return {
    at: 0,
    service: 'chat',
    release: null,
    kind: 'command',
    by: 'test',
    text: 'begins',
    data: {},
  }
}

test('whose answer it was is kept where clients stick to a version', () => {
  give(idOf({ seq: 90, client: 4_000_000_000 }), 'thumbs', 'up')
  give(idOf({ seq: 91 }), 'thumbs', 'up')
  const said = store.feedback.of('r1').filter(({ seq }) => seq >= 90)
  assert.deepEqual(
    said.map(({ client }) => client),
    [4_000_000_000, 0],
  )
})
