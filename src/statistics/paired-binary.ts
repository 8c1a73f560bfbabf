/**
 * Yes/no outcomes in pairs: both versions answered the same request. D is 1 when only the new one failed, -1 when only the
 * old one did, else 0. H0: E[D] ≤ tolerance, whatever was seen before. Factor: 1 + λ(D - tolerance), λ = tanh(L/2) / (1 + tolerance).
 * Without tolerance it is the sequential form of McNemar's test: time of day, mix and base rate cancel.
 * Source: Waudby-Smith & Ramdas 2024 (betting). Reference: tolerance 0, L = 2.6 → 1.861723, 1, 0.138277.
 */
import { oddsRatios } from './mixture.ts'

export type PairedFactors = { newOnly: number[]; same: number[]; oldOnly: number[] }

/** Factors for `oddsRatios`. @throws RangeError unless 0 ≤ tolerance < 1 */
export function pairedBinary(tolerance: number): PairedFactors {
  if (!(tolerance >= 0 && tolerance < 1))
    throw new RangeError(`the tolerance must lie between 0 and 1, it is ${tolerance}`)
  const at = (difference: number) =>
    oddsRatios.effects.map((ratio) => 1 + bet(ratio, tolerance) * (difference - tolerance))
  return { newOnly: at(1), same: at(0), oldOnly: at(-1) }
}

function bet(ratio: number, tolerance: number): number {
  return Math.tanh(ratio / 2) / (1 + tolerance)
}
