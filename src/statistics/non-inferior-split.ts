/**
 * The split bet the other way round, for yes/no outcomes and for scores in [0, 1]. H0: the new version's mean is at least
 * the old one's plus the margin. New: 1 - λ/π (x - margin - μ); old: 1 + λ/(1-π) (x - μ). Whatever μ is, they are fair;
 * they are fastest where both sides differ equally from their centres, μ = old mean - margin (1 - π).
 * Source: design §2.2; the choice of μ is the minimum of the variance.
 * Reference: old mean 0.01, share 0.5, margin 0.01, f = 0.95 → new good 1.014467, bad 0.05; old good 0.995178, bad 1.959645
 */
import { beginWealth, bet } from './engine.ts'
import type { Wealth } from './engine.ts'
import { fill, linear } from './linear.ts'
import { fractions } from './mixture.ts'
import { checkShare } from './side.ts'
import type { Side } from './side.ts'

/** JSON. The old version's sum only tunes the bets. */
export type NonInferiorSplit = {
  wealth: Wealth
  margin: number
  old: { sum: number; count: number }
}

const table = linear(fractions.effects.length)
const factors = new Float64Array(fractions.effects.length)

export function beginNonInferiorSplit(
  margin: number,
  history = { sum: 0, count: 0 },
): NonInferiorSplit {
  if (!(margin >= 0 && margin < 1))
    throw new RangeError(`the margin must lie between 0 and 1, it is ${margin}`)
  return { wealth: beginWealth(fractions), margin, old: { ...history } }
}

/** In place. @param x badness in [0, 1]; yes/no as 1 and 0. @returns the wealth now */
export function observeNonInferiorSplit(
  state: NonInferiorSplit,
  { side, x, share }: { side: Side; x: number; share: number },
): number {
  if (!(x >= 0 && x <= 1)) throw new RangeError(`a badness must lie between 0 and 1, it is ${x}`)
  const { old, margin } = state
  nonInferiorSplit(table, { side, share, margin, oldMean: (old.sum + 0.5) / (old.count + 20.5) })
  fill(factors, table, x)
  if (side === 'old') {
    old.count++
    old.sum += x
  }
  return bet(state.wealth, fractions, factors)
}

/** @throws RangeError unless 0 < share < 1 */
export function nonInferiorSplit(
  { slopes, centres }: typeof table,
  { side, share, margin, oldMean }: { side: Side; share: number; margin: number; oldMean: number },
): void {
  checkShare(share)
  const rest = 1 - share
  // A centre of 0 and more keeps the old side's stake finite, one below 1 - margin the new side's.
  const centre = Math.min(Math.max(0, oldMean - margin * rest), 0.99 * (1 - margin))
  const most = Math.min(share / (1 - margin - centre), centre === 0 ? Infinity : rest / centre)
  for (let k = 0; k < slopes.length; k++) {
    const stake = fractions.effects[k]! * most
    slopes[k] = side === 'new' ? -stake / share : stake / rest
    centres[k] = side === 'new' ? centre + margin : centre
  }
}
