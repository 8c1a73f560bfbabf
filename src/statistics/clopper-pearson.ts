/**
 * Exact bounds for a rate from `hits` of `total`, each wrong with probability at most `risk`: the upper one is the rate at
 * which so few hits are exactly as improbable as the risk. Source: Clopper & Pearson 1934.
 * Reference: 0 of 100 at 0.001 → upper 0.0667457; 10 of 100 at 0.05 → [0.0552632, 0.1637176].
 */
export function upperBound(hits: number, total: number, risk: number): number {
  check(hits, total, risk)
  if (hits === total) return 1
  const goal = Math.log(risk)
  let [below, above] = [hits / total, 1]
  // 60 halvings use up the 52 bits of a number.
  for (let halving = 0; halving < 60; halving++) {
    const middle = (below + above) / 2
    if (logAtMost(hits, total, middle) <= goal) above = middle
    else below = middle
  }
  return above
}

export function lowerBound(hits: number, total: number, risk: number): number {
  return 1 - upperBound(total - hits, total, risk)
}

/** ln P(at most `hits` of `total`) for a rate above hits/total: there the terms fall, so few of them matter. */
function logAtMost(hits: number, total: number, rate: number): number {
  const odds = (1 - rate) / rate
  let [sum, term] = [1, 1]
  for (let k = hits; k > 0 && term > 1e-17 * sum; k--) {
    term *= (k / (total - k + 1)) * odds
    sum += term
  }
  const chosen = logFactorial(total) - logFactorial(hits) - logFactorial(total - hits)
  return chosen + hits * Math.log(rate) + (total - hits) * Math.log1p(-rate) + Math.log(sum)
}

/** Stirling's series (three terms): from 20 on its error is below 1e-12. */
function logFactorial(n: number): number {
  let [base, product] = [n, 0]
  while (base < 20) product += Math.log(++base)
  const correction = 1 / (12 * base) - 1 / (360 * base ** 3) + 1 / (1260 * base ** 5)
  const series = base * Math.log(base) - base + 0.5 * Math.log(2 * Math.PI * base) + correction
  return series - product
}

function check(hits: number, total: number, risk: number): void {
  if (!(Number.isInteger(hits) && Number.isInteger(total) && hits >= 0 && hits <= total))
    throw new RangeError(`a bound needs counts with 0 ≤ hits ≤ total, they are ${hits} of ${total}`)
  if (!(risk > 0 && risk < 1))
    throw new RangeError(`the risk of a bound must lie between 0 and 1, it is ${risk}`)
}
