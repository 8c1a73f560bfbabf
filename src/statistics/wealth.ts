/**
 * A bet against "the new version is not worse": eight components, each a product of factors whose expectation is at most 1
 * while that is true. Wealth then reaches 1/α with probability at most α, however often it is looked at (Ville 1939).
 * `late` restarts each component at every time, weighted so that the promise stays: it catches what begins later.
 */
export type Wealth = {
  /** Products since the beginning, one for each component, times its weight. */
  early: readonly number[]
  /** Sums over all later beginnings. */
  late: readonly number[]
  /** Weight of the beginnings that are still to come. */
  rest: number
  observations: number
}

/** Log odds ratios that are bet on, from barely worse to total outage, and their weights. */
export const logOddsRatios = [0.2, 0.4, 0.7, 1.1, 1.7, 2.6, 4, 6.5] as const
const weights = normalised([1, 1.5, 1.5, 1.5, 1.2, 1, 0.8, 0.8])

/** Half of the bets begin at the start, half at some later time; the typical later time, in observations. */
const laterShare = 0.5
const laterScale = 2000

export function beginWealth(): Wealth {
  return { early: weights, late: weights.map(() => 0), rest: 1, observations: 0 }
}

/** @param factors one for each component, chosen before the observation was seen, none negative */
export function bet(
  { early, late, rest, observations }: Wealth,
  factors: readonly number[],
): Wealth {
  const next = observations + 1
  // Lomax: the weight that is left after t observations is scale / (t + scale).
  const left = laterScale / (next + laterScale)
  const starting = rest - left
  return {
    early: early.map((value, k) => value * factors[k]!),
    late: late.map((value, k) => (value + starting * weights[k]!) * factors[k]!),
    rest: left,
    observations: next,
  }
}

/** The wealth now; the null is refuted at risk α once it reaches 1/α. */
export function wealthOf({ early, late, rest }: Wealth): number {
  return (1 - laterShare) * sum(early) + laterShare * (sum(late) + rest)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function normalised(values: readonly number[]): number[] {
  const total = sum(values)
  return values.map((value) => value / total)
}
