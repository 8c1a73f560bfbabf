import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeShared, openShared } from './shared.ts'
import { slotTable } from './slotted.ts'
import { openTables } from './tables.ts'
import { placed, tableOf } from './testing/gateway.ts'

const noSlots = { replica: () => 0, queue: () => -1 }
const at = (service: string, slot: number, generation: number, path: string, host?: string) =>
  slotTable(
    tableOf(
      generation,
      'blue',
      { blue: placed('v1', [1]) },
      { service, route: { host: host ?? null, path } },
    ),
    slot,
    noSlots,
  )

test('a route changes hands in the store, not while it is prepared, and goes back with it', () => {
  const shared = openShared(makeShared(1))
  const tables = openTables(shared, [at('all', 0, 1, '/')])
  const store = (slot: number, generation: number) =>
    Atomics.store(shared.generations, slot, generation)
  const found = (target: string, host = 'a.example:80') =>
    tables.find(host, target)?.service ?? null
  assert.equal(found('/v1/chat'), null, 'nothing was stored yet')
  store(0, 1)
  // A new service with a longer path: until it is stored its requests go where they went.
  tables.prepare([at('chat', 1, 1, '/v1/')])
  assert.equal(found('/v1/chat'), 'all')
  store(1, 1)
  assert.deepEqual([found('/v1/chat'), found('/v1'), found('/v10')], ['chat', 'chat', 'all'])
  // Two services exchange what they are called by, one after the other.
  tables.prepare([at('chat', 1, 2, '/v2'), at('chat', 1, 3, '/v1')])
  assert.deepEqual([found('/v1/chat'), found('/v2/chat')], ['chat', 'all'])
  store(1, 2)
  assert.deepEqual([found('/v1/chat'), found('/v2/chat')], ['all', 'chat'])
  store(1, 3)
  assert.deepEqual([found('/v1/chat'), found('/v2/chat')], ['chat', 'all'])
  tables.prepare([at('other', 2, 1, '/', 'B.example')])
  store(2, 1)
  assert.deepEqual([found('/v1/chat', 'b.EXAMPLE'), found('/v1/chat')], ['other', 'chat'])
})
