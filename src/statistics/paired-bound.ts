/**
 * What the answer would have been at other tolerances: the largest tolerance that the pairs seen so far still refute is a
 * lower bound for how much worse the new version is (as a difference of rates), the smallest margin that they refute an
 * upper one. Each is valid at any time it is looked at, with probability at least 1 - risk. From three counts, no state.
 * With `oldOnly` 0 it is a bound for a single rate.
 * Source: as paired-binary.ts and non-inferior-paired.ts, inverted by bisection.
 * Reference: 40 and 10 of 1,000 at 0.01 → at least 0.006963; 0 and 0 of 1,000 at 0.05 → at most 0.004801.
 */
import { fractions, oddsRatios } from './mixture.ts'

export type Pairs = {
  /** Only the new version failed. */
  newOnly: number
  /** Only the old version failed. */
  oldOnly: number
  total: number
}

/** @returns between -1 (nothing known) and 1. @throws RangeError on counts or a risk that are none */
export function worseByAtLeast({ newOnly, oldOnly, total }: Pairs, risk: number): number {
  check({ newOnly, oldOnly, total }, risk)
  const same = total - newOnly - oldOnly
  const refuted = (tolerance: number) => {
    let sum = 0
    for (const [k, ratio] of oddsRatios.effects.entries()) {
      const bet = Math.tanh(ratio / 2) / (1 + tolerance)
      const log =
        newOnly * Math.log1p(bet * (1 - tolerance)) +
        same * Math.log1p(-bet * tolerance) +
        oldOnly * Math.log1p(-bet * (1 + tolerance))
      sum += oddsRatios.weights[k]! * Math.exp(log)
    }
    return sum >= 1 / risk
  }
  return border((tolerance) => !refuted(tolerance))
}

/** @returns between -1 and 1 (nothing known). @throws RangeError on counts or a risk that are none */
export function worseByAtMost({ newOnly, oldOnly, total }: Pairs, risk: number): number {
  check({ newOnly, oldOnly, total }, risk)
  const same = total - newOnly - oldOnly
  const refuted = (margin: number) => {
    let sum = 0
    for (const [k, fraction] of fractions.effects.entries()) {
      const bet = fraction / (1 - margin)
      const log =
        newOnly * Math.log1p(-fraction) +
        same * Math.log1p(bet * margin) +
        oldOnly * Math.log1p(bet * (1 + margin))
      sum += fractions.weights[k]! * Math.exp(log)
    }
    return sum >= 1 / risk
  }
  return border(refuted)
}

/** Where, between -1 and 1, it begins to be true. */
function border(isTrue: (value: number) => boolean): number {
  let [low, high] = [-1, 1]
  // Twelve digits are more than anybody reads.
  for (let halving = 0; halving < 40; halving++) {
    const middle = (low + high) / 2
    if (isTrue(middle)) high = middle
    else low = middle
  }
  return (low + high) / 2
}

function check({ newOnly, oldOnly, total }: Pairs, risk: number): void {
  if (!(newOnly >= 0 && oldOnly >= 0 && newOnly + oldOnly <= total && Number.isFinite(total)))
    throw new RangeError(
      `pairs need counts that fit, they are ${newOnly} and ${oldOnly} of ${total}`,
    )
  if (!(risk > 0 && risk < 1))
    throw new RangeError(`the risk must lie between 0 and 1, it is ${risk}`)
}
