/**
 * The difference between the desired world and what was seen, as a list of actions in one fixed order:
 * bring up → prove ready → move traffic → drain → take down. Pure; every action may be repeated safely.
 */
import { elapsedS } from './clock.ts'
import { bigEnough } from './big-enough.ts'
import {
  capacity,
  desiredRoutes,
  desiredWorld,
  rungOf,
  runningIn,
  surplus,
} from './desired-world.ts'
import type { Routes } from './desired-world.ts'
import { decides, gatesTaken, inPhase, isOld } from './gates.ts'
import { inTheWay } from './leases.ts'
import type { Environment, Now, Placed, Service } from './release.ts'
import { removalIsOver } from './remove.ts'
import { colourOf } from './roles.ts'
import { pooledOf, poolPlace, pushedOut } from './pool.ts'
import { countReady, isToGo, replicasOf } from './seen.ts'
import type { PoolFact, Seen, Tenant } from './seen.ts'
import { counting, lackingOf, onOfCandidate } from './spot.ts'

export type Action =
  /** `pool`: there, in place of a replica of its own. `spot`: on capacity that may be taken away. */
  | {
      do: 'start'
      environment: Environment
      placed: Placed
      count: number
      pool?: string
      spot?: true
    }
  /** Takes a replica down that nothing routes to (it never became ready). */
  | { do: 'stop'; environment: Environment; replica: string }
  /** Takes down one that was routed and has been replaced: the gateway is asked right before (rulings §8). */
  | { do: 'stop-replaced'; replica: string }
  | { do: 'gate'; gate: string; attempt: number }
  /** Under the generation that the phase journalled; under a new one (`generation: null`) where only replicas changed. */
  | { do: 'route'; routes: Routes; back: Routes | null; generation: number | null }
  /** The prepared way back: one store, no acknowledgement. `share`: of the traffic, that it moves. */
  | { do: 'store-back'; generation: number; share: number }
  | { do: 'cut'; environment: Environment; because: string }
  /** `forgetThen(act)`: they leave their accelerators. */
  | { do: 'sleep'; environment: Environment; replicas: readonly string[] }
  | { do: 'wake'; replicas: readonly string[] }
  /** Out of its pool, where others have the places now: it is routed to by nobody, and what it had begun has ended (rulings §8). */
  | { do: 'push-out'; replica: string; pool: PoolFact }
  /** Candidates of other services, on GPU slots that this one needs for its way back. */
  | { do: 'call-back'; tenants: readonly Tenant[] }
  /** `forgetThen(act)`: every replica in this place is stopped once the gateway has forgotten it. */
  | { do: 'retire'; environment: Environment; replicas: readonly string[] }

/** A gate that the examiner loses this often stays undecided. */
export const gateAttemptsMax = 3

/** Attempts are counted on when a gate is taken again: 1, 2, 3, then 4, 5, 6. Each take has as many. */
export function isLastAttempt(attempt: number): boolean {
  return attempt % gateAttemptsMax === 0
}

function firstOfNextTake(attempt: number): number {
  return Math.ceil(attempt / gateAttemptsMax) * gateAttemptsMax + 1
}

export function nextActions(service: Service, seen: Seen, now: Now): Action[] {
  return [
    ...callBack(service, seen),
    ...wake(service, seen),
    ...bringUp(service, seen),
    ...bringIntoPool(service, seen),
    ...prove(service, seen, now),
    ...moveTraffic(service, seen),
    ...takeDown(service, seen, now),
    ...putToSleep(service, seen),
    ...letGoOfPool(service, seen),
    ...noLongerNeeded(service, seen),
  ]
}

function callBack(service: Service, seen: Seen): Action[] {
  const tenants = inTheWay(service, seen)
  return tenants.length === 0 ? [] : [{ do: 'call-back', tenants }]
}

/** Whatever sleeps where nothing should. */
function wake(service: Service, seen: Seen): Action[] {
  const { environments } = desiredWorld(service)
  const leaving = surplus(service, seen)
  const sleeping = seen.replicas.filter((one) => {
    const { placed, asleep } = environments[one.environment]
    if (one.state !== 'asleep' || placed?.release !== one.release) return false
    return one.pool === undefined ? !asleep && !leaving.includes(one.id) : one.pool.holds
  })
  return sleeping.length === 0 ? [] : [{ do: 'wake', replicas: sleeping.map(({ id }) => id) }]
}

/** Out of the routes first, and what they had begun has ended. */
function putToSleep(service: Service, { gateway, replicas }: Seen): Action[] {
  const { environments } = desiredWorld(service)
  return (['blue', 'green'] as const).flatMap((environment): Action[] => {
    const { asleep, placed } = environments[environment]
    if (!asleep || gateway === null || gateway.environments[environment] !== null) return []
    if (gateway.inFlight[environment] > 0) return []
    const awake = replicas.filter(
      (one) =>
        one.environment === environment &&
        one.release === placed?.release &&
        one.state === 'ready' &&
        one.pool === undefined,
    )
    if (awake.length === 0) return []
    return [{ do: 'sleep', environment, replicas: awake.map(({ id }) => id) }]
  })
}

function bringUp(service: Service, seen: Seen): Action[] {
  const world = desiredWorld(service)
  return (['blue', 'green'] as const).flatMap((environment): Action[] => {
    const { placed, role, on } = world.environments[environment]
    if (placed === null) return []
    const here = seen.replicas.filter((replica) => replica.environment === environment)
    // A place is emptied before something else moves in: two bundles in one colour would mix.
    if (here.some((replica) => replica.release !== placed.release)) return []
    const failed = here.filter(({ state }) => state === 'failed')
    // A candidate that cannot start is evidence, and is kept until its release is rejected.
    if (role === 'candidate' && failed.length > 0) return []
    // A version that is being left is not brought up again.
    if (role === 'candidate' && service.release?.phase.name === 'rolling-back') return []
    const cleanUp = failed.map((replica): Action => ({
      do: 'stop',
      environment,
      replica: replica.id,
    }))
    const noticed = here.filter((one) => one.noticed === true && one.state !== 'stopping').length
    const lacking = lackingOf(on, placed.replicas, runningIn(seen, environment, placed), noticed)
    const start = (count: number, more: { spot?: true }): Action[] =>
      count > 0 ? [{ do: 'start', environment, placed, count, ...more }] : []
    return [...cleanUp, ...start(lacking.onDemand, {}), ...start(lacking.spot, { spot: true })]
  })
}

/** The standby's model; what failed there was cleaned up above. */
function bringIntoPool(service: Service, seen: Seen): Action[] {
  const place = poolPlace(service, rungOf(service))
  if (place === null) return []
  const { environment, pool } = place
  const here = seen.replicas.filter((one) => one.environment === environment)
  if (here.some(({ release }) => release !== service.standby!.release)) return []
  if (pooledOf(here).some(({ state }) => state !== 'failed')) return []
  return [{ do: 'start', environment, placed: service.standby!, count: 1, pool }]
}

/** A rollback of another service, or a version that was left later, has its place. */
function letGoOfPool(service: Service, seen: Seen): Action[] {
  const { gateway } = seen
  if (gateway === null) return []
  return pushedOut(service, seen)
    .filter(({ id, environment }) => {
      const routed = gateway.environments[environment]?.replicas ?? []
      return routed.every((one) => one.id !== id) && (gateway.inFlightOf?.[id] ?? 0) === 0
    })
    .map(({ id, pool }) => ({ do: 'push-out', replica: id, pool: pool! }))
}

/** Gates run one after the other, only while the whole candidate is ready. */
function prove(service: Service, seen: Seen, now: Now): Action[] {
  const { release } = service
  if (release === null) return []
  const which =
    release.phase.name === 'warming'
      ? 'warmUp'
      : release.phase.name === 'verifying'
        ? 'others'
        : null
  if (which === null) return []
  const place = colourOf(service, 'candidate')!
  const own = counting(onOfCandidate(release), replicasOf(seen, place, release.id))
  if (countReady(own) < release.bundle.replicas) return []
  for (const gate of gatesTaken(release).taken.filter((one) => inPhase(one, which))) {
    const state = seen.gates.find(({ name }) => name === gate.name)
    if (state?.state === 'running') return []
    if (state === undefined || state.state === 'waiting')
      return [{ do: 'gate', gate: gate.name, attempt: 1 }]
    if (state.verdict === 'pass' && isOld(release, state, now))
      return [{ do: 'gate', gate: gate.name, attempt: firstOfNextTake(state.attempt) }]
    if (state.verdict !== 'pass' && decides(release, gate.name)) return []
  }
  return []
}

function moveTraffic(service: Service, seen: Seen): Action[] {
  const { gateway } = seen
  if (gateway === null) return []
  const journalled = journalledGeneration(service)
  const pending = journalled !== null && gateway.generation < journalled
  const routes = desiredRoutes(service, seen)
  const { release } = service
  if (pending && release?.phase.name === 'rolling-back') {
    // Traffic is never moved from something that answers badly to something that does not answer at all.
    const ready = liveReady(service, seen)
    if (ready === 0) return []
    // What was prepared on a lower rung is a part of the traffic only; it is not what `--hard` asks for.
    const isPrepared = release.phase.hard !== true || ready >= service.live!.replicas
    if (gateway.back === journalled && isPrepared)
      return [{ do: 'store-back', generation: journalled, share: gateway.backSplit?.share ?? 1 }]
  }
  if (pending && release?.phase.name === 'switching') {
    if (gateway.handOver !== undefined || !bigEnough(service, release, seen)) return []
  }
  const back = wayBack(service, routes, seen)
  if (pending)
    return isAsJournalled(service, routes)
      ? [{ do: 'route', routes, back, generation: journalled }]
      : []
  // Traffic is pointed at nothing only where somebody takes the service away.
  if (routes.live === null && gateway.live !== null && service.removing === undefined) return []
  // A gateway that has never heard of the service must at least say that nothing of it is live.
  if (
    gateway.generation > 0 &&
    gateway.outdated !== true &&
    sameRoutes(routes, gateway) &&
    (back === null) === (gateway.back === null) &&
    (back === null || back.split?.share === gateway.backSplit?.share)
  )
    return []
  return [{ do: 'route', routes, back, generation: null }]
}

/** In a step, and on the way back from a lower rung, both places have their part; else the live one has all. */
function isAsJournalled(service: Service, { live, split = null }: Routes): boolean {
  if (live === service.colour) return desiredWorld(service).split === null
  return live !== null && split?.to === service.colour
}

function liveReady(service: Service, seen: Seen): number {
  const place = colourOf(service, 'live')
  return place === null || service.live === null
    ? 0
    : countReady(replicasOf(seen, place, service.live.release))
}

function journalledGeneration({ release }: Service): number | null {
  const phase = release?.phase
  return phase?.name === 'switching' || phase?.name === 'rolling-back' ? phase.generation : null
}

/** The same environments with roles exchanged; only where both can answer. */
function wayBack(service: Service, routes: Routes, seen: Seen): Routes | null {
  if (service.standby === null || routes.live === null) return null
  if (routes.live !== service.colour && routes.split == null) return null
  const standby = colourOf(service, 'standby')!
  if (routes.environments[standby] === null) return null
  const all = { ...routes, live: standby, copies: null, split: null }
  const rung = rungOf(service)
  if (rung === null || rung.rung === 'full') return all
  // As much as it can carry by itself; the rest follows as its replicas come back.
  const routed = new Set(routes.environments[standby].replicas.map(({ id }) => id))
  const here = replicasOf(seen, standby, service.standby.release)
  const ready = countReady(here.filter(({ id }) => routed.has(id)))
  const share = capacity(ready, service.standby)
  if (share >= 1) return all
  return share === 0
    ? null
    : { ...all, live: routes.live, split: { to: standby, share, sticky: null } }
}

export function sameRoutes(a: Routes, b: Routes): boolean {
  return canonical(a) === canonical(b)
}

function canonical({ live, preview, environments, copies = null, split = null }: Routes): string {
  const one = (environment: Routes['environments']['blue']) =>
    environment === null
      ? null
      : [
          environment.release,
          environment.version,
          environment.replicas.map(({ id, host, port }) => `${id}=${host}:${port}`).toSorted(),
        ]
  const copied = copies && [copies.to, copies.share, copies.methods, copies.exclude]
  const parted = split && [split.to, split.share, split.sticky]
  const { blue, green } = environments
  return JSON.stringify([live, preview, one(blue), one(green), copied, parted])
}

function takeDown(service: Service, seen: Seen, now: Now): Action[] {
  const { gateway } = seen
  if (gateway === null) return []
  const world = desiredWorld(service)
  return (['blue', 'green'] as const).flatMap((environment): Action[] => {
    const placed = world.environments[environment].placed
    const unwanted = seen.replicas.filter(
      (replica) => replica.environment === environment && replica.release !== placed?.release,
    )
    const running = unwanted.filter(({ state }) => state !== 'stopping')
    if (running.length === 0 || service.colour === environment) return []
    if (gateway.live === environment || gateway.split?.to === environment) return []
    // Out of the routes first: what the gateway still lists is not touched.
    const listed = gateway.environments[environment]
    if (listed !== null && listed.release !== placed?.release) return []
    if (gateway.inFlight[environment] > 0) {
      const over = drainIsOver(service, now)
      return over === null ? [] : [{ do: 'cut', environment, because: over }]
    }
    return [{ do: 'retire', environment, replicas: running.map(({ id }) => id) }]
  })
}

/** A replica whose successor answers, or that its rung does not keep: out of the routes, and what it had begun has ended. */
function noLongerNeeded(service: Service, seen: Seen): Action[] {
  const { gateway, replicas } = seen
  if (gateway === null) return []
  const leaving = surplus(service, seen)
  return replicas
    .filter(
      (one) =>
        (isToGo(seen, one) || leaving.includes(one.id)) &&
        one.state !== 'stopping' &&
        gateway.environments[one.environment] !== null &&
        !gateway.environments[one.environment]!.replicas.some(({ id }) => id === one.id) &&
        (gateway.inFlightOf?.[one.id] ?? 0) === 0,
    )
    .map(({ id }) => ({ do: 'stop-replaced', replica: id }))
}

function drainIsOver(service: Service, now: Now): string | null {
  const { release } = service
  if (service.removing !== undefined) return removalIsOver(service, now)
  if (release === null) return 'it belongs to no release'
  if (release.phase.name !== 'clearing') return null
  const { drainS } = release.rules
  return elapsedS(release.phase.since, now) >= drainS
    ? `the drain deadline of ${drainS} s is over`
    : null
}
