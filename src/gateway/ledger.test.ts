import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Observation } from './control.ts'
import { openLedger } from './ledger.ts'
import { openNotebook } from './notebook.ts'
import type { Batch, Subject } from './notebook.ts'

const subject = (replica: string): Subject => ({
  service: 's',
  environment: 'blue',
  version: 'v1',
  release: 'r1',
  replica,
  generation: 7,
})
const seen = (seq: number, outcome: Observation['outcome'] = 'ok') => ({
  seq,
  at: 1_700_000_000_000 + seq,
  outcome,
  status: 200,
  firstByteMs: 1.25,
  totalMs: 2.5,
})

/** Batches of a notebook that was given these many observations. */
function batchesOf(count: number, from = 0): Batch[] {
  const batches: Batch[] = []
  const notebook = openNotebook((batch) => {
    batches.push(structuredClone(batch))
    notebook.taken(batch.count)
  })
  const key = {}
  for (let seq = from; seq < from + count; seq++)
    notebook.add(key, subject(`r${seq % 2}`), seen(seq))
  return batches
}

test('an observation comes out as it went in, through numbers and a thread', () => {
  const batches: Batch[] = []
  const notebook = openNotebook((batch) => void batches.push(structuredClone(batch)))
  const key = {}
  for (let seq = 0; seq < 512; seq++)
    notebook.add(key, subject(`r${seq % 3}`), seen(seq, seq % 5 === 0 ? 'cut' : 'ok'))
  const ledger = openLedger('run')
  for (const batch of batches) ledger.add(batch)
  const { items } = ledger.read('run', 0)
  assert.equal(items.length, 512)
  assert.deepEqual(items[10], { ...subject('r1'), ...seen(10, 'cut') })
})

test('each is read once: what was acknowledged is forgotten, and asking again without it answers the same', () => {
  const ledger = openLedger('run')
  for (const batch of batchesOf(5120)) ledger.add(batch)
  const first = ledger.read('run', 0)
  assert.equal(first.items.length, 2000)
  assert.deepEqual(ledger.read('run', 0).items, first.items)
  const numbers: number[] = first.items.map(({ seq }) => seq)
  let { next } = first
  for (;;) {
    const more = ledger.read('run', next)
    if (more.items.length === 0) break
    numbers.push(...more.items.map(({ seq }) => seq))
    next = more.next
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: 5120 }, (_, seq) => seq),
  )
})

test('a number of another run acknowledges nothing', () => {
  const ledger = openLedger('run')
  for (const batch of batchesOf(512)) ledger.add(batch)
  assert.equal(ledger.read('an older run', 500).items[0]!.seq, 0)
})

test('when nobody reads, the oldest go as gaps that are counted, and memory stays bounded', () => {
  const ledger = openLedger('run')
  const total = 512 * 300
  for (const batch of batchesOf(total)) ledger.add(batch)
  const { items, gaps, next } = ledger.read('run', 0)
  const lost = gaps[0]!.count
  assert.ok(lost > 0 && total - lost <= 100_000)
  assert.equal(items[0]!.seq, lost)
  assert.equal(next, lost + items.length)
})

test('what comes while main is far behind is dropped and counted, and taken again once main has caught up', () => {
  const batches: Batch[] = []
  const notebook = openNotebook((batch) => void batches.push(structuredClone(batch)))
  const key = {}
  for (let seq = 0; seq < 30_000; seq++) notebook.add(key, subject('r'), seen(seq))
  const handed = batches.reduce((sum, { count }) => sum + count, 0)
  assert.ok(handed > 20_000 && handed < 21_000)
  notebook.taken(handed)
  for (let seq = 0; seq < 512; seq++) notebook.add(key, subject('r'), seen(seq))
  assert.equal(batches.at(-1)!.dropped[0]!.count, 30_000 - handed)
})
