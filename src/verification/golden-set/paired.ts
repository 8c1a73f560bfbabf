/**
 * How much two versions differ on the same inputs, with a 95 % interval: Wald with one imagined win added to each side,
 * so that "no difference in ten" is not called certain (Bonett & Price 2012). With scores between 0 and 1 the squares
 * of the differences stand for the counts; for right and wrong it is their formula.
 * Reference: 8 inputs only the first has right, 3 only the second, 89 alike → 0.05, [-0.01961, 0.11765].
 */
import { mean } from './mean.ts'

export type Paired = { by: number; interval95: [number, number]; compared: number }

const z = 1.959964

/** @param pairs scores of the first and the second; positive means the first is better. Null where there are none */
export function pairedDifference(pairs: readonly (readonly [number, number])[]): Paired | null {
  if (pairs.length === 0) return null
  const differences = pairs.map(([first, second]) => first - second)
  const by = mean(differences)
  const total = pairs.length + 2
  const centre = (by * pairs.length) / total
  const squares = (differences.reduce((sum, one) => sum + one * one, 0) + 2) / total
  const spread = z * Math.sqrt((squares - centre * centre) / total)
  return {
    by,
    interval95: [Math.max(-1, centre - spread), Math.min(1, centre + spread)],
    compared: pairs.length,
  }
}
