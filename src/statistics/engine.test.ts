import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginWealth, bet, copyWealth, progress, wealthOf } from './engine.ts'
import { fractions, mixture, oddsRatios } from './mixture.ts'
import { oneSample } from './one-sample.ts'
import { seeded } from './testing/random.ts'

test('the weights of every mixture sum to one', () => {
  for (const { weights } of [oddsRatios, fractions])
    assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-12)
})

test('wealth is the stake times the factors, plus the same for each later beginning', () => {
  const one = mixture({ effects: [1], later: 0.5 })
  const wealth = beginWealth(one)
  for (const factor of [2, 0.5, 4]) bet(wealth, one, [factor])
  const left = (t: number) => 2000 / (2000 + t)
  const early = 2 * 0.5 * 4
  const late = (1 - left(1)) * 2 * 0.5 * 4 + (left(1) - left(2)) * 0.5 * 4 + (left(2) - left(3)) * 4
  assert.ok(Math.abs(wealthOf(wealth, one) - 0.5 * early - 0.5 * (late + left(3))) < 1e-12)
  assert.ok(Math.abs(wealthOf(wealth, one) - 2.501747) < 1e-6)
})

test('factors of one leave the wealth at one, however long', () => {
  const wealth = beginWealth(oddsRatios)
  const ones = oddsRatios.effects.map(() => 1)
  let last = 0
  for (let t = 0; t < 10_000; t++) last = bet(wealth, oddsRatios, ones)
  assert.ok(Math.abs(last - 1) < 1e-9)
})

test('a factor that is no number, infinite or negative is refused and changes nothing', () => {
  for (const broken of [Number.NaN, Infinity, -0.1, undefined as unknown as number]) {
    const wealth = beginWealth(oddsRatios)
    const before = copyWealth(wealth)
    assert.throws(() => bet(wealth, oddsRatios, [1, 1, 1, 1, 1, 1, 1, broken]), RangeError)
    assert.deepEqual(wealth, before)
  }
})

test('capped wealth stays finite and JSON after a million good answers', () => {
  const wealth = beginWealth(fractions)
  for (let t = 0; t < 1_000_000; t++) bet(wealth, fractions, [1, 1, 1, 1, 1, 1, 1, 1.01])
  assert.equal(Math.round(wealthOf(wealth, fractions)), fractions.cap)
  assert.deepEqual(JSON.parse(JSON.stringify(wealth)), wealth)
})

test('the later beginnings find what goes bad after a long good time', () => {
  const { good, bad } = oneSample(0.01)
  const plain = { ...oddsRatios, later: 0 }
  const until = (of: typeof oddsRatios) => {
    const random = seeded(7)
    const wealth = beginWealth(of)
    for (let t = 0; t < 20_000; t++) bet(wealth, of, random.chance(0.005) ? bad : good)
    let delay = 0
    while (delay < 20_000 && bet(wealth, of, random.chance(0.1) ? bad : good) < 100) delay++
    return delay
  }
  const [late, early] = [until(oddsRatios), until(plain)]
  assert.ok(late < 300, `found after ${late}`)
  assert.ok(early > 2 * late, `without later beginnings after ${early}`)
})

test('progress is the way to the goal on the log scale', () => {
  assert.equal(progress(0.5, 100), 0)
  assert.ok(Math.abs(progress(10, 100) - 0.5) < 1e-12)
  assert.equal(progress(1000, 100), 1)
})
