/**
 * What a new version's yes/no signal is judged against when no old traffic runs beside it: two rates, fixed before the
 * switch. Between them lies what is neither surely worse nor surely no worse.
 */
import { lowerBound, upperBound } from '../statistics/clopper-pearson.ts'
import type { YesNoRules } from './guard.ts'

export type Baseline = {
  design: 'before-after' | 'one-sample'
  /** Surely above this: worse. */
  worse: number
  /** Surely below this: no worse. */
  limit: number
  /** The share of bad ones to expect where nothing is known yet of the new version. */
  expected: number
  /** The other side of the comparison, as a phrase. */
  against: string
}

export type Counts = { bad: number; total: number }

/** Rates drift with the hour: before/after needs a relative margin (statistics: ρ = 1.5 holds at a drift of ±50 %). */
export const beforeAfterMargin = 1.5
/** With fewer answers than these there is no history to speak of: the bound would let nearly everything through. */
export const historyMin = 30
const [rateMin, rateMax] = [0.0005, 0.95]

/**
 * @param old what was counted of the old version; null when there is none
 * @param risks what the bounds of its rate may cost: each is wrong with at most this probability
 * @throws RangeError on counts that are none
 */
export function baselineOf(
  { name, tolerance, margin, atMost }: Pick<YesNoRules, 'name' | 'tolerance' | 'margin' | 'atMost'>,
  old: Counts | null,
  risks: { rollback: number; promotion: number },
): Baseline {
  const { bad, total } = counts(old)
  if (!isHistory(old)) {
    const known = total === 0 ? 0 : bad / total
    return {
      design: 'one-sample',
      // An old version that failed in front of our eyes must not block its fix.
      worse: rate(Math.max(atMost, beforeAfterMargin * known)),
      limit: rate(atMost),
      expected: known,
      against: `the ${percent(atMost)} that the manifest accepts (${total === 0 ? 'no old version to compare with' : `only ${total} answers of the old version, ${bad} of them ${badOnes(name)}: too few to compare with`})`,
    }
  }
  const high = upperBound(bad, total, risks.rollback)
  const low = lowerBound(bad, total, risks.promotion)
  return {
    design: 'before-after',
    worse: rate(Math.max(beforeAfterMargin * high, high + tolerance)),
    limit: rate(low + margin),
    expected: bad / total,
    against: `the old version's ${bad} ${badOnes(name)} in ${total} answers (before/after: weak evidence)`,
  }
}

export function isHistory(old: Counts | null): old is Counts {
  return old !== null && old.total >= historyMin
}

/** What the bad answers of a signal are called. */
export function badOnes(name: string): string {
  return name === 'errors' ? 'errors' : `bad ones (${name})`
}

/** 0.0123 → `1.23 %` */
export function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}

function counts(old: Counts | null): Counts {
  if (old === null) return { bad: 0, total: 0 }
  const { bad, total } = old
  if (Number.isInteger(bad) && Number.isInteger(total) && bad >= 0 && bad <= total) return old
  throw new RangeError(`the old version's history needs 0 ≤ bad ≤ total, it is ${bad} of ${total}`)
}

function rate(value: number): number {
  return Math.min(rateMax, Math.max(rateMin, value))
}
