import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baselineOf } from './baseline.ts'

const rules = {
  falseRollbackRisk: 0.01,
  badPromotionRisk: 0.05,
  errors: { margin: 0.01, atMost: 0.03 },
}

test('without an old version, both rates are what the manifest accepts', () => {
  const { worse, limit, against, rollbackRisk } = baselineOf(rules, null)
  assert.deepEqual([worse, limit, rollbackRisk], [0.03, 0.03, 0.01])
  assert.match(against, /3 % that the manifest accepts \(no old version/)
})

test('a history too short to compare with says so, and an old version that failed raises the rate', () => {
  assert.match(baselineOf(rules, { bad: 0, total: 29 }).against, /only 29 answers/)
  assert.equal(baselineOf(rules, { bad: 0, total: 29 }).worse, 0.03)
  assert.ok(Math.abs(baselineOf(rules, { bad: 10, total: 20 }).worse - 0.75) < 1e-12)
})

test('worse is one and a half times what the old rate could be, or two errors in a thousand above it', () => {
  const { worse, limit, rollbackRisk } = baselineOf(rules, { bad: 100, total: 10_000 })
  assert.ok(worse > 1.5 * 0.01 && worse < 1.5 * 0.013, `${worse}`)
  assert.ok(limit > 0.01 && limit < 0.02, `${limit}`)
  assert.ok(Math.abs(rollbackRisk - 0.005) < 1e-12)
  const clean = baselineOf(rules, { bad: 0, total: 1_000_000 })
  assert.ok(clean.worse > 0.002 && clean.worse < 0.0021)
  assert.equal(clean.limit, 0.01)
})

test('the longer the history, the closer the rates are to it', () => {
  const [short, long] = [100, 10_000].map((total) => baselineOf(rules, { bad: total / 100, total }))
  assert.ok(short!.worse > long!.worse && short!.limit < long!.limit)
})

test('every rate can be bet on, whatever the history', () => {
  for (const [bad, total] of [
    [0, 1e9],
    [30, 30],
    [1e9, 1e9],
    [0, 30],
  ] as const) {
    const { worse, limit } = baselineOf(rules, { bad, total })
    for (const rate of [worse, limit]) assert.ok(rate > 0 && rate < 1, `${rate}`)
  }
  const extreme = { falseRollbackRisk: 0, badPromotionRisk: 1, errors: { margin: 0, atMost: 1 } }
  const { rollbackRisk, promotionRisk, limit } = baselineOf(extreme, null)
  assert.deepEqual([rollbackRisk, promotionRisk, limit], [1e-12, 0.5, 0.95])
})
