/**
 * What a new version's errors are judged against when no old traffic runs beside it: two rates, fixed before the switch.
 * Between them lies what is neither surely worse nor surely no worse.
 */
import { lowerBound, upperBound } from '../statistics/clopper-pearson.ts'
import type { WatchRules } from './guard.ts'

export type Baseline = {
  /** Surely above this: worse. */
  worse: number
  /** Surely below this: no worse. */
  limit: number
  /** What the bets may still risk; a part may have gone into the bounds of the history. */
  rollbackRisk: number
  promotionRisk: number
  /** The error share to expect where nothing is known yet of the new version. */
  expected: number
  /** The other side of the comparison, as a phrase. */
  against: string
}

/** Rates drift with the hour: before/after needs a relative margin (statistics: ρ = 1.5 holds at a drift of ±50 %). */
export const beforeAfterMargin = 1.5
/** Absolute; differences below two errors in a thousand are nobody's concern. */
export const tolerance = 0.002
/** With fewer answers than these there is no history to speak of: the bound would let nearly everything through. */
export const historyMin = 30
/** Part of each risk that pays for not knowing the old version's rate: half is close to the fastest for common histories. */
const boundShare = 0.5
/** A risk above one half asks for a coin; a risk of nothing can never be reached. */
const [riskMin, riskMax] = [1e-12, 0.5]
const [rateMin, rateMax] = [0.0005, 0.95]

/** @throws RangeError on counts or rules that are no numbers in their range */
export function baselineOf(
  rules: WatchRules,
  old: { bad: number; total: number } | null,
): Baseline {
  const rollback = risk('falseRollbackRisk', rules.falseRollbackRisk)
  const promotion = risk('badPromotionRisk', rules.badPromotionRisk)
  const margin = share('errors.margin', rules.errors.margin)
  const atMost = share('errors.atMost', rules.errors.atMost)
  const { bad, total } = counts(old)

  if (total < historyMin) {
    const known = total === 0 ? 0 : bad / total
    return {
      // An old version that failed in front of our eyes must not block its fix.
      worse: rate(Math.max(atMost, beforeAfterMargin * known)),
      limit: rate(atMost),
      rollbackRisk: rollback,
      promotionRisk: promotion,
      expected: known,
      against: `the ${percent(atMost)} that the manifest accepts (${total === 0 ? 'no old version to compare with' : `only ${total} answers of the old version, ${bad} of them errors: too few to compare with`})`,
    }
  }
  const high = upperBound(bad, total, boundShare * rollback)
  const low = lowerBound(bad, total, boundShare * promotion)
  return {
    worse: rate(Math.max(beforeAfterMargin * high, high + tolerance)),
    limit: rate(low + margin),
    rollbackRisk: (1 - boundShare) * rollback,
    promotionRisk: (1 - boundShare) * promotion,
    expected: bad / total,
    against: `the old version's ${bad} errors in ${total} answers (before/after: weak evidence)`,
  }
}

/** 0.0123 → `1.23 %` */
export function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}

function counts(old: { bad: number; total: number } | null): { bad: number; total: number } {
  if (old === null) return { bad: 0, total: 0 }
  if (
    !(
      Number.isInteger(old.bad) &&
      Number.isInteger(old.total) &&
      old.bad >= 0 &&
      old.bad <= old.total
    )
  )
    throw new RangeError(
      `the old version's history needs 0 ≤ bad ≤ total, it is ${old.bad} of ${old.total}`,
    )
  return old
}

function risk(name: string, value: number): number {
  return Math.min(riskMax, Math.max(riskMin, share(name, value)))
}

function share(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new RangeError(`${name} must be a share between 0 and 1, it is ${value}`)
}

function rate(value: number): number {
  return Math.min(rateMax, Math.max(rateMin, value))
}
