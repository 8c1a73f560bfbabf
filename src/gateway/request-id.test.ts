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
  const id = sign(4_294_967_295, at, 0)
  assert.deepEqual(readRequestId(key, id), {
    run: 'run',
    service: 's',
    release: 'r-v1',
    version: 'v1',
    environment: 'blue',
    generation: 42,
    seq: 4_294_967_295,
    at,
    client: 0,
  })
  assert.equal(readRequestId(Buffer.alloc(32, 8), id), null)
  for (const other of [sign(1, at, 0), sign(4_294_967_295, at + 1000, 0)]) {
    const forged = id.slice(0, id.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'))
    assert.equal(readRequestId(key, forged), null)
  }
  assert.equal(readRequestId(key, `${id}0`), null)
})

test('where a client was drawn, its id says which, to Beryl alone, and cannot be made to say another', () => {
  const at = Date.UTC(2026, 5, 1)
  const [client, seq] = [0xdeadbeef, 7]
  const id = sign(seq, at, client)
  assert.deepEqual(
    [readRequestId(key, id)?.client, readRequestId(key, id)?.seq, readRequestId(key, id)?.at],
    [client, seq, at],
  )
  const part = (of: string, index: number) => of.split('.')[index]!
  const hidden = part(id, 3)
  assert.notEqual(Number.parseInt(hidden, 36), client)
  assert.notEqual(hidden, part(sign(seq + 1, at, client), 3), 'two ids of one client look alike')
  const withPart = (index: number, text: string) => id.split('.').with(index, text).join('.')
  const forged = [
    withPart(1, 'z'),
    withPart(2, part(sign(seq, at + 1000, client), 2)),
    ...Array.from({ length: 32 }, (_, bit) =>
      withPart(3, ((Number.parseInt(hidden, 36) ^ (1 << bit)) >>> 0).toString(36)),
    ),
    withPart(4, part(sign(seq, at, client + 1), 4)),
    id.split('.').toSpliced(3, 1).join('.'),
    sign(seq, at, 0).split('.').toSpliced(3, 0, hidden).join('.'),
  ]
  for (const one of forged) assert.equal(readRequestId(key, one), null, one)
})
