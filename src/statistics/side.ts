/** Which version answered. */
export type Side = 'new' | 'old'

/** Keeps a rate off 0 and 1, where odds have no end. */
export function clampRate(rate: number): number {
  return Math.min(1 - 1e-12, Math.max(1e-12, rate))
}

/** @throws RangeError unless the new version's share of the traffic lies between 0 and 1 */
export function checkShare(share: number): void {
  if (!(share > 0 && share < 1))
    throw new RangeError(
      `the new version's share of the traffic must lie between 0 and 1, it is ${share}`,
    )
}
