import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oddsRatios } from './mixture.ts'
import { fill, linear } from './linear.ts'
import {
  beginTolerantSplit,
  observeTolerantSplit,
  tolerantSplit,
} from './split-binary-tolerance.ts'
import { beginSplitBinary, observeSplitBinary, splitBinary } from './split-binary.ts'
import type { SplitBinary } from './split-binary.ts'
import { splitEvents } from './split-events.ts'
import { near } from './testing/near.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

const factors = new Float64Array(8)
const at = (side: 'new' | 'old', bad: boolean, oldRate = 0.01, share = 0.5) => {
  splitBinary(factors, { side, bad, share, oldRate })
  return [...factors]
}

test('the factors agree with their reference numbers', () => {
  near(at('new', true)[4], 1.679463)
  near(at('new', false)[4], 0.97812)
  near(at('old', true)[4], 0.320537)
  near(at('old', false)[4], 1.02188)
  near(splitEvents(0.5, 1).new[4], 1.691069)
  near(splitEvents(0.5, 1).old[4], 0.308931)
  const table = linear(8)
  tolerantSplit(table, { side: 'new', share: 0.5, tolerance: 0.002, oldRate: 0.01 })
  near(table.slopes[4], 0.689675)
  near(table.centres[4], 0.032198)
})

test('at equal rates the expectation is one, whatever the guess of the rate; below it is less', () => {
  for (const [guess, share] of [
    [0.01, 0.5],
    [0.2, 0.1],
    [1e-12, 0.9],
  ] as const)
    for (const rate of [0, 0.003, 0.5, 1])
      for (const k of oddsRatios.effects.keys()) {
        const side = (who: 'new' | 'old', p: number) =>
          p * at(who, true, guess, share)[k]! + (1 - p) * at(who, false, guess, share)[k]!
        near(share * side('new', rate) + (1 - share) * side('old', rate), 1)
        assert.ok(share * side('new', rate / 2) + (1 - share) * side('old', rate) <= 1 + 1e-12)
      }
})

test('with a tolerance the expectation is one at its edge, and the guesses inside of it do not bet', () => {
  const table = linear(8)
  const mean = (side: 'new' | 'old', rate: number, k: number) => {
    tolerantSplit(table, { side, share: 0.3, tolerance: 0.01, oldRate: 0.02 })
    fill(factors, table, 1)
    const bad = factors[k]!
    fill(factors, table, 0)
    assert.ok(bad >= 0 && factors[k]! >= 0)
    return rate * bad + (1 - rate) * factors[k]!
  }
  for (const rate of [0.001, 0.02, 0.6])
    for (const k of oddsRatios.effects.keys())
      near(0.3 * mean('new', rate + 0.01, k) + 0.7 * mean('old', rate, k), 1)
  assert.deepEqual([mean('new', 0.5, 0), mean('new', 0.5, 1)], [1, 1])
})

test('a share of none or of all is refused', () => {
  for (const share of [0, 1, -1, Number.NaN]) {
    assert.throws(
      () => at('new', true, 0.01, share),
      /share of the traffic must lie between 0 and 1/,
    )
    assert.throws(() => splitEvents(share, 1), RangeError)
  }
  assert.throws(() => splitEvents(0.5, 0), RangeError)
  assert.throws(() => beginTolerantSplit(-1), RangeError)
})

test('equal versions: at most 1 % of runs ever alarm, at any rate and share, with wrong history too', () => {
  for (const [rate, share, history] of [
    [0.01, 0.5, { bad: 10, total: 1000 }],
    [0.2, 0.5, { bad: 1, total: 1000 }],
    [0.01, 0.1, { bad: 50, total: 1000 }],
  ] as const) {
    const { alarms } = simulate({
      runs: 300,
      horizon: 3000,
      goal: 100,
      begin: split(rate, rate, share, history),
    })
    assert.ok(alarms <= alarmsAtMost(300, 0.01), `${alarms} of 300 at ${rate}, ${share}`)
  }
})

test('a base rate that swings and bursts in both versions alike does not alarm', () => {
  const wave = (t: number) => 0.05 * (1 + 0.9 * Math.sin(t / 100)) + (t % 500 < 20 ? 0.3 : 0)
  const begin = () => {
    const state = beginSplitBinary()
    return (random: Parameters<Step>[0], t: number) =>
      observeSplitBinary(state, {
        side: random.chance(0.5) ? 'new' : 'old',
        bad: random.chance(wave(t)),
        share: 0.5,
      })
  }
  const { alarms } = simulate({ runs: 300, horizon: 3000, goal: 100, begin })
  assert.ok(alarms <= alarmsAtMost(300, 0.01), `${alarms} of 300`)
})

test('1 % → 5, 10, 30 and 100 % errors is found within 950, 330, 80 and 15 requests on average', () => {
  for (const [rate, most] of [
    [0.05, 950],
    [0.1, 330],
    [0.3, 80],
    [1, 15],
  ] as const) {
    const begin = split(0.01, rate, 0.5, { bad: 10, total: 1000 })
    const { meanDelay } = simulate({ runs: 150, horizon: 20_000, goal: 100, begin })
    assert.ok(meanDelay <= most, `${rate}: ${meanDelay}`)
  }
})

test('at the edge of its tolerance at most 1 % of runs alarm, and beyond it they do', () => {
  const begin = (rate: number) => () => {
    const state = beginTolerantSplit(0.01, { bad: 20, total: 2000 })
    return (random: Parameters<Step>[0]) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      return observeTolerantSplit(state, {
        side,
        bad: random.chance(side === 'new' ? rate : 0.01),
        share: 0.5,
      })
    }
  }
  const { alarms } = simulate({ runs: 300, horizon: 3000, goal: 100, begin: begin(0.02) })
  assert.ok(alarms <= alarmsAtMost(300, 0.01), `${alarms} of 300`)
  const { meanDelay } = simulate({ runs: 50, horizon: 20_000, goal: 100, begin: begin(0.1) })
  assert.ok(meanDelay <= 500, `${meanDelay}`)
})

test('saved and read again at every step, the wealth is the same', () => {
  let saved = beginSplitBinary()
  const whole = beginSplitBinary()
  for (let t = 0; t < 200; t++) {
    const one = { side: t % 3 === 0 ? 'new' : 'old', bad: t % 7 === 0, share: 0.4 } as const
    saved = JSON.parse(JSON.stringify(saved)) as SplitBinary
    assert.equal(observeSplitBinary(saved, one), observeSplitBinary(whole, one))
  }
})

function split(
  oldRate: number,
  newRate: number,
  share: number,
  history: { bad: number; total: number },
) {
  return (): Step => {
    const state = beginSplitBinary(history)
    return (random) => {
      const side = random.chance(share) ? 'new' : 'old'
      return observeSplitBinary(state, {
        side,
        bad: random.chance(side === 'new' ? newRate : oldRate),
        share,
      })
    }
  }
}
