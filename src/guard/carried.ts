/**
 * What shadow and replay found before the switch, as evidence of the watch (rulings §4): the same requests to both versions, and which
 * the new one alone failed on. It counts for "no worse" only, for gates have judged "worse" already; and at most for as much as is
 * needed, so that what clients are answered afterwards can still outweigh it.
 */
import { bet, limit } from '../statistics/engine.ts'
import { fractions } from '../statistics/mixture.ts'
import { nonInferiorPaired } from '../statistics/non-inferior-paired.ts'
import type { SignalState } from './signals.ts'

/** `newOnly` of `total` requests that the old version answered. JSON. */
export type Carried = { total: number; newOnly: number }

/** What of the live traffic pairs are made of: `GatewayState`'s `tapped`. */
export type Tapped = { asked: number; allowed: number; sent: number; missed: number }

/** Of fewer requests nobody knows what they are like. */
const enough = 50
/** As of a control group (coverage.ts): pairs stand for all only where nearly all may be copied, and is. */
const coveredShare = 0.9
/** What is enough stays enough in floating point. */
const rounding = 1 + 1e-6
/** Gates do not compare more. */
const pairsMax = 1_000_000

export function standsForAll({ asked, allowed, sent, missed }: Tapped): boolean {
  return (
    asked >= enough &&
    allowed >= coveredShare * asked &&
    sent > 0 &&
    sent >= coveredShare * (sent + missed)
  )
}

/** In place, before anything else is bet. @throws RangeError on counts that are none */
export function carry(signal: SignalState, carried: Carried): void {
  const { total, newOnly } = carried
  const isCount = (one: number) => Number.isInteger(one) && one >= 0
  if (!isCount(total) || !isCount(newOnly) || newOnly > total || total > pairsMax)
    throw new RangeError(
      `pairs from before the switch need 0 ≤ newOnly ≤ total ≤ ${pairsMax}, they are ${newOnly} of ${total}`,
    )
  if (signal.kind !== 'yesNo' || total === 0) return
  const factors = nonInferiorPaired(signal.rules.margin)
  for (const wealth of signal.fine) {
    for (let pair = 0; pair < total; pair++)
      bet(wealth, fractions, pair < newOnly ? factors.newOnly : factors.same)
    limit(wealth, fractions, signal.fineGoal * rounding)
  }
  signal.carried = carried
}

/** To be added to what was seen; empty where nothing was carried. */
export function carriedSaid({ carried }: Pick<SignalState, 'carried'>): string {
  if (carried === undefined) return ''
  const { total, newOnly } = carried
  return `; before the switch ${newOnly} of ${total} copied requests failed on the new version alone`
}
