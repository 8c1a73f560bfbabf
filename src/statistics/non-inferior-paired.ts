/**
 * The paired bet the other way round. H0: E[D] ≥ margin (the new version is worse by the margin or more). Factor:
 * 1 - λ(D - margin), λ = f / (1 - margin). Reaches 1/β with probability at most β while it is that bad.
 * Source: as paired-binary.ts, reversed. Reference: margin 0.01, f = 0.95 → new only 0.05, same 1.009596, old only 1.969192.
 */
import { fractions } from './mixture.ts'
import type { PairedFactors } from './paired-binary.ts'

/** Factors for `fractions`. @throws RangeError unless 0 ≤ margin < 1 */
export function nonInferiorPaired(margin: number): PairedFactors {
  if (!(margin >= 0 && margin < 1))
    throw new RangeError(`the margin must lie between 0 and 1, it is ${margin}`)
  const at = (difference: number) =>
    fractions.effects.map((fraction) => 1 - (fraction / (1 - margin)) * (difference - margin))
  return { newOnly: at(1), same: at(0), oldOnly: at(-1) }
}
