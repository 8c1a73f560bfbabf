/**
 * Rare events with a relative tolerance: H0: the new version's rate is at most `ratio` times the old one's. Only events are
 * counted; given that one happened, it is the new version's with probability at most θ0 = πρ / (πρ + 1 - π). Needs no
 * denominators, and stays valid while the common rate changes. Source: Lindon & Malek 2022; formula (a2, relative) and (e).
 * Reference: share 0.5, ratio 1, L = 1.7 → new 1.691069, old 0.308931.
 */
import { oddsRatios } from './mixture.ts'
import { checkShare } from './side.ts'

/** Factors for `oddsRatios`. @throws RangeError unless 0 < share < 1 and ratio > 0 */
export function splitEvents(share: number, ratio: number): { new: number[]; old: number[] } {
  checkShare(share)
  if (!(ratio > 0 && ratio < Infinity))
    throw new RangeError(`the ratio that is tolerated must be above 0, it is ${ratio}`)
  const ofNew = (times: number) => (share * times) / (share * times + 1 - share)
  const tolerated = ofNew(ratio)
  const shares = oddsRatios.effects.map((effect) => ofNew(ratio * Math.exp(effect)))
  return {
    new: shares.map((guess) => guess / tolerated),
    old: shares.map((guess) => (1 - guess) / (1 - tolerated)),
  }
}
