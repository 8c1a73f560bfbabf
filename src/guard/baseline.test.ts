import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baselineOf } from './baseline.ts'

const rules = { name: 'errors', tolerance: 0.002, margin: 0.01, atMost: 0.03 }
const risks = { rollback: 0.005, promotion: 0.025 }

test('without an old version, both rates are what the manifest accepts', () => {
  const { design, worse, limit, against } = baselineOf(rules, null, risks)
  assert.deepEqual([design, worse, limit], ['one-sample', 0.03, 0.03])
  assert.match(against, /3 % that the manifest accepts \(no old version/)
})

test('a history too short to compare with says so, and an old version that failed raises the rate', () => {
  assert.match(baselineOf(rules, { bad: 0, total: 29 }, risks).against, /only 29 answers/)
  assert.equal(baselineOf(rules, { bad: 0, total: 29 }, risks).worse, 0.03)
  assert.ok(Math.abs(baselineOf(rules, { bad: 10, total: 20 }, risks).worse - 0.75) < 1e-12)
})

test('worse is one and a half times what the old rate could be, or two errors in a thousand above it', () => {
  const { worse, limit } = baselineOf(rules, { bad: 100, total: 10_000 }, risks)
  assert.ok(worse > 1.5 * 0.01 && worse < 1.5 * 0.013, `${worse}`)
  assert.ok(limit > 0.01 && limit < 0.02, `${limit}`)
  const clean = baselineOf(rules, { bad: 0, total: 1_000_000 }, risks)
  assert.ok(clean.worse > 0.002 && clean.worse < 0.0021)
  assert.equal(clean.limit, 0.01)
})

test('the longer the history, the closer the rates are to it', () => {
  const [short, long] = [100, 10_000].map((total) =>
    baselineOf(rules, { bad: total / 100, total }, risks),
  )
  assert.ok(short!.worse > long!.worse && short!.limit < long!.limit)
})

test('every rate can be bet on, whatever the history', () => {
  for (const [bad, total] of [
    [0, 1e9],
    [30, 30],
    [1e9, 1e9],
    [0, 30],
  ] as const) {
    const { worse, limit } = baselineOf(rules, { bad, total }, risks)
    for (const rate of [worse, limit]) assert.ok(rate > 0 && rate < 1, `${rate}`)
  }
  const extreme = baselineOf({ ...rules, tolerance: 0, margin: 0, atMost: 1 }, null, risks)
  assert.deepEqual([extreme.worse, extreme.limit], [0.95, 0.95])
  assert.throws(() => baselineOf(rules, { bad: 3, total: 2 }, risks), /it is 3 of 2/)
})
