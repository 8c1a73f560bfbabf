/**
 * Embeddings: lists of numbers of which the direction counts. Two are alike where each number is within its tolerance, or
 * where the angle between them is so small that no search would order anything otherwise. Known by the name of their field:
 * in a forecast of as many numbers each one counts.
 */
import type { Place } from './fields.ts'

const names = /embedding|vector/i
const vectorMin = 16
/** 1 - cosine. Half-precision arithmetic in another order makes some 1e-6. */
const angleMax = 1e-4

export function isVector(place: Place, list: readonly unknown[]): list is readonly number[] {
  return (
    list.length >= vectorMin &&
    place.some((step) => typeof step === 'string' && names.test(step)) &&
    list.every((one) => typeof one === 'number')
  )
}

export function vectorsAlike(
  a: readonly number[],
  b: readonly number[],
  alike: (x: number, y: number) => boolean,
): boolean {
  if (a.every((one, index) => alike(one, b[index]!))) return true
  let [dot, own, other] = [0, 0, 0]
  for (let index = 0; index < a.length; index++) {
    dot += a[index]! * b[index]!
    own += a[index]! ** 2
    other += b[index]! ** 2
  }
  // Not so for lists of figures: the length must be alike too.
  const stretched = Math.abs(Math.sqrt(own / other) - 1)
  return stretched <= angleMax && 1 - dot / Math.sqrt(own * other) <= angleMax
}
