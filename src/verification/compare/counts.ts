/** What is asked of a comparison, and what is counted in it. */
import type { Comparison } from './comparison.ts'

export type TallyRules = {
  how: Comparison
  /** The share of inputs, beyond the noise, that may be answered otherwise. */
  noWorseBy: number
  /** A JSON path into the request that names its slice (a route, a tenant, a language); null for none. */
  slice: string | null
  /** That a candidate which is farther by `noWorseBy` passes; that one which is not fails. However often it is looked at. */
  risk: { pass: number; fail: number }
}

export type Counts = {
  total: number
  /** The candidate's answer is not live's. */
  differs: number
  /** Live was asked again. */
  twice: number
  /** Live's second answer is not its first. */
  noisy: number
  farther: number
  nearer: number
  /** Live contradicts itself so far that nothing could be farther. */
  full: number
}

export const usualRisk = { pass: 0.05, fail: 0.01 }
/** More are counted together. */
export const slicesMax = 50
