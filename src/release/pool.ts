/**
 * A pool of model servers that can load and unload: standbys of several services share its places. Who may be loaded is decided for all
 * of them at once, and each service's own loop lets go of a place, out of the routes first.
 *
 * In this order: a rollback before what is only kept; of rollbacks, first those that are loaded (what moved stays moved, rulings §2), then
 * the one that was asked for first; of what is kept, the version that was left last, for it is wanted back most likely.
 */
import { colourOf } from './roles.ts'
import type { Environment, Rung, Service } from './release.ts'
import { countReady, ownOf, replicasOf, tenantsText } from './seen.ts'
import type { PoolFact, ReplicaFact, Seen, Tenant } from './seen.ts'

/** One model that wants a place. */
export type Lease = Tenant & {
  replica: string
  pool: string
  isLoaded: boolean
  /** Since when it is rolled back to, wall time, ms; null: it is only kept. */
  rollback: number | null
}

/** Those that want a place for the same pool, first those that get one. Pure. */
export function inOrder(leases: readonly Lease[]): readonly Lease[] {
  return leases.toSorted(
    (a, b) =>
      Number(b.rollback !== null) - Number(a.rollback !== null) ||
      (a.rollback === null || b.rollback === null
        ? numberOf(b.release) - numberOf(a.release)
        : Number(b.isLoaded) - Number(a.isLoaded) || a.rollback - b.rollback) ||
      numberOf(a.release) - numberOf(b.release) ||
      (a.replica < b.replica ? -1 : 1),
  )
}

/** By replica. @param models places in this pool */
export function placesOf(leases: readonly Lease[], models: number): Map<string, PoolFact> {
  const sorted = inOrder(leases)
  const heldBy = sorted.slice(0, models).map(({ service, release }) => ({ service, release }))
  return new Map(
    sorted.map(({ replica, pool: name }, index) => [
      replica,
      index < models ? { name, holds: true, heldBy: [] } : { name, holds: false, heldBy },
    ]),
  )
}

/** Whom a further standby, of the newest release, would push out of a full pool; null: nobody, for it would get no place. */
export function pushedOutBy(leases: readonly Lease[], models: number): readonly Lease[] | null {
  const sorted = inOrder(leases)
  const stay = sorted.filter(({ rollback }) => rollback !== null).length
  return stay >= models ? null : sorted.slice(models - 1, models)
}

/** `r12` → 12: they rise over all services. */
function numberOf(release: string): number {
  return Number(release.slice(1))
}

/** The models of a place in a pool. */
export function pooledOf(replicas: readonly ReplicaFact[]): readonly ReplicaFact[] {
  return replicas.filter(({ pool }) => pool !== undefined)
}

/** A standby without a place, where others have them all. */
export function isPushedOut({ pool }: ReplicaFact): boolean {
  return pool !== undefined && !pool.holds
}

/**
 * Models that leave their pool, ids: the version has its own replicas again, or steps up from a pool that does not carry it. What it
 * answers, own replicas answer first.
 */
export function leavingPool(service: Service, seen: Seen, rung: Rung | null): readonly string[] {
  return (['standby', 'live'] as const).flatMap((role) => {
    const placed = service[role]
    const place = colourOf(service, role)
    if (placed === null || place === null || (role === 'standby' && rung?.rung === 'shared'))
      return []
    const here = replicasOf(seen, place, placed.release)
    const isWhole = countReady(ownOf(here)) >= placed.replicas
    // Not until others answer for it; what answers nobody is not waited for, but on the way back: it may still come.
    return pooledOf(here)
      .filter(({ state }) => isWhole || (role === 'standby' && state !== 'ready'))
      .map(({ id }) => id)
  })
}

/** Standbys that are loaded where they have no place any more: they leave the routes, and then their pool. */
export function pushedOut(service: Service, seen: Seen): readonly ReplicaFact[] {
  const place = colourOf(service, 'standby')
  if (service.standby === null || place === null) return []
  return replicasOf(seen, place, service.standby.release).filter(
    (one) => isPushedOut(one) && one.state !== 'asleep' && one.state !== 'stopping',
  )
}

/** `pool spare, where r9 of rank has the place` */
export function heldText({ name, heldBy }: PoolFact): string {
  return heldBy.length === 0
    ? `pool ${name}, full of models that others loaded`
    : `pool ${name}, full of ${tenantsText(heldBy)}`
}

/** The standby's place, and the pool it is to be in; null: in none. */
export function poolPlace(
  service: Service,
  rung: Rung | null,
): { environment: Environment; pool: string } | null {
  const environment = colourOf(service, 'standby')
  if (service.standby === null || environment === null || rung?.rung !== 'shared') return null
  return { environment, pool: rung.pool }
}
