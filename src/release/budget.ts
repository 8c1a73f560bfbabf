/**
 * A budget that is reached makes a release cheaper by one cut, and each further tenth of it by one more: copies first, then the
 * standby a rung at a time, or the candidate. Live is never touched, and neither is the standby of a watch: it may have to take over.
 */
import type { Move } from './move.ts'
import { isCandidate } from './release.ts'
import type { Release, Service } from './release.ts'
import type { Seen, Spent } from './seen.ts'

/** Of a budget, between two cuts. */
const furtherShare = 0.1

/** The budget that asks for a cut now. */
export function reached({ thrift }: Release, { spent = [] }: Seen): Spent | null {
  return spent.find((one) => one.spent >= (thrift?.next[one.name] ?? one.limit)) ?? null
}

/** Before the ladder; there the next rung is the cut. Null: nothing to cut. */
export function cutBack(service: Service, release: Release, seen: Seen): Move | null {
  const cut = reached(release, seen)
  const { name } = release.phase
  const isBefore = isCandidate(release.phase)
  if (cut === null || !(isBefore || ['switching', 'watching', 'stabilizing'].includes(name)))
    return null
  // A first version adds nothing to a single environment.
  if (service.live === null || (service.standby === null && !isBefore)) return null
  if (release.thrift === undefined)
    return { to: 'thrift', cut, because: `${budgetText(cut)}: nothing is mirrored for it any more` }
  // The way back to an older version is not a matter of money.
  if (isBefore && release.kind !== 'rollback')
    return { to: 'clearing', endsAs: 'rejected', because: `${budgetText(cut)}, before it was live` }
  return null
}

export function withCut(release: Release, cut: Spent, at: number): Release {
  const next = { ...release.thrift?.next, [cut.name]: cut.spent + cut.limit * furtherShare }
  return { ...release, thrift: { at: release.thrift?.at ?? at, next } }
}

/** Nothing new begins in a month whose money is spent, but what leads back. */
export function outOfMoney(
  service: Service,
  release: Release,
  { spent = [] }: Pick<Seen, 'spent'>,
): Spent | null {
  if (release.kind === 'rollback' || service.live === null) return null
  return spent.find((one) => one.of === 'month' && one.spent >= one.limit) ?? null
}

export function budgetText({ name, spent, limit, currency }: Spent): string {
  return `the budget of ${name} is reached (${spent.toFixed(2)} of ${limit.toFixed(2)} ${currency})`
}
