/**
 * Several signals, one risk: the weighted average of their wealths is a wealth again, whatever depends on what. Reaching 1/α
 * refutes "not worse in any of them" at risk α, and never later than Bonferroni's division of α would.
 * Source: Vovk & Wang 2021. Reference: 300 and 2 at weights 0.4, 0.6 → 121.2, decided by the first.
 */
export type Signal = {
  name: string
  wealth: number
  /** Relative; they need not sum to 1. */ weight: number
}

/** @returns the average, and the signal that adds most to it; null without signals. @throws RangeError on garbage */
export function combine(signals: readonly Signal[]): { wealth: number; decidedBy: string } | null {
  let [total, sum, most] = [0, 0, -1]
  let decidedBy: string | null = null
  for (const { name, wealth, weight } of signals) {
    if (!(wealth >= 0 && weight > 0 && weight < Infinity))
      throw new RangeError(
        `signal ${name} needs wealth ≥ 0 and weight > 0, it has ${wealth} and ${weight}`,
      )
    total += weight
    sum += weight * wealth
    if (weight * wealth <= most) continue
    most = weight * wealth
    decidedBy = name
  }
  return decidedBy === null ? null : { wealth: sum / total, decidedBy }
}
