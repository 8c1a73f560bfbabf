/**
 * The effects that are bet on, and how the stake is divided among them. Nobody knows beforehand how bad a bad version is,
 * so eight guesses bet at once; the best of them soon holds nearly all the wealth (Robbins 1970).
 */
export type Mixture = {
  /** One component for each effect; what an effect means is said by the formula that uses it. */
  effects: readonly number[]
  /** Sum 1. */
  weights: readonly number[]
  /** Share of the stake whose bets begin at later observations: it finds what goes bad after a long good time. */
  later: number
  /**
   * Wealth beyond this is thrown away, which is always fair to the null: state stays finite, and what happens now still
   * counts after millions of good answers. Infinity where betting ends with the decision.
   */
  cap: number
}

/** Log odds ratios, from barely worse to total outage: for yes/no outcomes. */
export const oddsRatios = mixture({
  effects: [0.2, 0.4, 0.7, 1.1, 1.7, 2.6, 4, 6.5],
  weights: [1, 1.5, 1.5, 1.5, 1.2, 1, 0.8, 0.8],
  later: 0.5,
})

/** Differences in standard deviations: for scores between 0 and 1. */
export const shifts = mixture({ effects: [0.03, 0.07, 0.14, 0.27, 0.5, 0.9, 1.5, 2.5], later: 0.5 })

/** Fractions of the largest bet that cannot lose everything: for "not worse than a limit". */
export const fractions = mixture({
  effects: [0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 0.95],
  later: 0,
  cap: 1e6,
})

export function mixture({
  effects,
  weights = effects.map(() => 1),
  later,
  cap = Infinity,
}: Partial<Mixture> & Pick<Mixture, 'effects' | 'later'>): Mixture {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return { effects, weights: weights.map((weight) => weight / total), later, cap }
}
