/**
 * Sequential tests that others use at a stated α, from their formulas, for comparison only. All are looked at as often as theirs
 * allows, and test two-sided as theirs do.
 */
import { bins, binOf } from '../../src/statistics/log-histogram.ts'
import type { Random } from '../../src/statistics/testing/random.ts'
import type { Step } from '../../src/statistics/testing/simulate.ts'
import type { Judge } from './peers.ts'
import type { Slower } from './subjects.ts'

const alpha = 0.01

/** Lindon & Malek 2022: whose is the next error? Dirichlet (100 π) mixture against a share of one half. */
export function multinomial(): Judge {
  const seen = { new: 50, old: 50 }
  let logWealth = 0
  return (side, bad) => {
    if (!bad) return false
    logWealth += Math.log(seen[side] / (seen.new + seen.old) / 0.5)
    seen[side]++
    return logWealth >= Math.log(1 / alpha) && seen.new > seen.old
  }
}

/** Asymptotic confidence sequence (Waudby-Smith et al. 2021) as GrowthBook tunes it: N* = 5000, from 200 requests on. */
export function asymptotic(): Judge {
  const tuned = Math.sqrt((-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / 5000)
  const arms = { new: { bad: 0, total: 0 }, old: { bad: 0, total: 0 } }
  let n = 0
  return (side, bad) => {
    n++
    arms[side].total++
    if (bad) arms[side].bad++
    const { new: own, old } = arms
    if (n < 200 || own.total === 0 || old.total === 0) return false
    const [p, q] = [own.bad / own.total, old.bad / old.total]
    const variance = (p * (1 - p)) / 0.5 + (q * (1 - q)) / 0.5
    const each = n * tuned ** 2 + 1
    const width = Math.sqrt(
      variance * ((2 * each) / (n * tuned) ** 2) * Math.log(Math.sqrt(each) / alpha),
    )
    return p - q > width
  }
}

/** A time-uniform band around each distribution function (Howard & Ramdas 2022), looked at every 50 answers. */
export function bands(slower: Slower): () => Step {
  return () => {
    const arms = {
      new: { counts: new Float64Array(bins), total: 0 },
      old: { counts: new Float64Array(bins), total: 0 },
    }
    const width = (n: number) =>
      0.85 * Math.sqrt((Math.log(Math.log(Math.E * n)) + 0.8 * Math.log(1612 / (alpha / 2))) / n)
    return (random: Random, t) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      const ms = 100 * Math.exp(0.5 * random.normal()) * (side === 'new' ? slower(random) : 1)
      arms[side].counts[binOf(ms)]!++
      arms[side].total++
      const { new: own, old } = arms
      if (t % 50 !== 0 || own.total === 0 || old.total === 0) return 0
      const allowed = width(own.total) + width(old.total)
      let [below, belowOld] = [0, 0]
      for (let bin = 0; bin < bins; bin++) {
        below += own.counts[bin]!
        belowOld += old.counts[bin]!
        if (belowOld / old.total - below / own.total > allowed) return Infinity
      }
      return 0
    }
  }
}
