/**
 * What a history of `bad` in `total` says against each range of rates: an e-value, the likelihood of the history under a
 * guess made before it (Jeffreys' prior, Beta ½ ½) over its largest likelihood in the range. While the true rate lies in the
 * range, its expectation is at most 1; so times the wealth of a bet that begins afterwards it is still a wealth, and the
 * history needs no part of the risk. Source: Robbins 1970; Wasserman, Ramdas & Balakrishnan 2020 (universal inference).
 * Reference: 0 of 100 against [0.1, 0.2] → 2123.62; against [0, 0.1] → 0.0564…
 */
import { logFactorial } from './log-factorial.ts'

/** @throws RangeError on counts or a range that are none */
export function evidenceAgainst(
  { bad, total }: { bad: number; total: number },
  { low, high }: { low: number; high: number },
): number {
  if (!(bad >= 0 && bad <= total && Number.isInteger(bad) && Number.isInteger(total)))
    throw new RangeError(`a history needs counts with 0 ≤ bad ≤ total, they are ${bad} of ${total}`)
  if (!(low >= 0 && low <= high && high <= 1))
    throw new RangeError(`a range of rates must lie between 0 and 1, it is ${low} to ${high}`)
  if (total === 0) return 1
  const best = Math.min(high, Math.max(low, bad / total))
  const likelihood = times(bad, Math.log(best)) + times(total - bad, Math.log1p(-best))
  return Math.exp(logMarginal(bad, total) - likelihood)
}

function logMarginal(bad: number, total: number): number {
  return (
    logFactorial(bad - 0.5) +
    logFactorial(total - bad - 0.5) -
    logFactorial(total) -
    Math.log(Math.PI)
  )
}

/** 0 · ln 0 is 0: what never happened needs no probability. */
function times(count: number, log: number): number {
  return count === 0 ? 0 : count * log
}
