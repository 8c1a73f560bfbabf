/** The one place where a phase begins and roles are exchanged. Pure: the next row, to be saved before it is acted on. */
import { withCut } from './budget.ts'
import { elapsedS } from './clock.ts'
import type { Move } from './move.ts'
import { other } from './release.ts'
import type {
  Now,
  Phase,
  Release,
  RollingBack,
  Service,
  Stabilizing,
  Switching,
} from './release.ts'

export function enter(service: Service, release: Release, move: Move, now: Now): Service {
  switch (move.to) {
    case 'provisioning':
      return withPhase(service, sizedAsLive(service, onDemandFrom(release, move, now)), {
        name: 'provisioning',
        since: now,
      })
    case 'warming':
    case 'verifying':
    case 'awaiting-approval':
      return withPhase(service, release, { name: move.to, since: now })
    case 'switching':
      return release.phase.name === 'switching'
        ? enterNextStep(service, release, release.phase, now)
        : enterSwitching(service, release, now)
    case 'watching':
      return withPhase(service, release, {
        name: 'watching',
        since: now,
        generation: switchedAt(service, release),
      })
    case 'stabilizing':
      return release.phase.name === 'stabilizing'
        ? enterLadder(service, release, release.phase, move, now)
        : withPhase(service, release, { name: 'stabilizing', since: now, rung: 0 })
    case 'thrift':
      return withPhase(service, withCut(release, move.cut, now.wall), release.phase)
    case 'rolling-back':
      return enterRollingBack(service, release, move, now)
    case 'clearing':
      return withPhase({ ...service, standby: null, back: null }, release, {
        name: 'clearing',
        since: now,
        endsAs: move.endsAs,
        because: move.because,
      })
    case 'end':
      return withPhase(service, release, { name: move.endsAs, since: now, because: move.because })
  }
}

function onDemandFrom(
  release: Release,
  { found }: Move & { to: 'provisioning' },
  now: Now,
): Release {
  return found === undefined ? release : { ...release, onDemand: { since: now, found } }
}

/** A candidate is never smaller than what is live when it leaves the queue: it could not take the traffic over (rulings §14). */
function sizedAsLive({ live }: Service, release: Release): Release {
  const least = release.small === true ? 0 : (live?.replicas ?? 0)
  const replicas = Math.max(release.bundle.replicas, least)
  return { ...release, from: live, bundle: { ...release.bundle, replicas } }
}

/** The candidate becomes live and the live one standby, in the row; the gateway follows. Its way back gets its number now. */
function enterSwitching(service: Service, release: Release, now: Now): Service {
  const generation = service.generation + 1
  const next: Service = {
    ...service,
    generation: generation + 1,
    back: service.live === null ? null : generation + 1,
    colour: service.colour === 'none' ? 'blue' : other(service.colour),
    live: { ...release.bundle, release: release.id },
    standby: service.live,
  }
  return withPhase(next, release, stepOf(release, { step: 1, generation, now }))
}

/** The places stay as they are, and the new version gets more. */
function enterNextStep(service: Service, release: Release, { step }: Switching, now: Now): Service {
  const generation = service.generation + 1
  const next: Service = { ...service, generation: generation + 1, back: generation + 1 }
  return withPhase(next, release, stepOf(release, { step: step + 1, generation, now }))
}

/** A first version has nobody to share with, and a way back to an older one is not tried out: they go in one step. */
function stepOf(
  { rules, from, kind }: Release,
  { step, generation, now }: { step: number; generation: number; now: Now },
): Switching {
  const shares = from === null || kind === 'rollback' ? [] : (rules.traffic?.shares ?? [])
  const share = shares[step - 1]
  const of = shares.length + 1
  return {
    name: 'switching',
    since: now,
    generation,
    step,
    of,
    ...(share === undefined ? {} : { share }),
  }
}

/** Down a rung; tried out on it; and up again, where it does not lead back: then a person says when it goes on. */
function enterLadder(
  service: Service,
  release: Release,
  phase: Stabilizing,
  { step, because, cut }: Move & { to: 'stabilizing' },
  now: Now,
): Service {
  const { drill, ...rest } = phase
  switch (step) {
    case 'drill':
      return withPhase(service, release, { ...phase, drill: { since: now } })
    case 'drilled': {
      const tookMs = Math.round(elapsedS(drill?.since ?? now, now) * 1000)
      return withPhase(service, release, { ...rest, drilled: { at: now.wall, up: now.up, tookMs } })
    }
    case 'up': {
      const paused = { by: 'beryl', at: now.wall, up: now.up, because }
      const failed = { at: now.wall, because }
      const up = { name: 'stabilizing', since: now, rung: phase.rung - 1, failed } as const
      return withPhase(service, { ...release, paused }, up)
    }
    default: {
      const down = { name: 'stabilizing', since: now, rung: phase.rung + 1 } as const
      return withPhase(service, cut === undefined ? release : withCut(release, cut, now.wall), down)
    }
  }
}

function switchedAt(service: Service, release: Release): number {
  return release.phase.name === 'switching' ? release.phase.generation : service.generation
}

function enterRollingBack(
  service: Service,
  release: Release,
  { why, by, hard }: { why: string; by: string; hard?: boolean },
  now: Now,
): Service {
  if (service.colour === 'none' || service.standby === null) {
    throw new Error(
      `${service.name}: cannot roll back ${release.id}, there is no standby; this is a bug in Beryl`,
    )
  }
  // The prepared way back is stored without waiting for anybody; only where there is none a new number is taken.
  const generation = service.back ?? service.generation + 1
  const next: Service = {
    ...service,
    generation: Math.max(service.generation, generation),
    back: null,
    colour: other(service.colour),
    live: service.standby,
    standby: null,
  }
  const phase: RollingBack = { name: 'rolling-back', since: now, generation, why, by }
  return withPhase(next, release, hard === true ? { ...phase, hard } : phase)
}

function withPhase(service: Service, release: Release, phase: Phase): Service {
  return { ...service, release: { ...release, phase, step: release.step + 1 } }
}

/** Puts an ended release away and lets the next one in the queue begin. */
export function putAway(service: Service): Service {
  return { ...service, release: service.queued, queued: null }
}

/** Another generation for a table whose replicas changed, and one for the way back when there is a standby. */
export function nextGeneration(service: Service): Service {
  const generation = service.generation + 1
  if (service.standby === null) return { ...service, generation, back: null }
  return { ...service, generation: generation + 1, back: generation + 1 }
}
