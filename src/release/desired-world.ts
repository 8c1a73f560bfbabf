/** What should be up, and where traffic goes: a table that can be read. It speaks of services and roles, never of steps. */
import type { Control, Environment, Placed, Role, Rung, Service, Sticky } from './release.ts'
import { other } from './release.ts'
import { colourOf, notLive, roleOf } from './roles.ts'
import { leavingPool, pooledOf, pushedOut } from './pool.ts'
import { countReady, isToGo, ownOf, replicasOf } from './seen.ts'
import type { EnvironmentFact, ReplicaFact, Seen } from './seen.ts'
import { beyondOf, onOfCandidate, onOfLive, onOfStandby } from './spot.ts'
import type { On } from './spot.ts'

export type World = {
  live: Environment | 'none'
  environments: Record<Environment, Desired>
  copies: Copied | null
  split: Split | null
}

/** Where live requests are sent a second time, and which. */
export type Copied = Control & { to: Environment }

/** A part of the live traffic that another place answers than the one that answers the rest. */
export type Split = { to: Environment; share: number; sticky: Sticky | null }

/** `asleep`: its replicas are out of the routes, and sleep. `on`: which capacity. */
export type Desired = { role: Role; placed: Placed | null; asleep: boolean; on: On }

export function desiredWorld(service: Service): World {
  return {
    live: service.colour,
    environments: { blue: desired(service, 'blue'), green: desired(service, 'green') },
    copies: copied(service),
    split: splitOf(service),
  }
}

/** The control group: the standby is asked what the new version is asked, while that is watched. */
function copied(service: Service): Copied | null {
  const { release, standby } = service
  const phase = release?.phase.name
  if (standby === null || (phase !== 'switching' && phase !== 'watching')) return null
  const control = release?.rules.control
  if (control === undefined || release?.thrift !== undefined) return null
  return { ...control, to: colourOf(service, 'standby')! }
}

/** While a switch goes in steps; in the last one there is nothing left to split. */
function splitOf({ release, standby, colour }: Service): Split | null {
  const phase = release?.phase
  if (phase?.name !== 'switching' || phase.share === undefined) return null
  if (standby === null || colour === 'none') return null
  return { to: colour, share: phase.share, sticky: release!.rules.traffic?.sticky ?? null }
}

function desired(service: Service, environment: Environment): Desired {
  const role = roleOf(service, environment)
  const placed = role === 'live' ? service.live : (notLive(service)?.placed ?? null)
  if (role === 'empty' || placed === null)
    return { role, placed: null, asleep: false, on: onOfLive({}) }
  if (role === 'live') return { role, placed, asleep: false, on: onOfLive(placed) }
  if (role === 'candidate')
    return { role, placed, asleep: false, on: onOfCandidate(service.release!) }
  const drilled = isDrilled(service)
  const rung = drilled ? null : rungOf(service)
  const replicas = keptOn(rung, placed)
  const on = onOfStandby(service, placed, { rung, isDrilled: drilled })
  return { role, placed: { ...placed, replicas }, asleep: rung?.rung === 'asleep', on }
}

/** Replicas of its own. */
function keptOn(rung: Rung | null, { replicas }: Placed): number {
  if (rung?.rung === 'shared') return 0
  return rung?.rung === 'replicas' ? Math.min(rung.replicas, replicas) : replicas
}

/** In a drill it is brought to its full size. */
function isDrilled({ release }: Service): boolean {
  return release?.phase.name === 'stabilizing' && release.phase.drill !== undefined
}

/** The rung on which the standby stands; null where it is not on the ladder: then it is full. */
export function rungOf({ release }: Service): Rung | null {
  const { phase, rules } = release ?? {}
  return phase?.name === 'stabilizing' ? (rules!.standby[phase.rung] ?? null) : null
}

/**
 * What stands beyond what is asked for, ids: of a standby on a lower rung, and of a live version that was made smaller while nothing is
 * released. It leaves the routes, what it had begun ends, and then it stops.
 */
export function surplus(service: Service, seen: Seen): readonly string[] {
  const rung = rungOf(service)
  const own = (['blue', 'green'] as const).flatMap((place) => {
    const { role, placed, on } = desired(service, place)
    const mayShrink = role === 'standby' || (role === 'live' && service.release === null)
    if (placed === null) return []
    // None of its own leaves for a pool before that answers for it.
    const pooled = pooledOf(replicasOf(seen, place, placed.release))
    if (role === 'standby' && rung?.rung === 'shared' && countReady(pooled) === 0) return []
    const running = runningIn(seen, place, placed)
    return beyondOf(on, placed.replicas, { running, mayShrink }).map(({ id }) => id)
  })
  return [...own, ...leavingPool(service, seen, rung)]
}

/** Its own, up or coming up, and to stay. */
export function runningIn(
  seen: Seen,
  place: Environment,
  { release }: Placed,
): readonly ReplicaFact[] {
  return ownOf(replicasOf(seen, place, release)).filter(
    (one) => one.state !== 'failed' && one.state !== 'stopping' && !isToGo(seen, one),
  )
}

/** What the gateway should route by, without its generation. */
export type Routes = {
  live: Environment | null
  preview: Environment | null
  environments: Record<Environment, EnvironmentFact | null>
  copies?: Copied | null
  split?: Split | null
}

/**
 * Replicas stand in the routes once they were ready; whether one answers at this moment is the gateway's to see.
 * A place whose replicas are to go leaves the routes first.
 */
export function desiredRoutes(service: Service, seen: Seen): Routes {
  const world = desiredWorld(service)
  const leaving = [...surplus(service, seen), ...pushedOut(service, seen).map(({ id }) => id)]
  const standing = (environment: Environment): EnvironmentFact | null => {
    const { placed, asleep } = world.environments[environment]
    if (placed === null || asleep) return null
    const answering = replicasOf(seen, environment, placed.release).filter(
      ({ id, state }) => (state === 'ready' || state === 'unready') && !leaving.includes(id),
    )
    const kept = answering.filter((one) => !isToGo(seen, one))
    // What is to be replaced leaves once its successor answers: added before removed. What is taken away soon, once any other does.
    const staying =
      countReady(kept) > 0 ? answering.filter((one) => one.noticed !== true) : answering
    const replicas = (countReady(kept) >= placed.replicas ? kept : staying)
      .map(({ id, address }) => ({ id, host: address.host, port: address.port }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    return replicas.length === 0
      ? null
      : { release: placed.release, version: placed.version, replicas }
  }
  const environments = { blue: standing('blue'), green: standing('green') }
  const { copies } = world
  const back = wayOfReturn(service, seen)
  const split = back?.split ?? world.split
  // What does not answer gets no part of it.
  const isSplit = split !== null && environments.blue !== null && environments.green !== null
  // While it is split the other version answers the rest, as before.
  const wanted = back?.live ?? (split === null ? colourOf(service, 'live') : other(split.to))
  const live = liveNow(wanted, environments, seen)
  return {
    live,
    preview: previewNow(service, seen),
    environments,
    // Only what live traffic has really moved away from is a control group.
    copies:
      copies === null || (live === copies.to && !isSplit) || environments[copies.to] === null
        ? null
        : copies,
    split: isSplit ? split : null,
  }
}

/**
 * A rollback gives the standby at once what its ready replicas can carry, and more as they come back; it never takes anything away
 * from it again, and what does not fit stays where it is (rulings §2). Null where it is not that, or all of it may go.
 */
function wayOfReturn(
  service: Service,
  seen: Seen,
): { live: Environment; split: Split | null } | null {
  const { release, colour, live } = service
  if (release?.phase.name !== 'rolling-back' || release.phase.hard === true) return null
  if (colour === 'none' || live === null || seen.gateway?.live === colour) return null
  const left = other(colour)
  // Where nothing else answers, all of it goes.
  if (countReady(replicasOf(seen, left, release.id)) === 0) return null
  const { split = null } = seen.gateway ?? {}
  const moved = split?.to === colour ? split.share : 0
  const share = Math.max(moved, capacity(countReady(replicasOf(seen, colour, live.release)), live))
  if (share >= 1) return null
  return { live: left, split: share === 0 ? null : { to: colour, share, sticky: null } }
}

/** Of the traffic that it had when it was live, 0 to 1. */
export function capacity(ready: number, { replicas }: Placed): number {
  return Math.min(1, ready / replicas)
}

/** A first version is routed only once it switches: until then the route answers that there is no live version. */
function liveNow(
  wanted: Environment | null,
  environments: Routes['environments'],
  seen: Seen,
): Environment | null {
  if (wanted === null) return null
  if (environments[wanted] !== null) return wanted
  // Nothing answers where live should be: leave traffic where it is rather than pointing it at nothing.
  const now = seen.gateway?.live ?? null
  return now !== null && environments[now] !== null ? now : null
}

const previewed: readonly string[] = ['warming', 'verifying', 'awaiting-approval']

function previewNow(service: Service, seen: Seen): Environment | null {
  const { release } = service
  if (release === null || !previewed.includes(release.phase.name)) return null
  const place = colourOf(service, 'candidate')!
  return countReady(replicasOf(seen, place, release.id)) > 0 ? place : null
}
