/**
 * The bet the other way round, H0: rate ≥ limit. Evidence for "not worse" grows with every good answer: factor of component
 * f is the likelihood ratio of limit·(1-f) and limit. Reaches 1/β with probability at most β while the rate is at the limit or above.
 * Reference: limit = 0.01, f = 0.95, good → (1 - 0.0005) / (1 - 0.01) = 1.009596.
 */
const fractions = [0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 0.95] as const

export type Support = readonly number[]

export function beginSupport(): Support {
  return fractions.map(() => 1 / fractions.length)
}

/** @throws RangeError unless 0 < limit < 1 */
export function support(before: Support, bad: boolean, limit: number): Support {
  if (!(limit > 0 && limit < 1))
    throw new RangeError(`the limit must lie between 0 and 1, it is ${limit}`)
  return before.map((value, k) => {
    const fraction = fractions[k]!
    return value * (bad ? 1 - fraction : (1 - limit * (1 - fraction)) / (1 - limit))
  })
}

export function supportOf(values: Support): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Good answers in a row that are still needed until the support reaches `goal`; Infinity beyond `most`. */
export function goodAnswersUntil(values: Support, limit: number, goal: number, most = 1e7): number {
  const growth = fractions.map((fraction) => Math.log((1 - limit * (1 - fraction)) / (1 - limit)))
  const after = (count: number) =>
    values.reduce((total, value, k) => total + value * Math.exp(count * growth[k]!), 0)
  if (after(0) >= goal) return 0
  let [low, high] = [0, 1]
  while (after(high) < goal) {
    if (high > most) return Infinity
    high *= 2
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (after(middle) >= goal) high = middle
    else low = middle
  }
  return high
}
