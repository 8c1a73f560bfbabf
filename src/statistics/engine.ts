/**
 * The engine under every signal: a bet against "the new version is not worse" (or, reversed, against "it is worse than the
 * limit"). Each component multiplies its stake by a factor that was chosen before the observation was seen and whose
 * expectation is at most 1 while the null is true. Then wealth reaches 1/α with probability at most α, however often it is
 * looked at (Ville 1939).
 *
 * `late` restarts each component at every observation, with Lomax weights that sum to 1, so the promise holds for it too.
 * Reference: one component, later = 0.5, factors 2, 0.5, 4 → wealth 2.501747.
 */
import type { Mixture } from './mixture.ts'

/** JSON. Linear numbers are right: betting ends at 1/α, and what falls to zero can only make the bet slower. */
export type Wealth = {
  /** Products since the beginning, one for each component, times its weight. */
  early: number[]
  /** Sums over all later beginnings. */
  late: number[]
  /** Weight of the beginnings that are still to come. */
  rest: number
  observations: number
}

/** The typical later beginning, in observations. */
const laterScale = 2000

export function beginWealth({ weights }: Mixture): Wealth {
  return { early: [...weights], late: weights.map(() => 0), rest: 1, observations: 0 }
}

/**
 * Changes `wealth` in place: hand it a copy where the old one is still needed.
 * @param factors one for each component; the caller's promise is that they were chosen before the observation was seen
 * @returns the wealth now
 * @throws RangeError on a factor that is negative or no number; `wealth` is then unchanged
 */
export function bet(
  wealth: Wealth,
  { weights, later, cap }: Mixture,
  factors: ArrayLike<number>,
): number {
  const { early, late } = wealth
  for (let k = 0; k < weights.length; k++) {
    const factor = factors[k]!
    if (!(factor >= 0 && factor < Infinity))
      throw new RangeError(`factor ${k} of a bet must be a number of at least 0, it is ${factor}`)
  }
  const observations = wealth.observations + 1
  const rest = laterScale / (observations + laterScale)
  const starting = wealth.rest - rest
  let total = later * rest
  for (let k = 0; k < weights.length; k++) {
    const factor = factors[k]!
    const first = early[k]! * factor
    const second = later === 0 ? 0 : (late[k]! + starting * weights[k]!) * factor
    early[k] = first
    late[k] = second
    total += (1 - later) * first + later * second
  }
  wealth.rest = rest
  wealth.observations = observations
  return total > cap ? scale(wealth, cap / total) : total
}

/** The wealth now; the null is refuted at risk α once it has reached 1/α. */
export function wealthOf({ early, late, rest }: Wealth, { later }: Mixture): number {
  return (1 - later) * sum(early) + later * (sum(late) + rest)
}

export function copyWealth(wealth: Wealth): Wealth {
  return { ...wealth, early: [...wealth.early], late: [...wealth.late] }
}

/** In place: what is more than `most` is thrown away, which is always fair. Only for mixtures without later beginnings. */
export function limit(wealth: Wealth, mixture: Mixture, most: number): void {
  const now = wealthOf(wealth, mixture)
  if (now > most) scale(wealth, most / now)
}

/** How far on the way to `goal`, 0 to 1, on the log scale on which evidence grows. */
export function progress(wealth: number, goal: number): number {
  if (wealth <= 1) return 0
  return wealth >= goal ? 1 : Math.log(wealth) / Math.log(goal)
}

/** Only for mixtures without later beginnings: `rest` is a promise about weights and cannot be scaled. */
function scale(wealth: Wealth, by: number): number {
  let total = 0
  for (let k = 0; k < wealth.early.length; k++) total += wealth.early[k]! *= by
  return total
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}
