/**
 * The promise under all others: from any state, over everything that may come next while nothing is worse, the wealth is on
 * average at most what it was. A bet that looks at its own outcome, or a wrong share, breaks it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginCategorical, observeCategorical } from './categorical.ts'
import { wealthOf } from './engine.ts'
import { beginMatchedBlocks, observeMatched } from './matched-blocks.ts'
import { oddsRatios } from './mixture.ts'
import { beginPairedLatency, observePairedLatency } from './paired-latency.ts'
import { beginPairedScore, observePairedScore } from './paired-score.ts'
import type { Side } from './side.ts'
import { beginTolerantSplit, observeTolerantSplit } from './split-binary-tolerance.ts'
import { beginSplitBinary, observeSplitBinary } from './split-binary.ts'
import { beginSplitLatency, observeSplitLatency } from './split-latency.ts'
import { beginSplitScore, observeSplitScore } from './split-score.ts'
import { near } from './testing/near.ts'
import { seeded } from './testing/random.ts'
import { beginTotalVariation, observeTotalVariation } from './total-variation.ts'

const sides: readonly Side[] = ['new', 'old']
const share = 0.3
const rates = [0.01, 0.4]

/** Each test as: a state, and how it takes one of two outcomes of one side. Its probabilities are the same for both. */
const split: Record<
  string,
  { begin: () => unknown; take: (state: never, side: Side, high: boolean) => number }
> = {
  'split binary': {
    begin: () => beginSplitBinary(),
    take: (state, side, bad) => observeSplitBinary(state, { side, bad, share }),
  },
  'split binary with a tolerance': {
    begin: () => beginTolerantSplit(0.005),
    take: (state, side, bad) => observeTolerantSplit(state, { side, bad, share }),
  },
  'split score': {
    begin: () => beginSplitScore(0),
    take: (state, side, high) => observeSplitScore(state, { side, x: high ? 0.9 : 0.2, share }),
  },
  'split latency': {
    begin: () => beginSplitLatency(),
    take: (state, side, high) => observeSplitLatency(state, { side, ms: high ? 300 : 40, share }),
  },
  categories: {
    begin: () => beginCategorical(),
    take: (state, side, high) =>
      observeCategorical(state, { side, category: high ? 'a' : 'b', share }),
  },
  'total variation': {
    begin: () => beginTotalVariation(0.05),
    take: (state, side, high) =>
      observeTotalVariation(state, { side, category: high ? 'a' : 'b', share }),
  },
}

for (const [name, { begin, take }] of Object.entries(split)) {
  test(`${name}: on average over side and outcome, nothing is won while nothing is worse`, () => {
    for (const rate of rates) {
      const random = seeded(3)
      const state = begin()
      let before = 1
      for (let t = 0; t < 150; t++) {
        let mean = 0
        for (const side of sides)
          for (const high of [true, false]) {
            const chance = (side === 'new' ? share : 1 - share) * (high ? rate : 1 - rate)
            mean += chance * take(structuredClone(state) as never, side, high)
          }
        assert.ok(mean <= before * (1 + 1e-9), `after ${t} at ${rate}: ${before} → ${mean}`)
        before = take(state as never, random.chance(share) ? 'new' : 'old', random.chance(rate))
      }
    }
  })
}

test('paired scores: a fair difference wins nothing on average', () => {
  const random = seeded(4)
  const state = beginPairedScore(0)
  let before = 1
  for (let t = 0; t < 200; t++) {
    const mean = [-0.6, 0.2, 0.2, 0.2].reduce(
      (sum, difference) => sum + observePairedScore(structuredClone(state), difference) / 4,
      0,
    )
    near(mean / before, 1, 1e-9)
    before = observePairedScore(state, random.chance(0.25) ? -0.6 : 0.2)
  }
})

test('paired latencies: when either may be the slow one, nothing is won on average', () => {
  const random = seeded(5)
  const state = beginPairedLatency()
  let before = 1
  for (let t = 0; t < 200; t++) {
    const mean = [
      { newMs: 300, oldMs: 40 },
      { newMs: 40, oldMs: 300 },
    ].reduce((sum, pair) => sum + observePairedLatency(structuredClone(state), pair) / 2, 0)
    near(mean / before, 1, 1e-9)
    const [newMs, oldMs] = random.chance(0.5) ? [300, 40] : [40, 300]
    before = observePairedLatency(state, { newMs, oldMs })
  }
})

test('a block of one new and nine old answers wins nothing on average, whatever their common rate', () => {
  const oldPerNew = 9
  for (const rate of [0.01, 0.2, 0.7]) {
    let mean = 0
    for (const ownBad of [true, false])
      for (let othersBad = 0; othersBad <= oldPerNew; othersBad++) {
        const state = beginMatchedBlocks({ bad: 20, total: 1000 })
        const put = (side: Side, bad: boolean) =>
          observeMatched(state, { side, stratum: 's', bad, at: 0 }, { oldPerNew, keepS: Infinity })
        for (let k = 0; k < oldPerNew; k++) put('old', k < othersBad)
        put('new', ownBad)
        const chance =
          choose(oldPerNew, othersBad) * rate ** othersBad * (1 - rate) ** (oldPerNew - othersBad)
        mean += chance * (ownBad ? rate : 1 - rate) * wealthOf(state.wealth, oddsRatios)
      }
    assert.ok(mean <= 1 + 1e-9, `${mean} at ${rate}`)
  }
})

function choose(n: number, k: number): number {
  let result = 1
  for (let i = 1; i <= k; i++) result *= (n - k + i) / i
  return result
}
