import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Observation } from './control.ts'
import { openLedger } from './ledger.ts'
import { openNotebook } from './notebook.ts'
import type { Batch, Subject } from './notebook.ts'
import { makeShared, openShared } from './shared.ts'

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
  client: 4_000_000_000,
})

/** Batches of a notebook that was given these many observations. */
function batchesOf(count: number, from = 0): Batch[] {
  const batches: Batch[] = []
  const notebook = openNotebook(
    (batch) => {
      batches.push(structuredClone(batch))
      notebook.taken(batch.count)
    },
    openShared(makeShared(1)),
  )
  const key = {}
  for (let seq = from; seq < from + count; seq++)
    notebook.add(key, subject(`r${seq % 2}`), seen(seq))
  return batches
}

test('an observation comes out as it went in, through numbers and a thread', () => {
  const batches: Batch[] = []
  const shared = openShared(makeShared(1))
  const notebook = openNotebook((batch) => void batches.push(structuredClone(batch)), shared)
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

/** What a worker does for each request: asked at its claim, noted at its end. */
function noteAll(notebook: ReturnType<typeof openNotebook>, from: number, to: number): number[] {
  const key = {}
  const noted: number[] = []
  for (let seq = from; seq < to; seq++) {
    if (!notebook.notes('s', 0, seq)) continue
    notebook.add(key, subject('r'), seen(seq))
    noted.push(seq)
  }
  return noted
}

test('while main is far behind whole ranges of numbers are left out, for all workers alike, and said', () => {
  const shared = openShared(makeShared(2))
  const batches: Batch[] = []
  const notebook = openNotebook((batch) => void batches.push(structuredClone(batch)), shared)
  const noted = noteAll(notebook, 0, 30_000)
  assert.ok(noted.length > 20_000 && noted.length < 21_100)
  const other = openNotebook(() => {}, shared)
  const inRange = noted.at(-1)! + 1
  assert.equal(other.notes('s', 0, 29_999), false, 'the other worker leaves the same range out')
  assert.equal(other.notes('another', 1, inRange), true, 'another service is not concerned')
  notebook.taken(noted.length)
  assert.deepEqual(noteAll(notebook, 30_000, 30_720), [], 'to the end of the range')
  assert.equal(noteAll(notebook, 30_720, 31_744).length, 1024)
  const gaps = batches.flatMap((batch) => batch.gaps)
  assert.equal(gaps[0]!.from, inRange)
  const missing = gaps.reduce((sum, { from, to }) => sum + to - from, 0)
  assert.equal(missing, 30_720 - noted.length)
})

test('workers are told to leave ranges out long before the oldest must go, until somebody has read', () => {
  const said: boolean[] = []
  const ledger = openLedger('run', (isFull) => void said.push(isFull))
  for (const batch of batchesOf(90_112)) ledger.add(batch)
  assert.deepEqual(said, [true])
  ledger.read('run', 20_000)
  assert.deepEqual(said, [true])
  ledger.read('run', 40_000)
  assert.deepEqual(said, [true, false])
  assert.deepEqual(ledger.read('run', 40_000).gaps, [])
})

test('a gap is told with its range, once', () => {
  const ledger = openLedger('run')
  const gap = { service: 's', from: 4_294_967_000, to: 1024 }
  ledger.add({ subjects: [], numbers: new Float64Array(0), count: 0, gaps: [gap] })
  assert.deepEqual(ledger.read('run', 0).gaps, [{ ...gap, count: 1320 }])
  assert.deepEqual(ledger.read('run', 0).gaps, [])
})
