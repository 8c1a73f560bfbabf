/**
 * How many more answers until the evidence is enough. The wealth of each component grows by a fixed amount per answer on
 * average, on the log scale; the count is where their sum reaches the goal. Source: Wald 1945 (average sample number).
 * Reference: new wealth, limit 0.01, no errors, goal 20 → 479 answers.
 */
import type { Wealth } from './engine.ts'
import type { Mixture } from './mixture.ts'

export type Wanted = {
  wealth: Wealth
  mixture: Mixture
  /** Mean growth of each component's log wealth with an answer. */
  growth: readonly number[]
  goal: number
}

/** Of factors for several outcomes, each with its expected share. */
export function growthOf(
  outcomes: readonly { factors: ArrayLike<number>; share: number }[],
): number[] {
  const components = outcomes[0]?.factors.length ?? 0
  return Array.from({ length: components }, (_, k) =>
    outcomes.reduce(
      (sum, { factors, share }) => (share === 0 ? sum : sum + share * Math.log(factors[k]!)),
      0,
    ),
  )
}

/** More answers than anybody waits for. */
const mostAnswers = 1e8

/** @returns a whole number, 0 when it is enough already; Infinity when at this rate it never will be */
export function answersUntil({ wealth, mixture, growth, goal }: Wanted): number {
  const enough = (count: number) => {
    let total = 0
    for (let k = 0; k < growth.length; k++) total += wealth.early[k]! * Math.exp(count * growth[k]!)
    return (1 - mixture.later) * total >= goal
  }
  if (enough(0)) return 0
  if (!growth.some((value) => value > 0)) return Infinity
  let [low, high] = [0, 1]
  while (!enough(high)) {
    if (high > mostAnswers) return Infinity
    low = high
    high *= 2
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}
