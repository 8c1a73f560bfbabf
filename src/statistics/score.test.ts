import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fill, linear } from './linear.ts'
import { addMoment, beginMoments, deviation } from './moments.ts'
import { beginPairedScore, observePairedScore, pairedScore } from './paired-score.ts'
import { beginSplitScore, observeSplitScore, splitScore } from './split-score.ts'
import { near } from './testing/near.ts'
import type { Random } from './testing/random.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

const unit = (x: number) => Math.min(1, Math.max(0, x))

test('the bets agree with their reference numbers', () => {
  const table = linear(8)
  splitScore(table, { side: 'new', share: 0.5, tolerance: 0, mean: 0.2, sd: 0.15 })
  near(table.slopes[4], 1.245902)
  near(table.centres[4], 0.2375)
  pairedScore(table, 0.1, 0)
  near(table.slopes[4], 0.95)
  const moments = beginMoments()
  for (const x of [2, 4, 4, 4, 5, 5, 7, 9]) addMoment(moments, x)
  near(moments.mean, 5)
  near(deviation(moments), 2)
})

test('no score can lose a whole stake, and at the edge of the tolerance the expectation is one', () => {
  const [table, factors] = [linear(8), new Float64Array(8)]
  for (const share of [0.1, 0.5, 0.9])
    for (const mean of [0, 0.2, 1])
      for (const k of [0, 4, 7]) {
        const at = (side: 'new' | 'old', x: number) => {
          splitScore(table, { side, share, tolerance: 0.05, mean, sd: 0.3 })
          fill(factors, table, x)
          return factors[k]!
        }
        for (const x of [0, 1])
          for (const side of ['new', 'old'] as const) assert.ok(at(side, x) > 0)
        near(share * at('new', 0.45) + (1 - share) * at('old', 0.4), 1)
      }
})

test('equal scores, split and paired: at most 1 % of runs ever alarm', () => {
  for (const begin of [split(0, 0), split(0.05, 0.05), paired(0)]) {
    const { alarms } = simulate({ runs: 300, horizon: 3000, goal: 100, begin })
    assert.ok(alarms <= alarmsAtMost(300, 0.01), `${alarms} of 300`)
  }
})

test('scores worse by 0.02, 0.05 and 0.1 are found within 3100, 600 and 180 requests', () => {
  for (const [shift, most] of [
    [0.02, 3100],
    [0.05, 600],
    [0.1, 180],
  ] as const) {
    const { meanDelay } = simulate({ runs: 80, horizon: 20_000, goal: 100, begin: split(shift, 0) })
    assert.ok(meanDelay <= most, `${shift}: ${meanDelay}`)
  }
})

test('the same requests answered twice show 0.02 in a fifth of the answers', () => {
  const { meanDelay } = simulate({ runs: 80, horizon: 20_000, goal: 100, begin: paired(0.02) })
  assert.ok(meanDelay <= 600, `${meanDelay}`)
})

test('what is no score is refused, and the state stays as it was', () => {
  const [whole, pairs] = [beginSplitScore(0), beginPairedScore(0)]
  for (const x of [-0.1, 1.1, Number.NaN, Infinity]) {
    const before = structuredClone([whole, pairs])
    assert.throws(() => observeSplitScore(whole, { side: 'new', x, share: 0.5 }), RangeError)
    assert.throws(() => observePairedScore(pairs, x - (x < 0 ? 1 : 0)), RangeError)
    assert.deepEqual([whole, pairs], before)
  }
  assert.throws(() => beginSplitScore(Number.NaN), RangeError)
  assert.throws(() => beginPairedScore(1), RangeError)
})

function split(shift: number, tolerance: number) {
  return (): Step => {
    const state = beginSplitScore(tolerance)
    return (random) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      const x = unit(0.25 + 0.15 * random.normal() + (side === 'new' ? shift : 0))
      return observeSplitScore(state, { side, x, share: 0.5 })
    }
  }
}

function paired(shift: number) {
  return (): Step => {
    const state = beginPairedScore(0)
    return (random: Random) => {
      const hard = 0.25 + 0.1 * random.normal()
      const answer = () => hard + 0.08 * random.normal()
      return observePairedScore(state, unit(answer() + shift) - unit(answer()))
    }
  }
}
