/**
 * ln n! = ln Γ(n + 1), for whole numbers and those in between, from -0.5 on. Stirling's series with three terms: from 20 on
 * its error is below 1e-12, and what is smaller is multiplied up to there. Reference: 10 → 15.104413; -0.5 → 0.572365.
 */
export function logFactorial(n: number): number {
  if (!(n >= -0.5 && n < Infinity))
    throw new RangeError(`a factorial needs a number from -0.5 on, it is ${n}`)
  let [base, skipped] = [n, 0]
  while (base < 20) skipped += Math.log(++base)
  const series = 1 / (12 * base) - 1 / (360 * base ** 3) + 1 / (1260 * base ** 5)
  return base * Math.log(base) - base + 0.5 * Math.log(2 * Math.PI * base) + series - skipped
}
