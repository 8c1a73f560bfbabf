import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fill, linear } from './linear.ts'
import {
  beginNonInferiorSplit,
  nonInferiorSplit,
  observeNonInferiorSplit,
} from './non-inferior-split.ts'
import { near } from './testing/near.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

const factors = new Float64Array(8)
const at = (side: 'new' | 'old', x: number, oldMean = 0.01, share = 0.5) => {
  const table = linear(8)
  nonInferiorSplit(table, { side, share, margin: 0.01, oldMean })
  fill(factors, table, x)
  return [...factors]
}

test('the factors agree with their reference numbers', () => {
  near(at('new', 0)[7], 1.014467)
  near(at('new', 1)[7], 0.05)
  near(at('old', 0)[7], 0.995178)
  near(at('old', 1)[7], 1.959645)
})

test('no stake is ever lost whole, and at the margin the expectation is one, whatever the guess', () => {
  for (const oldMean of [0, 0.005, 0.3, 1])
    for (const share of [0.05, 0.5, 0.95])
      for (const k of [0, 3, 7]) {
        for (const x of [0, 1])
          for (const side of ['new', 'old'] as const) assert.ok(at(side, x, oldMean, share)[k]! > 0)
        near(
          share * at('new', 0.31, oldMean, share)[k]! +
            (1 - share) * at('old', 0.3, oldMean, share)[k]!,
          1,
        )
      }
})

test('an equal version at 1 % is promoted within 4300 requests, one that is worse by the margin in at most 5 % of runs', () => {
  const { meanDelay } = simulate({ runs: 80, horizon: 30_000, goal: 20, begin: split(0.01) })
  assert.ok(meanDelay <= 4300, `${meanDelay}`)
  const { alarms } = simulate({ runs: 150, horizon: 5000, goal: 20, begin: split(0.02) })
  assert.ok(alarms <= alarmsAtMost(150, 0.05), `${alarms} of 150`)
})

test('margins and values that are none are refused', () => {
  assert.throws(() => beginNonInferiorSplit(-0.01), RangeError)
  assert.throws(() => beginNonInferiorSplit(Number.NaN), RangeError)
  const state = beginNonInferiorSplit(0.01)
  assert.throws(
    () => observeNonInferiorSplit(state, { side: 'new', x: Number.NaN, share: 0.5 }),
    RangeError,
  )
  assert.throws(() => observeNonInferiorSplit(state, { side: 'new', x: 0, share: 1 }), RangeError)
})

function split(newRate: number) {
  return (): Step => {
    const state = beginNonInferiorSplit(0.01, { sum: 10, count: 1000 })
    return (random) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      const x = random.chance(side === 'new' ? newRate : 0.01) ? 1 : 0
      return observeNonInferiorSplit(state, { side, x, share: 0.5 })
    }
  }
}
