/**
 * A bet on a number in [0, 1] (or on a difference): the factor of component k is 1 + slope_k (x - centre_k). Chosen before x
 * is seen, its expectation is at most 1 wherever E[x] ≤ centre (slopes above 0) or E[x] ≥ centre (slopes below 0).
 */
export type Linear = { slopes: Float64Array; centres: Float64Array }

export function linear(size: number): Linear {
  return { slopes: new Float64Array(size), centres: new Float64Array(size) }
}

export function fill(factors: Float64Array, { slopes, centres }: Linear, x: number): void {
  for (let k = 0; k < factors.length; k++) factors[k] = 1 + slopes[k]! * (x - centres[k]!)
}

/** No bet may risk more than this of its stake: a single surprise must not end it. */
export const stakeMax = 0.95
