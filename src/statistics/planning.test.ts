import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginWealth, bet, wealthOf } from './engine.ts'
import { fractions } from './mixture.ts'
import { oneSampleBelow } from './one-sample-below.ts'
import { answersUntil, growthOf } from './planning.ts'

const factors = oneSampleBelow(0.01)
const fresh = (rate: number, goal = 20) => ({
  wealth: beginWealth(fractions),
  mixture: fractions,
  growth: growthOf([
    { factors: factors.good, share: 1 - rate },
    { factors: factors.bad, share: rate },
  ]),
  goal,
})

test('without errors the count is exact: that many good answers reach the goal, one less does not', () => {
  const count = answersUntil(fresh(0))
  assert.equal(count, 479)
  const wealth = beginWealth(fractions)
  for (let t = 1; t < count; t++) bet(wealth, fractions, factors.good)
  assert.ok(wealthOf(wealth, fractions) < 20)
  assert.ok(bet(wealth, fractions, factors.good) >= 20)
})

test('errors make it longer, and at the limit it never ends', () => {
  assert.ok(answersUntil(fresh(0.004)) > 900)
  assert.equal(answersUntil(fresh(0.01)), Infinity)
  assert.equal(answersUntil(fresh(1)), Infinity)
})

test('enough is enough: nothing is missing', () => {
  assert.equal(answersUntil(fresh(0, 1)), 0)
})
