/** Yes/no signals: errors, validity, hand-off, a user's own. `true` is bad. */
import { linear, fill } from '../statistics/linear.ts'
import { blockFactors } from '../statistics/matched-blocks.ts'
import { fractions, oddsRatios } from '../statistics/mixture.ts'
import { nonInferiorPaired } from '../statistics/non-inferior-paired.ts'
import { nonInferiorSplit } from '../statistics/non-inferior-split.ts'
import { oneSampleBelow } from '../statistics/one-sample-below.ts'
import { oneSample } from '../statistics/one-sample.ts'
import { pairedBinary } from '../statistics/paired-binary.ts'
import { splitBinary } from '../statistics/split-binary.ts'
import { tolerantSplit } from '../statistics/split-binary-tolerance.ts'
import type { Baseline } from './baseline.ts'
import type { BothBets, Pair, Single, Tally } from './bets.ts'
import type { Design, YesNoRules } from './guard.ts'

/** JSON. */
export type YesNoMemory = {
  baseline: Baseline
  /** What is known of the old version: it only tunes the bets. */
  old: Tally
  new: Tally
  pairs: { newOnly: number; oldOnly: number; total: number }
  /** What waits for its match, in the design `matched`. */
  waiting: { new: boolean | null; old: boolean | null }
}

const effects = oddsRatios.effects.length
const table = linear(effects)
const fineTable = linear(fractions.effects.length)

export function beginYesNo(baseline: Baseline, old: Tally): YesNoMemory {
  return {
    baseline,
    old,
    new: { bad: 0, total: 0 },
    pairs: { newOnly: 0, oldOnly: 0, total: 0 },
    waiting: { new: null, old: null },
  }
}

/** In place. Null where nothing can be bet yet. */
export function yesNoBets(
  memory: YesNoMemory,
  rules: YesNoRules,
  design: Design,
  single: Single<boolean>,
): BothBets | null {
  const bets = betsBy(memory, rules, design, single)
  count(memory[single.side], single.seen)
  return bets
}

/** In place. */
export function yesNoPairBets(
  memory: YesNoMemory,
  { tolerance, margin }: YesNoRules,
  pair: Pair<boolean>,
): BothBets {
  const kind = pair.new === pair.old ? 'same' : pair.new ? 'newOnly' : 'oldOnly'
  count(memory.new, pair.new)
  count(memory.old, pair.old)
  memory.pairs.total++
  if (kind !== 'same') memory.pairs[kind]++
  return { worse: [pairedBinary(tolerance)[kind]], fine: [nonInferiorPaired(margin)[kind]] }
}

function betsBy(
  memory: YesNoMemory,
  rules: YesNoRules,
  design: Design,
  { side, seen, share }: Single<boolean>,
): BothBets | null {
  if (design === 'split') return splitBets(memory, rules, { side, seen, share })
  if (design === 'matched') return matchedBets(memory, rules, side, seen)
  if (side === 'old' || (design !== 'before-after' && design !== 'one-sample')) return null
  const { worse, limit } = memory.baseline
  const outcome = seen ? 'bad' : 'good'
  return { worse: [oneSample(worse)[outcome]], fine: [oneSampleBelow(limit)[outcome]] }
}

function splitBets(
  { old }: YesNoMemory,
  { tolerance, margin }: YesNoRules,
  { side, seen, share }: Single<boolean>,
): BothBets {
  const oldRate = rateOf(old)
  const worse = new Float64Array(effects)
  if (tolerance === 0) splitBinary(worse, { side, bad: seen, share, oldRate })
  else {
    tolerantSplit(table, { side, share, tolerance, oldRate })
    fill(worse, table, seen ? 1 : 0)
  }
  const fine = new Float64Array(fractions.effects.length)
  nonInferiorSplit(fineTable, { side, share, margin, oldMean: oldRate })
  fill(fine, fineTable, seen ? 1 : 0)
  return { worse: [worse], fine: [fine] }
}

/**
 * The newest of one version with the newest of the other. What is replaced before it was matched is dropped before its
 * match is known. Both products are fair to equal rates inside the block, whatever the routing.
 */
function matchedBets(
  memory: YesNoMemory,
  rules: YesNoRules,
  side: 'new' | 'old',
  seen: boolean,
): BothBets | null {
  memory.waiting[side] = seen
  const { new: own, old: other } = memory.waiting
  if (own === null || other === null) return null
  memory.waiting = { new: null, old: null }
  const worse = new Float64Array(effects)
  if (rules.tolerance === 0)
    blockFactors(worse, { own, others: [other], oldRate: rateOf(memory.old) })
  else multiplyBoth(worse, memory, rules, { own, other }, 'worse')
  const fine = new Float64Array(fractions.effects.length)
  multiplyBoth(fine, memory, rules, { own, other }, 'fine')
  return { worse: [worse], fine: [fine] }
}

function multiplyBoth(
  into: Float64Array,
  memory: YesNoMemory,
  rules: YesNoRules,
  { own, other }: { own: boolean; other: boolean },
  which: keyof BothBets,
): void {
  const single = { share: 0.5 }
  const ofNew = splitBets(memory, rules, { ...single, side: 'new', seen: own })[which][0]!
  const ofOld = splitBets(memory, rules, { ...single, side: 'old', seen: other })[which][0]!
  for (let k = 0; k < into.length; k++) into[k] = ofNew[k]! * ofOld[k]!
}

function rateOf({ bad, total }: Tally): number {
  return (bad + 0.5) / (total + 20.5)
}

function count(tally: Tally, bad: boolean): void {
  tally.total++
  if (bad) tally.bad++
}
