/**
 * Rules that other tools watch errors with, modelled from their documentation and code, for comparison only (they are not
 * run). A window is 500 requests. Each judge answers `true` when it would roll back.
 */
import type { Side } from '../../src/statistics/side.ts'

export type Judge = (side: Side, bad: boolean) => boolean

const window = 500

/** Argo Rollouts: a success condition per window, and how many failed windows are forgiven. */
export function successCondition(atLeast: number, failureLimit: number): Judge {
  return perWindow((failed) => failed > failureLimit, atLeast)
}

/** Flagger: a threshold per window; failed checks add up and are never forgiven. */
export function failedChecks(atLeast: number, threshold: number): Judge {
  return perWindow((failed) => failed >= threshold, atLeast)
}

function perWindow(isOver: (failed: number) => boolean, atLeast: number): Judge {
  let [seen, own, bad, failed] = [0, 0, 0, 0]
  return (side, isBad) => {
    seen++
    if (side === 'new') {
      own++
      if (isBad) bad++
    }
    if (seen < window) return false
    if (1 - bad / Math.max(own, 1) < atLeast) failed++
    seen = own = bad = 0
    return isOver(failed)
  }
}

/** The test from the textbook for two rates, looked at again and again as if each look were the first. */
export function repeatedZ(every: number, critical = 2.326348): Judge {
  const counts = { new: { bad: 0, total: 0 }, old: { bad: 0, total: 0 } }
  let seen = 0
  return (side, isBad) => {
    counts[side].total++
    if (isBad) counts[side].bad++
    if (++seen % every !== 0) return false
    const { new: own, old } = counts
    if (own.total === 0 || old.total === 0) return false
    const pooled = (own.bad + old.bad) / (own.total + old.total)
    const spread = Math.sqrt(pooled * (1 - pooled) * (1 / own.total + 1 / old.total))
    return spread > 0 && (own.bad / own.total - old.bad / old.total) / spread > critical
  }
}

/** Mann–Whitney over error rates per window, from ten windows on, every five: the way of Kayenta, without its tolerance. */
export function mannWhitney(critical = 2.326348): Judge {
  const series: Record<Side, number[]> = { new: [], old: [] }
  let present = { new: { bad: 0, total: 0 }, old: { bad: 0, total: 0 } }
  let seen = 0
  return (side, isBad) => {
    present[side].total++
    if (isBad) present[side].bad++
    if (++seen % window !== 0) return false
    for (const arm of ['new', 'old'] as const)
      series[arm].push(present[arm].bad / Math.max(present[arm].total, 1))
    present = { new: { bad: 0, total: 0 }, old: { bad: 0, total: 0 } }
    const count = series.new.length
    return count >= 10 && count % 5 === 0 && rankSum(series.new, series.old) > critical
  }
}

/** Standardised count of (new, old) pairs in which the new one is larger; normal approximation, corrected for ties. */
function rankSum(own: readonly number[], old: readonly number[]): number {
  const [n, m] = [own.length, old.length]
  let larger = 0
  for (const x of own) for (const y of old) larger += x > y ? 1 : x === y ? 0.5 : 0
  const groups = new Map<number, number>()
  for (const x of [...own, ...old]) groups.set(x, (groups.get(x) ?? 0) + 1)
  let ties = 0
  for (const size of groups.values()) ties += size ** 3 - size
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
  return variance > 0 ? (larger - (n * m) / 2) / Math.sqrt(variance) : 0
}
