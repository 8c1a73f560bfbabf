import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginWealth, bet, wealthOf } from './engine.ts'
import { fractions, oddsRatios } from './mixture.ts'
import { nonInferiorPaired } from './non-inferior-paired.ts'
import { pairedBinary } from './paired-binary.ts'
import { worseByAtLeast, worseByAtMost } from './paired-bound.ts'
import { near } from './testing/near.ts'
import { seeded } from './testing/random.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

test('the factors agree with their reference numbers', () => {
  near(pairedBinary(0).newOnly[5], 1.861723)
  near(pairedBinary(0).oldOnly[5], 0.138277)
  assert.deepEqual(pairedBinary(0).same, Array(8).fill(1))
  const { newOnly, same, oldOnly } = nonInferiorPaired(0.01)
  near(newOnly[7], 0.05)
  near(same[7], 1.009596)
  near(oldOnly[7], 1.969192)
})

test('at the edge of the tolerance, and of the margin, the expectation is one', () => {
  const mean = (of: ReturnType<typeof pairedBinary>, k: number, b: number, c: number) =>
    b * of.newOnly[k]! + c * of.oldOnly[k]! + (1 - b - c) * of.same[k]!
  for (const k of oddsRatios.effects.keys()) {
    near(mean(pairedBinary(0), k, 0.3, 0.3), 1)
    near(mean(pairedBinary(0.02), k, 0.05, 0.03), 1)
    near(mean(nonInferiorPaired(0.02), k, 0.05, 0.03), 1)
  }
})

test('equal versions, and ones at the edge of the tolerance: at most 1 % of runs ever alarm', () => {
  for (const [newOnly, oldOnly, tolerance] of [
    [0.04, 0.04, 0],
    [0.005, 0.005, 0],
    [0.03, 0.02, 0.01],
  ] as const) {
    const { alarms } = simulate({
      runs: 400,
      horizon: 3000,
      goal: 100,
      begin: paired(newOnly, oldOnly, tolerance),
    })
    assert.ok(alarms <= alarmsAtMost(400, 0.01), `${alarms} of 400`)
  }
})

test('2 % (half shared), 5, 10 and 100 % errors after 1 % are found within 2450, 370, 145 and 12 pairs', () => {
  for (const [newOnly, oldOnly, most, runs] of [
    [0.015, 0.005, 2450, 100],
    [0.045, 0.005, 370, 200],
    [0.095, 0.005, 145, 200],
    [0.99, 0, 12, 200],
  ] as const) {
    const { meanDelay } = simulate({
      runs,
      horizon: 30_000,
      goal: 100,
      begin: paired(newOnly, oldOnly, 0),
    })
    assert.ok(meanDelay <= most, `${newOnly}: ${meanDelay}`)
  }
})

test('equal versions at 1 %, half of it shared, are promoted within 1400 pairs; at the margin at most 5 % are', () => {
  const { meanDelay } = simulate({
    runs: 100,
    horizon: 20_000,
    goal: 20,
    begin: promoted(0.005, 0.005),
  })
  assert.ok(meanDelay <= 1400, `${meanDelay}`)
  const { alarms } = simulate({ runs: 200, horizon: 5000, goal: 20, begin: promoted(0.015, 0.005) })
  assert.ok(alarms <= alarmsAtMost(200, 0.05), `${alarms} of 200`)
})

test('the bound is the tolerance that is just refuted, and agrees with the wealth at none', () => {
  const pairs = { newOnly: 40, oldOnly: 10, total: 1000 }
  const bound = worseByAtLeast(pairs, 0.01)
  near(bound, 0.006963)
  const plain = { ...oddsRatios, later: 0 }
  const wealthAt = (tolerance: number) => {
    const wealth = beginWealth(plain)
    const { newOnly, same, oldOnly } = pairedBinary(tolerance)
    for (let k = 0; k < 40; k++) bet(wealth, plain, newOnly)
    for (let k = 0; k < 10; k++) bet(wealth, plain, oldOnly)
    for (let k = 0; k < 950; k++) bet(wealth, plain, same)
    return wealthOf(wealth, plain)
  }
  assert.ok(wealthAt(bound - 1e-6) >= 100 && wealthAt(bound + 1e-6) < 100)
})

test('nothing seen bounds nothing; pairs that do not fit and tolerances that are none are refused', () => {
  near(worseByAtLeast({ newOnly: 0, oldOnly: 0, total: 0 }, 0.01), -1)
  assert.ok(worseByAtLeast({ newOnly: 1000, oldOnly: 0, total: 1000 }, 0.01) > 0.95)
  assert.throws(() => worseByAtLeast({ newOnly: 2, oldOnly: 2, total: 3 }, 0.01), RangeError)
  assert.throws(() => worseByAtLeast({ newOnly: 2, oldOnly: 2, total: 30 }, Number.NaN), RangeError)
  assert.throws(() => pairedBinary(Number.NaN), RangeError)
  assert.throws(() => nonInferiorPaired(-0.01), RangeError)
})

function paired(newOnlyRate: number, oldOnlyRate: number, tolerance: number) {
  return (): Step => {
    const wealth = beginWealth(oddsRatios)
    const { newOnly, same, oldOnly } = pairedBinary(tolerance)
    return (random) => {
      const x = random.uniform()
      const factors = x < newOnlyRate ? newOnly : x < newOnlyRate + oldOnlyRate ? oldOnly : same
      return bet(wealth, oddsRatios, factors)
    }
  }
}

function promoted(newOnlyRate: number, oldOnlyRate: number) {
  return (): Step => {
    const wealth = beginWealth(fractions)
    const { newOnly, same, oldOnly } = nonInferiorPaired(0.01)
    return (random) => {
      const x = random.uniform()
      const factors = x < newOnlyRate ? newOnly : x < newOnlyRate + oldOnlyRate ? oldOnly : same
      return bet(wealth, fractions, factors)
    }
  }
}

test('an upper bound from three counts: the reference, what is known of nothing, and how often it is wrong', () => {
  near(worseByAtMost({ newOnly: 0, oldOnly: 0, total: 1000 }, 0.05), 0.004801)
  near(worseByAtMost({ newOnly: 0, oldOnly: 0, total: 0 }, 0.05), 1)
  assert.ok(worseByAtMost({ newOnly: 0, oldOnly: 1000, total: 1000 }, 0.01) < -0.9)
  assert.throws(() => worseByAtMost({ newOnly: 2, oldOnly: 2, total: 3 }, 0.01), RangeError)
  const runs = 300
  let wrong = 0
  for (let run = 0; run < runs; run++) {
    const random = seeded(run)
    const pairs = { newOnly: 0, oldOnly: 0, total: 0 }
    let below = false
    for (let t = 1; t <= 400; t++) {
      pairs.total++
      const drawn = random.uniform()
      if (drawn < 0.1) pairs.newOnly++
      else if (drawn < 0.15) pairs.oldOnly++
      // Looked at again and again: it holds all the same.
      if (t % 20 === 0) below ||= worseByAtMost(pairs, 0.05) < 0.05
    }
    if (below) wrong++
  }
  assert.ok(wrong <= alarmsAtMost(runs, 0.05), `${wrong} of ${runs}`)
})
