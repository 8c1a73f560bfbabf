/**
 * GPU slots of a standby that sleeps are leased to candidates, of any service, until they are called back (rulings §12). A rollback
 * beats a new release: it calls them back at once. What is live holds no lease, so a candidate on one does not switch.
 */
import { enter } from './enter.ts'
import { isCandidate } from './release.ts'
import type { Now, Release, Service } from './release.ts'
import type { ReplicaFact, Seen, Tenant } from './seen.ts'

/** Who has to go before this service can go back. */
export function inTheWay({ release, live }: Service, { replicas }: Seen): readonly Tenant[] {
  if (release?.phase.name !== 'rolling-back') return []
  return replicas
    .filter((one) => one.release === live?.release)
    .flatMap(({ lentTo = [] }) => lentTo)
}

/** Whose slots a candidate is on. */
export function lendersOf(own: readonly ReplicaFact[]): readonly Tenant[] {
  return own.flatMap(({ leasedFrom = [] }) => leasedFrom)
}

/** The service whose candidate gives its slots back; null: it is no candidate any more. */
export function calledBack(
  service: Service,
  release: string,
  { by, now }: { by: Release; now: Now },
): Service | null {
  if (service.release?.id !== release || !isCandidate(service.release.phase)) return null
  const because = `its GPU slots were leased from ${by.service}, and the rollback of ${by.id} called them back`
  return enter(service, service.release, { to: 'clearing', endsAs: 'rejected', because }, now)
}
