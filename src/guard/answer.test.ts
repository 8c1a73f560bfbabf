import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerOf, cellOf, cellWidth, readCell } from './answer.ts'
import type { Raw } from './answer.ts'

const raw = (change: Partial<Raw>): Raw => ({
  outcome: 'ok',
  replica: 'a',
  firstByteMs: 10,
  totalMs: 20,
  ...change,
})

test('an answer that was written in line is read as it was, its times to a thousandth', () => {
  const instances: string[] = []
  fc.assert(
    fc.property(
      fc.constantFrom('ok', 'error-status', 'deadline', 'client-gone', 'void'),
      fc.string(),
      fc.double({ min: 0.02, max: 1e7, noNaN: true }),
      (outcome, replica, totalMs) => {
        const answer = answerOf(raw({ outcome, replica, totalMs }))
        const cell = cellOf(answer, instances)
        assert.equal(cell.length, cellWidth)
        const back = readCell(JSON.parse(JSON.stringify(cell)) as string, instances)
        assert.deepEqual([back.outcome, back.instance], [answer.outcome, answer.instance])
        for (const key of ['firstByteMs', 'totalMs'] as const) {
          const [was, is] = [answer[key], back[key]]
          if (was === null || was === Infinity) assert.equal(is, was)
          else assert.ok(Math.abs(is! / was - 1) < 0.001, `${was} → ${is}`)
        }
      },
    ),
    { seed: 1 },
  )
})

test('times that are none say nothing, and are never taken for fast ones', () => {
  for (const ms of [Number.NaN, -1, -Infinity]) {
    const answer = answerOf(raw({ firstByteMs: ms, totalMs: ms }))
    assert.deepEqual([answer.firstByteMs, answer.totalMs], [null, null])
    assert.equal(readCell(cellOf(answer, []), ['a']).totalMs, null)
  }
  assert.equal(answerOf(raw({ totalMs: Infinity })).totalMs, Infinity)
})

test('an error that comes fast is not a fast answer, one past its deadline is slower than everything', () => {
  assert.equal(answerOf(raw({ outcome: 'error-status', totalMs: 1 })).totalMs, null)
  assert.equal(answerOf(raw({ outcome: 'deadline', totalMs: 60_000 })).totalMs, Infinity)
})

test('a client that hung up waited at least so long', () => {
  const gone = answerOf(raw({ outcome: 'client-gone', firstByteMs: 0, totalMs: 9000 }))
  assert.deepEqual([gone.outcome, gone.firstByteMs, gone.totalMs], ['gone', 9000, 9000])
})

test('what was lost in line, and text that is no cell, is void', () => {
  for (const cell of ['v   ', '', 'x']) assert.equal(readCell(cell, []).outcome, 'void')
})

test('more instances than there are places share the last one, and none is lost', () => {
  const instances = Array.from({ length: 20_000 }, (_, place) => `i${place}`)
  const cell = cellOf(answerOf(raw({ replica: 'one more' })), instances)
  assert.equal(instances.length, 20_000)
  assert.equal(readCell(cell, instances).instance, 'i19999')
})
