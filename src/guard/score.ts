/** Scores between 0 and 1, larger is better: from feedback, or a number of the user's. */
import { fill, linear } from '../statistics/linear.ts'
import { fractions, shifts } from '../statistics/mixture.ts'
import { addMoment, beginMoments, deviation } from '../statistics/moments.ts'
import type { Moments } from '../statistics/moments.ts'
import { nonInferiorSplit } from '../statistics/non-inferior-split.ts'
import { pairedScore } from '../statistics/paired-score.ts'
import { splitScore } from '../statistics/split-score.ts'
import type { BothBets, Pair, Single } from './bets.ts'
import type { Design, ScoreRules } from './guard.ts'

/** JSON. Badness is 1 - score; all of it only tunes the bets. */
export type ScoreMemory = { old: Moments; new: Moments; differences: Moments }

const table = linear(shifts.effects.length)

export function beginScore(): ScoreMemory {
  return {
    old: beginMoments({ count: 5, mean: 0.3, sd: 0.2 }),
    new: beginMoments(),
    differences: beginMoments({ count: 5, mean: 0, sd: 0.2 }),
  }
}

/** In place. Nothing but a coin or a pair makes scores comparable: who gives feedback changes with the hour. */
export function scoreBets(
  memory: ScoreMemory,
  { tolerance, margin }: ScoreRules,
  design: Design,
  { side, seen, share }: Single<number>,
): BothBets | null {
  const x = 1 - seen
  const { mean } = memory.old
  const guess = { side, share, tolerance, mean, sd: deviation(memory.old) }
  addMoment(memory[side], x)
  if (design !== 'split') return null
  splitScore(table, guess)
  const worse = new Float64Array(shifts.effects.length)
  fill(worse, table, x)
  nonInferiorSplit(table, { side, share, margin, oldMean: mean })
  const fine = new Float64Array(fractions.effects.length)
  fill(fine, table, x)
  return { worse: [worse], fine: [fine] }
}

/** In place. */
export function scorePairBets(
  memory: ScoreMemory,
  { tolerance, margin }: ScoreRules,
  pair: Pair<number>,
): BothBets {
  const difference = pair.old - pair.new
  pairedScore(table, deviation(memory.differences), tolerance)
  const worse = new Float64Array(shifts.effects.length)
  fill(worse, table, difference)
  const fine = fractions.effects.map(
    (fraction) => 1 - (fraction / (1 - margin)) * (difference - margin),
  )
  addMoment(memory.differences, difference)
  addMoment(memory.new, 1 - pair.new)
  addMoment(memory.old, 1 - pair.old)
  return { worse: [worse], fine: [fine] }
}
