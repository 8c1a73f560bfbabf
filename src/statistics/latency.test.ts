import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addToHistogram,
  beginHistogram,
  binOf,
  edgeOf,
  exceededBin,
  quantileBin,
  ranks,
} from './log-histogram.ts'
import { beginWealth, bet, wealthOf } from './engine.ts'
import { fractions } from './mixture.ts'
import { beginPairedLatency, observePairedLatency } from './paired-latency.ts'
import {
  beginLatencyTuning,
  beginSplitLatency,
  learnLatency,
  notSlowerBets,
  observeSplitLatency,
} from './split-latency.ts'
import type { SplitLatency } from './split-latency.ts'
import { near } from './testing/near.ts'
import { seeded } from './testing/random.ts'
import type { Random } from './testing/random.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

type Slower = (random: Random) => number
const none = { times: 1, plusMs: 0 }

test('a histogram knows quantiles and ranks to the width of a bin', () => {
  const histogram = beginHistogram()
  for (let ms = 1; ms <= 1000; ms++) addToHistogram(histogram, ms)
  near(edgeOf(quantileBin(histogram, 0.5)), 500, 500 * 0.041)
  near(edgeOf(quantileBin(histogram, 0.99)), 990, 990 * 0.041)
  near(ranks(histogram)[binOf(250)], 0.25, 0.01)
  assert.deepEqual([binOf(0), binOf(Infinity), ranks(beginHistogram())[7]], [0, 399, 0.5])
})

test('equal latencies, and ones at the edge of the tolerance: at most 1 % of runs ever alarm', () => {
  const tolerant = { times: 1.1, plusMs: 0 }
  for (const begin of [split(() => 1), split(() => 1.1, tolerant), paired(() => 1)]) {
    const { alarms } = simulate({ runs: 100, horizon: 2500, goal: 100, begin })
    assert.ok(alarms <= alarmsAtMost(100, 0.01), `${alarms} of 100`)
  }
})

test('10 %, 25 % slower, and a tail of 5 % four times slower, are found within 1900, 370 and 1550 requests', () => {
  // The gates of the design are 1900, 350 and 1450 over 500 runs; 60 runs scatter by a few per cent more.
  for (const [slower, most] of [
    [() => 1.1, 1900],
    [() => 1.25, 370],
    [tail, 1550],
  ] as [Slower, number][]) {
    const { meanDelay } = simulate({ runs: 60, horizon: 10_000, goal: 100, begin: split(slower) })
    assert.ok(meanDelay <= most, `${meanDelay} > ${most}`)
  }
})

test('pairs that share what makes a request slow need a fifth of the answers', () => {
  const { meanDelay } = simulate({ runs: 60, horizon: 10_000, goal: 100, begin: paired(() => 1.1) })
  assert.ok(meanDelay <= 350, `${meanDelay}`)
})

test('a version that never answers in time is slower than everything', () => {
  const { meanDelay } = simulate({
    runs: 20,
    horizon: 1000,
    goal: 100,
    begin: split(() => Infinity),
  })
  assert.ok(meanDelay <= 60, `${meanDelay}`)
})

test('answers that all take about as long: no slower is shown, and in 5 % of runs at most where it is not so', () => {
  const shown = (times: number, runs: number) => {
    let count = 0
    for (let run = 0; run < runs; run++) {
      const random = seeded(run + 1)
      const tuning = { ...beginLatencyTuning({ times: 1.25, plusMs: 0 }), reached: true as const }
      const wealths = [beginWealth(fractions), beginWealth(fractions)]
      for (let t = 0; t < 1500; t++) {
        const side = random.chance(0.5) ? 'new' : 'old'
        const ms = 20 * (0.99 + 0.02 * random.uniform()) * (side === 'new' ? times : 1)
        const seen = { side, ms, share: 0.5 } as const
        for (const [question, factors] of notSlowerBets(tuning, seen).entries())
          if (factors !== null) bet(wealths[question]!, fractions, factors)
        learnLatency(tuning, seen)
        if (wealths.every((wealth) => wealthOf(wealth, fractions) >= 20)) break
      }
      if (wealths.every((wealth) => wealthOf(wealth, fractions) >= 20)) count++
    }
    return count
  }
  assert.equal(shown(1, 20), 20)
  assert.ok(shown(1.25, 100) <= alarmsAtMost(100, 0.05))
  assert.equal(shown(1.5, 20), 0)
})

test('the last bin that enough lie beyond', () => {
  const one = beginHistogram()
  for (let t = 0; t < 100; t++) addToHistogram(one, 20)
  assert.equal(exceededBin(one, 0.95), binOf(20) - 1)
  for (let t = 0; t < 4; t++) addToHistogram(one, 40)
  assert.equal(exceededBin(one, 0.95), binOf(20) - 1)
  for (let t = 0; t < 4; t++) addToHistogram(one, 40)
  assert.equal(exceededBin(one, 0.95), binOf(40) - 1)
  assert.equal(
    exceededBin(beginHistogram(), 0.95),
    398,
    'of nothing every bin has enough beyond it',
  )
})

test('negative latencies and tolerances that are none are refused', () => {
  for (const ms of [-1, Number.NaN, -Infinity]) {
    assert.throws(
      () => observeSplitLatency(beginSplitLatency(), { side: 'new', ms, share: 0.5 }),
      RangeError,
    )
    assert.throws(
      () => observePairedLatency(beginPairedLatency(), { newMs: 1, oldMs: ms }),
      RangeError,
    )
  }
  assert.throws(() => beginSplitLatency({ times: 0.9, plusMs: 0 }), RangeError)
  assert.throws(() => beginPairedLatency({ times: 1, plusMs: Number.NaN }), RangeError)
})

test('saved and read again at every step, the wealth is the same', () => {
  let saved = beginSplitLatency()
  const whole = beginSplitLatency()
  for (let t = 0; t < 300; t++) {
    const one = {
      side: t % 2 === 0 ? 'new' : 'old',
      ms: 10 + ((t * 37) % 101),
      share: 0.5,
    } as const
    saved = JSON.parse(JSON.stringify(saved)) as SplitLatency
    assert.equal(observeSplitLatency(saved, one), observeSplitLatency(whole, one))
  }
})

function tail(random: Random): number {
  return random.chance(0.05) ? 4 : 1
}

function split(slower: Slower, tolerance = none) {
  return (): Step => {
    const state = beginSplitLatency(tolerance)
    return (random) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      const ms = 100 * Math.exp(0.5 * random.normal()) * (side === 'new' ? slower(random) : 1)
      return observeSplitLatency(state, { side, ms, share: 0.5 })
    }
  }
}

/** Four fifths of what makes a latency long lie in the request. */
function paired(slower: Slower) {
  return (): Step => {
    const state = beginPairedLatency()
    return (random) => {
      const request = Math.sqrt(0.8) * random.normal()
      const ms = () => 100 * Math.exp(0.5 * (request + Math.sqrt(0.2) * random.normal()))
      return observePairedLatency(state, { newMs: ms() * slower(random), oldMs: ms() })
    }
  }
}
