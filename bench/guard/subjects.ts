/** What is simulated: traffic of known truth, fed to one sequential test. Each returns a `begin` for `simulate`. */
import { beginWealth, bet } from '../../src/statistics/engine.ts'
import { beginCategorical, observeCategorical } from '../../src/statistics/categorical.ts'
import { combine } from '../../src/statistics/combine.ts'
import { fractions, oddsRatios } from '../../src/statistics/mixture.ts'
import {
  beginNonInferiorSplit,
  observeNonInferiorSplit,
} from '../../src/statistics/non-inferior-split.ts'
import { nonInferiorPaired } from '../../src/statistics/non-inferior-paired.ts'
import { pairedBinary } from '../../src/statistics/paired-binary.ts'
import type { PairedFactors } from '../../src/statistics/paired-binary.ts'
import { beginPairedLatency, observePairedLatency } from '../../src/statistics/paired-latency.ts'
import { beginPairedScore, observePairedScore } from '../../src/statistics/paired-score.ts'
import { beginSplitBinary, observeSplitBinary } from '../../src/statistics/split-binary.ts'
import { beginSplitLatency, observeSplitLatency } from '../../src/statistics/split-latency.ts'
import { beginSplitScore, observeSplitScore } from '../../src/statistics/split-score.ts'
import type { Random } from '../../src/statistics/testing/random.ts'
import type { Step } from '../../src/statistics/testing/simulate.ts'
import { beginTotalVariation, observeTotalVariation } from '../../src/statistics/total-variation.ts'
import type { Judge } from './peers.ts'

type Rate = number | ((t: number) => number)

const at = (rate: Rate, t: number) => (typeof rate === 'number' ? rate : rate(t))
const unit = (x: number) => Math.min(1, Math.max(0, x))
const coin = (random: Random, share = 0.5) => (random.chance(share) ? 'new' : 'old')

export type Split = {
  old: Rate
  new: Rate
  share?: number
  history?: { bad: number; total: number }
}

export function splitErrors({ old, new: own, share = 0.5, history }: Split): () => Step {
  return () => {
    const state = beginSplitBinary(history)
    return (random, t) => {
      const side = coin(random, share)
      return observeSplitBinary(state, {
        side,
        bad: random.chance(at(side === 'new' ? own : old, t)),
        share,
      })
    }
  }
}

/** A peer's rule on the same traffic: infinite wealth is its alarm. */
export function judged(judge: () => Judge, { old, new: own, share = 0.5 }: Split): () => Step {
  return () => {
    const rule = judge()
    return (random, t) => {
      const side = coin(random, share)
      return rule(side, random.chance(at(side === 'new' ? own : old, t))) ? Infinity : 0
    }
  }
}

/** @param newOnly share of the pairs in which only the new version fails */
export function pairedErrors(newOnly: number, oldOnly: number, tolerance = 0): () => Step {
  return pairs(newOnly, oldOnly, pairedBinary(tolerance), oddsRatios)
}

export function pairedPromotion(newOnly: number, oldOnly: number, margin: number): () => Step {
  return pairs(newOnly, oldOnly, nonInferiorPaired(margin), fractions)
}

function pairs(
  newOnly: number,
  oldOnly: number,
  factors: PairedFactors,
  mixture: typeof fractions,
) {
  return (): Step => {
    const wealth = beginWealth(mixture)
    return (random) => {
      const x = random.uniform()
      const kind = x < newOnly ? 'newOnly' : x < newOnly + oldOnly ? 'oldOnly' : 'same'
      return bet(wealth, mixture, factors[kind])
    }
  }
}

export function splitPromotion(old: number, own: number, margin: number): () => Step {
  return () => {
    const state = beginNonInferiorSplit(margin, { sum: old * 1000, count: 1000 })
    return (random) => {
      const side = coin(random)
      const x = random.chance(side === 'new' ? own : old) ? 1 : 0
      return observeNonInferiorSplit(state, { side, x, share: 0.5 })
    }
  }
}

/** Badness of mean 0.2, sd 0.15; the new version's is `shift` higher. */
export function splitScores(shift: number, tolerance = 0): () => Step {
  return () => {
    const state = beginSplitScore(tolerance)
    return (random) => {
      const side = coin(random)
      const x = unit(0.2 + 0.15 * random.normal() + (side === 'new' ? shift : 0))
      return observeSplitScore(state, { side, x, share: 0.5 })
    }
  }
}

/** Two thirds of a score's variance lie in the request that both answer. */
export function pairedScores(shift: number, tolerance = 0): () => Step {
  return () => {
    const state = beginPairedScore(tolerance)
    return (random) => {
      const request = 0.2 + 0.1225 * random.normal()
      const answer = (more: number) => unit(request + 0.0866 * random.normal() + more)
      return observePairedScore(state, answer(shift) - answer(0))
    }
  }
}

export type Slower = (random: Random) => number

/** Lognormal latencies, sd 0.5 on the log scale. */
export function splitLatencies(slower: Slower, times = 1): () => Step {
  return () => {
    const state = beginSplitLatency({ times, plusMs: 0 })
    return (random) => {
      const side = coin(random)
      const ms = 100 * Math.exp(0.5 * random.normal()) * (side === 'new' ? slower(random) : 1)
      return observeSplitLatency(state, { side, ms, share: 0.5 })
    }
  }
}

/** @param shared share of the variance that lies in the request */
export function pairedLatencies(slower: Slower, shared: number, times = 1): () => Step {
  return () => {
    const state = beginPairedLatency({ times, plusMs: 0 })
    return (random) => {
      const request = Math.sqrt(shared) * random.normal()
      const ms = () => 100 * Math.exp(0.5 * (request + Math.sqrt(1 - shared) * random.normal()))
      return observePairedLatency(state, { newMs: ms() * slower(random), oldMs: ms() })
    }
  }
}

/**
 * Equal servers of 20 ms behind a real gateway, as `npm run bench:pairs` measures them: the copy is sent when the original is whole,
 * and hits another moment of the machine. 12 % of the live answers, 6.5 % of the copies, are late by 10 ms.
 */
export function copiedLatencies(tolerance: { times: number; plusMs: number }): () => Step {
  return () => {
    const state = beginPairedLatency(tolerance)
    return (random) => {
      const ms = (late: number) =>
        20 * Math.exp(0.15 * random.normal()) + (random.chance(late) ? 10 : 0)
      return observePairedLatency(state, { newMs: ms(0.12) + 0.8, oldMs: ms(0.065) })
    }
  }
}

/** Ten categories; `moved` is the total variation between the two versions. */
export function categories(moved: number, tolerance: number | null): () => Step {
  return () => {
    const same = beginCategorical()
    const within = beginTotalVariation(tolerance ?? 0)
    return (random) => {
      const side = coin(random)
      const drawn = Math.floor(random.uniform() * 10)
      const category = String(
        side === 'new' && drawn >= 5 && random.chance(2 * moved) ? drawn - 5 : drawn,
      )
      const one = { side, category, share: 0.5 } as const
      return tolerance === null ? observeCategorical(same, one) : observeTotalVariation(within, one)
    }
  }
}

/** Six yes/no signals that share half of their failures. */
export function sixSignals(): () => Step {
  return () => {
    const states = Array.from({ length: 6 }, () => beginSplitBinary({ bad: 20, total: 1000 }))
    return (random) => {
      const side = coin(random)
      const shared = random.chance(0.01)
      const signals = states.map((state, k) => ({
        name: `${k}`,
        weight: 1,
        wealth: observeSplitBinary(state, { side, bad: shared || random.chance(0.01), share: 0.5 }),
      }))
      return combine(signals)!.wealth
    }
  }
}
