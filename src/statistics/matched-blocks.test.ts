import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginMatchedBlocks, observeMatched } from './matched-blocks.ts'
import type { Matching } from './matched-blocks.ts'
import { wealthOf } from './engine.ts'
import { oddsRatios } from './mixture.ts'
import { beginSplitBinary, observeSplitBinary } from './split-binary.ts'
import { near } from './testing/near.ts'
import type { Random } from './testing/random.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

const sideBySide: Matching = { oldPerNew: 1, keepS: 30 }

test('a block bets once, when it is whole, with the product of its factors', () => {
  const state = beginMatchedBlocks({ bad: 9.705, total: 1000 })
  const one = { side: 'new', stratum: '/a', bad: true, at: 0 } as const
  assert.equal(observeMatched(state, one, sideBySide), 0)
  assert.equal(
    observeMatched(state, { ...one, side: 'old', stratum: '/b', bad: false }, sideBySide),
    0,
  )
  assert.equal(observeMatched(state, { ...one, side: 'old', bad: false }, sideBySide), 1)
  near(state.wealth.early[4]! / oddsRatios.weights[4]!, 1.71621, 1e-5)
})

test('answers of the old version that are too old are not matched', () => {
  const state = beginMatchedBlocks()
  observeMatched(state, { side: 'old', stratum: 's', bad: false, at: 0 }, sideBySide)
  assert.equal(
    observeMatched(state, { side: 'new', stratum: 's', bad: true, at: 31 }, sideBySide),
    0,
  )
})

test('what waits is bounded, and so are the strata; odd names are names', () => {
  const state = beginMatchedBlocks()
  for (let t = 0; t < 6000; t++)
    observeMatched(state, { side: 'new', stratum: 's', bad: true, at: 0 }, sideBySide)
  assert.equal(state.waiting['=s']!.new.length, 5000)
  for (let t = 0; t < 1000; t++)
    observeMatched(state, { side: 'new', stratum: `${t}`, bad: true, at: 0 }, sideBySide)
  assert.equal(Object.keys(state.waiting).length, 500)
  const odd = beginMatchedBlocks()
  observeMatched(odd, { side: 'new', stratum: '__proto__', bad: true, at: 0 }, sideBySide)
  assert.equal(
    observeMatched(odd, { side: 'old', stratum: '__proto__', bad: true, at: 0 }, sideBySide),
    1,
  )
})

test('shares that are changed from outside, with the hour, break the split test and not the matched one', () => {
  // A busy hour with many errors, in which somebody moves the traffic to the new version: Simpson's paradox.
  const busy = (t: number) => t % 1000 < 300
  const rate = (t: number) => (busy(t) ? 0.15 : 0.01)
  const side = (random: Random, t: number) => (random.chance(busy(t) ? 0.8 : 0.3) ? 'new' : 'old')
  const matched = (): Step => {
    const state = beginMatchedBlocks({ bad: 5, total: 100 })
    return (random, t) => {
      observeMatched(
        state,
        { side: side(random, t), stratum: 's', bad: random.chance(rate(t)), at: t },
        sideBySide,
      )
      return wealthOf(state.wealth, oddsRatios)
    }
  }
  const split = (): Step => {
    const state = beginSplitBinary({ bad: 5, total: 100 })
    return (random, t) =>
      observeSplitBinary(state, { side: side(random, t), bad: random.chance(rate(t)), share: 0.5 })
  }
  const of = (begin: () => Step) => simulate({ runs: 200, horizon: 3000, goal: 100, begin }).alarms
  assert.ok(of(matched) <= alarmsAtMost(200, 0.01))
  assert.ok(of(split) > 100)
})

test('against the history, with nine old answers for each new one, an outage is found in four answers', () => {
  const begin = (): Step => {
    const state = beginMatchedBlocks({ bad: 10, total: 1000 })
    const history = { oldPerNew: 9, keepS: Infinity }
    return (random) => {
      for (let k = 0; k < 9; k++)
        observeMatched(
          state,
          { side: 'old', stratum: 's', bad: random.chance(0.01), at: 0 },
          history,
        )
      observeMatched(state, { side: 'new', stratum: 's', bad: true, at: 0 }, history)
      return wealthOf(state.wealth, oddsRatios)
    }
  }
  const { meanDelay } = simulate({ runs: 100, horizon: 100, goal: 100, begin })
  assert.ok(meanDelay <= 4.5, `${meanDelay}`)
})

test('sticky clients: counting requests alarms on equal versions, counting clients does not', () => {
  // Each client makes 20 requests; some clients fail often. The client is what was randomised.
  const client = (random: Random) => {
    const rate = random.chance(0.1) ? 0.3 : 0.01
    const outcomes = Array.from({ length: 20 }, () => random.chance(rate))
    return { side: random.chance(0.5) ? ('new' as const) : ('old' as const), outcomes }
  }
  const byRequest = (): Step => {
    const state = beginSplitBinary()
    return (random) => {
      const { side, outcomes } = client(random)
      return Math.max(
        ...outcomes.map((bad) => observeSplitBinary(state, { side, bad, share: 0.5 })),
      )
    }
  }
  const byClient = (): Step => {
    const state = beginSplitBinary()
    return (random) => {
      const { side, outcomes } = client(random)
      return observeSplitBinary(state, { side, bad: outcomes.includes(true), share: 0.5 })
    }
  }
  const of = (begin: () => Step) => simulate({ runs: 200, horizon: 500, goal: 100, begin }).alarms
  assert.ok(of(byClient) <= alarmsAtMost(200, 0.01))
  assert.ok(of(byRequest) > 20)
})
