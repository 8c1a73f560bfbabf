import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRequestId, signerOf } from './request-id.ts'
import { sipHash, sipKey } from './siphash.ts'
import { slotTable } from './slotted.ts'
import { placed, tableOf } from './testing/gateway.ts'

const key = Buffer.alloc(32, 7)
const table = slotTable(tableOf(42, 'blue', { blue: placed('v1', [1]) }), 0, {
  replica: () => 0,
  queue: () => 1,
})
const sign = signerOf(key, 'run', table, table.live!)

test('the tag of the reference message is the reference tag', () => {
  const reference = sipKey(Uint8Array.from({ length: 16 }, (_, index) => index))
  assert.equal(sipHash(reference, 0x03020100, 0x07060504), '6224939a79f5f593')
  assert.equal(sipHash(reference, 0x03020100, 0x07060504), '6224939a79f5f593', 'and again')
})

test('an id says who answered, and is believed only with its own tag and key', () => {
  const at = Date.UTC(2026, 5, 1)
  const id = sign(4_294_967_295, at)
  assert.deepEqual(readRequestId(key, id), {
    run: 'run',
    service: 's',
    release: 'r-v1',
    version: 'v1',
    environment: 'blue',
    generation: 42,
    seq: 4_294_967_295,
    at,
  })
  assert.equal(readRequestId(Buffer.alloc(32, 8), id), null)
  for (const other of [sign(1, at), sign(4_294_967_295, at + 1000)]) {
    const forged = id.slice(0, id.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'))
    assert.equal(readRequestId(key, forged), null)
  }
  assert.equal(readRequestId(key, `${id}0`), null)
})
