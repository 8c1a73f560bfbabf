/**
 * The difference between the desired world and what was seen, as a list of actions in one fixed order:
 * bring up → prove ready → move traffic → drain → take down. Pure; every action may be repeated safely.
 */
import { elapsedS } from './clock.ts'
import { bigEnough, desiredRoutes, desiredWorld } from './desired-world.ts'
import type { Routes } from './desired-world.ts'
import { decides, gatesTaken, inPhase, isOld } from './gates.ts'
import type { Environment, Now, Placed, Release, Service } from './release.ts'
import { colourOf } from './roles.ts'
import { countReady, isSetAside, replicasOf } from './seen.ts'
import type { Seen } from './seen.ts'

export type Action =
  | { do: 'start'; environment: Environment; placed: Placed; count: number }
  /** Takes a replica down that nothing routes to (it never became ready). */
  | { do: 'stop'; environment: Environment; replica: string }
  /** Takes down one that was routed and has been replaced: the gateway is asked right before (rulings §8). */
  | { do: 'stop-replaced'; replica: string }
  | { do: 'gate'; gate: string; attempt: number }
  /** Under the generation that the phase journalled; under a new one (`generation: null`) where only replicas changed. */
  | { do: 'route'; routes: Routes; back: Routes | null; generation: number | null }
  /** The prepared way back: one store, no acknowledgement. */
  | { do: 'store-back'; generation: number }
  | { do: 'cut'; environment: Environment; because: string }
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
    ...bringUp(service, seen),
    ...prove(service, seen, now),
    ...moveTraffic(service, seen),
    ...takeDown(service, seen, now),
    ...replaced(seen),
  ]
}

function bringUp(service: Service, seen: Seen): Action[] {
  const world = desiredWorld(service)
  return (['blue', 'green'] as const).flatMap((environment): Action[] => {
    const { placed, role } = world.environments[environment]
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
    const count =
      placed.replicas -
      here.filter(
        ({ id, state }) => state !== 'failed' && state !== 'stopping' && !isSetAside(seen, id),
      ).length
    return count > 0 ? [...cleanUp, { do: 'start', environment, placed, count }] : cleanUp
  })
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
  if (countReady(replicasOf(seen, place, release.id)) < release.bundle.replicas) return []
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
  if (pending && service.release?.phase.name === 'rolling-back') {
    // Traffic is never moved from something that answers badly to something that does not answer at all.
    if (liveReady(service, seen) === 0) return []
    if (gateway.back === journalled) return [{ do: 'store-back', generation: journalled }]
  }
  if (
    service.release?.phase.name === 'switching' &&
    gateway.live !== service.colour &&
    !bigEnough(service, service.release, seen)
  )
    return []
  const back = wayBack(service, routes)
  if (pending)
    return routes.live === service.colour
      ? [{ do: 'route', routes, back, generation: journalled }]
      : []
  if (routes.live === null && gateway.live !== null) return []
  // A gateway that has never heard of the service must at least say that nothing of it is live.
  if (
    gateway.generation > 0 &&
    gateway.outdated !== true &&
    sameRoutes(routes, gateway) &&
    (back === null) === (gateway.back === null)
  )
    return []
  return [{ do: 'route', routes, back, generation: null }]
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
function wayBack(service: Service, routes: Routes): Routes | null {
  if (service.standby === null || routes.live === null || routes.live !== service.colour)
    return null
  const standby = colourOf(service, 'standby')!
  return routes.environments[standby] === null ? null : { ...routes, live: standby, copies: null }
}

export function sameRoutes(a: Routes, b: Routes): boolean {
  return canonical(a) === canonical(b)
}

function canonical({ live, preview, environments, copies = null }: Routes): string {
  const one = (environment: Routes['environments']['blue']) =>
    environment === null
      ? null
      : [
          environment.release,
          environment.version,
          environment.replicas.map(({ id, host, port }) => `${id}=${host}:${port}`).toSorted(),
        ]
  const copied = copies && [copies.to, copies.share, copies.methods, copies.exclude]
  return JSON.stringify([live, preview, one(environments.blue), one(environments.green), copied])
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
    if (running.length === 0 || gateway.live === environment || service.colour === environment)
      return []
    // Out of the routes first: what the gateway still lists is not touched.
    const listed = gateway.environments[environment]
    if (listed !== null && listed.release !== placed?.release) return []
    if (gateway.inFlight[environment] > 0) {
      const over = drainIsOver(service.release, now)
      return over === null ? [] : [{ do: 'cut', environment, because: over }]
    }
    return [{ do: 'retire', environment, replicas: running.map(({ id }) => id) }]
  })
}

/** A replica whose successor answers: out of the routes, and what it had begun has ended. */
function replaced(seen: Seen): Action[] {
  const { gateway, replicas } = seen
  if (gateway === null) return []
  return replicas
    .filter(
      ({ id, environment, state }) =>
        isSetAside(seen, id) &&
        state !== 'stopping' &&
        gateway.environments[environment] !== null &&
        !gateway.environments[environment].replicas.some((routed) => routed.id === id) &&
        (gateway.inFlightOf?.[id] ?? 0) === 0,
    )
    .map(({ id }) => ({ do: 'stop-replaced', replica: id }))
}

function drainIsOver(release: Release | null, now: Now): string | null {
  if (release === null) return 'it belongs to no release'
  if (release.phase.name !== 'clearing') return null
  const { drainS } = release.rules
  return elapsedS(release.phase.since, now) >= drainS
    ? `the drain deadline of ${drainS} s is over`
    : null
}
