import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fractions, oddsRatios } from './mixture.ts'
import { oneSampleBelow } from './one-sample-below.ts'
import { oneSample } from './one-sample.ts'

const near = (value: number | undefined, reference: number) =>
  assert.ok(Math.abs(value! - reference) < 1e-5, `${value} is not ${reference}`)

test('the factors agree with their reference numbers', () => {
  near(oneSample(0.03).bad[7], 31.788077)
  near(oneSample(0.03).good[7], 0.047791)
  near(oneSampleBelow(0.01).good[7], 1.009596)
  near(oneSampleBelow(0.01).bad[7], 0.05)
})

test('at the fixed rate every factor has expectation one, and less on the null side of it', () => {
  for (const rate of [0.0005, 0.01, 0.3, 0.95]) {
    const [up, down] = [oneSample(rate), oneSampleBelow(rate)]
    const mean = (of: typeof up, k: number, p: number) => p * of.bad[k]! + (1 - p) * of.good[k]!
    for (const k of oddsRatios.effects.keys()) {
      near(mean(up, k, rate), 1)
      assert.ok(mean(up, k, rate / 2) < 1)
    }
    for (const k of fractions.effects.keys()) {
      near(mean(down, k, rate), 1)
      assert.ok(mean(down, k, (1 + rate) / 2) < 1)
    }
  }
})

test('a rate that is none is refused', () => {
  for (const broken of [0, 1, -1, Number.NaN, Infinity]) {
    assert.throws(() => oneSample(broken), RangeError)
    assert.throws(() => oneSampleBelow(broken), RangeError)
  }
})
