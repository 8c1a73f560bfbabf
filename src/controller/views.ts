/** Rows, facts and the record, in the words that CLI, API and dashboard show. */
import type { Can, EnvironmentView, ReleaseView, ServiceView } from '../api/shapes.ts'
import { gatesTaken } from '../release/gates.ts'
import { desiredWorld, rungOf } from '../release/desired-world.ts'
import { rungText, weakened } from '../release/ladder.ts'
import { emptyService, isEnd, other } from '../release/release.ts'
import type { Environment, PhaseName, Placed, Release, Service } from '../release/release.ts'
import { heldText, isPushedOut } from '../release/pool.ts'
import { commands, releaseCan, serviceCan } from '../release/release-can.ts'
import type { Command, Refusal } from '../release/release-can.ts'
import { colourOf } from '../release/roles.ts'
import type { GatewayFact } from '../release/seen.ts'
import { spotText } from '../release/spot.ts'
import type { StoryEvent } from '../storage/events.ts'
import type { Controller } from './controller.ts'
import { freezesOf } from './freeze.ts'
import { costOfRelease } from './ledger/ledger.ts'
import type { Hands } from './make-it-so.ts'
import type { Watching } from './watch/watching.ts'

export type ViewSources = Hands & {
  controller: Controller
  watching: Watching
  urlOf: (service: string) => string
  /** As the manifest names them, registered or not. */
  versionsOf: (service: string) => readonly string[]
}

export function serviceView(sources: ViewSources, service: Service): ServiceView {
  const { store, controller, rows } = sources
  const { name } = service
  const { live, colour } = answering(service, gatewayOf(sources, service))
  const standby =
    service.standby === null || live === service.standby
      ? null
      : {
          environment: colourOf(service, 'standby')!,
          version: service.standby.version,
          rung: rungName(service),
        }
  const since = live === null ? 0 : (phaseAt(store.events.story(live.release), 'watching') ?? 0)
  const unwritten = rows.isWritten(name)
    ? []
    : ['the journal takes no writes: the last rollback is not written down yet']
  return {
    service: name,
    url: sources.urlOf(name),
    live:
      live === null || colour === null
        ? null
        : { environment: colour, version: live.version, digest: live.digest, since },
    standby,
    generation: service.generation,
    environments: {
      blue: environmentView(sources, service, 'blue'),
      green: environmentView(sources, service, 'green'),
    },
    release: service.release === null ? null : releaseView(sources, service.release, service),
    queued: service.queued === null ? null : releaseView(sources, service.queued, service),
    versions: versionViews(sources, name),
    wayBack: wayBack(sources, service),
    frozen: freezesOf(sources, name),
    // A deploy may always be asked for; roles are the API's.
    can: { ...can((command) => serviceCan(command, service)), deploy: null },
    problems: [...controller.problems(name), ...unwritten],
  }
}

/**
 * What most clients are answered by. The row exchanges the roles with the first step of a switch, and of a way back; while the one that
 * comes has a part of the traffic only, or none yet, people call the one that leaves live.
 *
 * @param gateway as it was seen last
 */
export function answering(
  service: Service,
  gateway: Pick<GatewayFact, 'live'> | null,
): { live: Placed | null; colour: Environment | null } {
  const { split, environments } = desiredWorld(service)
  const { release } = service
  if (split !== null) return { live: service.standby, colour: other(split.to) }
  const colour = colourOf(service, 'live')
  const left = release?.phase.name === 'rolling-back' ? (gateway?.live ?? null) : null
  return left === null || left === colour
    ? { live: service.live, colour }
    : { live: environments[left].placed, colour: left }
}

function can(refusalOf: (command: Command) => Refusal | null): Can {
  return Object.fromEntries(
    commands.map((command) => [command, refusalOf(command)?.reason ?? null]),
  ) as Can
}

/** Registered ones, and those that the manifest names and nobody has deployed yet. */
function versionViews(
  { store, versionsOf }: ViewSources,
  service: string,
): ServiceView['versions'] {
  const registered = store.versions.list(service)
  const known = new Set(registered.map(({ version }) => version))
  return [
    ...registered.map(({ version, digest, description }) => ({
      version,
      digest,
      notes: notesOf(description),
    })),
    ...versionsOf(service)
      .filter((version) => !known.has(version))
      .map((version) => ({ version, digest: null, notes: null })),
  ]
}

export function releaseView(
  sources: ViewSources,
  release: Release,
  service: Service | null,
): ReleaseView {
  const { store, controller, gates, watching } = sources
  const events = store.events.story(release.id)
  const { phase } = release
  const active = service?.release?.id === release.id
  return {
    id: release.id,
    service: release.service,
    kind: release.kind,
    version: release.bundle.version,
    alias: release.alias ?? null,
    digest: release.bundle.digest,
    from: release.from?.version ?? null,
    by: release.by,
    at: release.at,
    phase: phase.name,
    since: phase.since,
    phases: phasesOf(release, events),
    waitingFor: isEnd(phase)
      ? null
      : active
        ? controller.waitingFor(release.service)
        : `${service?.release?.id ?? 'the active release'} to end`,
    because: 'because' in phase ? phase.because : 'why' in phase ? phase.why : null,
    endsAs: isEnd(phase) ? phase.name : phase.name === 'clearing' ? phase.endsAs : null,
    paused: release.paused && {
      by: release.paused.by,
      at: release.paused.at,
      because: release.paused.because ?? null,
    },
    gates: gates.states(release),
    leftOut: gatesTaken(release).leftOut,
    approvals: release.approvals.map(({ by, at, reason }) => ({ by, at, reason: reason ?? null })),
    can: can((command) => releaseCan(command, release, service ?? emptyService(release.service))),
    switched: switched(events),
    rolledBack: rolledBack(events),
    watch: watching.view(release),
    feedback: store.feedback.totals(release.id),
    cost: costOfRelease(store, release, sources.now().wall),
  }
}

/** As the record has them; what a person ended may stand in the row a moment before. */
function phasesOf({ at, phase }: Release, events: readonly StoryEvent[]): ReleaseView['phases'] {
  const entered = events
    .filter(({ kind }) => kind === 'phase')
    .map(({ at: when, data }) => ({ phase: data['phase'] as PhaseName, at: when }))
  const all = [{ phase: 'queued' as const, at }, ...entered]
  return all.at(-1)!.phase === phase.name
    ? all
    : [...all, { phase: phase.name, at: phase.since.wall }]
}

function environmentView(
  sources: ViewSources,
  service: Service,
  environment: Environment,
): EnvironmentView {
  const { provider, store } = sources
  const gateway = gatewayOf(sources, service)
  const inFlight = gateway?.inFlight[environment] ?? 0
  const here = provider
    .look()
    .filter(
      (replica) =>
        replica.service === service.name &&
        replica.environment === environment &&
        replica.state.name !== 'gone',
    )
  const { role, placed } = desiredWorld(service).environments[environment]
  return {
    role: roleFor(service, environment, gateway) ?? role,
    version: placed?.version ?? here[0]?.version ?? null,
    asked: placed?.replicas ?? 0,
    answers:
      placed === null ? { total: 0, bad: 0 } : store.traffic.totals(service.name, placed.release),
    replicas: here.map(({ id, state, host, port, pid, restarts, spot }) => ({
      id,
      state: state.name,
      because: 'because' in state ? state.because : null,
      address: `${host}:${port}`,
      pid,
      restarts,
      spot: spot ?? null,
    })),
    inFlight,
    share: shareOf(gateway, environment),
  }
}

/** Null: as the row has it. */
function roleFor(
  service: Service,
  environment: Environment,
  gateway: GatewayFact | null,
): 'live' | 'candidate' | 'standby' | null {
  const { colour } = answering(service, gateway)
  if (colour === colourOf(service, 'live')) return null
  if (environment === colour) return 'live'
  return service.release?.phase.name === 'rolling-back' ? 'standby' : 'candidate'
}

function gatewayOf({ controller }: ViewSources, { name }: Service): GatewayFact | null {
  return controller.lastSeen(name)?.seen.gateway ?? null
}

function shareOf(gateway: GatewayFact | null, environment: Environment): number {
  const split = gateway?.split ?? null
  if (split?.to === environment) return split.share
  return gateway?.live === environment ? 1 - (split?.share ?? 0) : 0
}

/** Said only from what was seen: how many replicas of the standby are ready, and what the last move, or drill, took. */
function wayBack({ controller, store }: ViewSources, service: Service): ServiceView['wayBack'] {
  const refusal = serviceCan('rollback', service)
  if (refusal !== null)
    return {
      possible: false,
      because: `${refusal.reason}; ${refusal.hint}`,
      rung: null,
      measuredMs: null,
      drilledAt: null,
      drillFailed: null,
      weakened: null,
    }
  const standby = colourOf(service, 'standby')!
  const seen = controller.lastSeen(service.name)?.seen
  const replicas = seen?.replicas.filter((replica) => replica.environment === standby) ?? []
  const ready = replicas.filter(({ state }) => state === 'ready').length
  const canWake = replicas.some(({ state }) => state === 'asleep')
  const prepared = seen?.gateway?.back != null
  const { release, standby: placed } = service
  const { version, replicas: all } = placed!
  const phase = release!.phase
  const rung = rungName(service)
  const counted = `${ready} of ${all} ${all === 1 ? 'replica' : 'replicas'} ready, the way back is ${prepared ? 'prepared in the gateway' : 'being prepared'}`
  const onSpot = spotText(replicas)
  const how = `${version} is ${rung} on ${standby}${canWake ? '' : `: ${counted}`}${onSpot === null ? '' : `; ${onSpot}`}`
  const { drilled, failed } = phase.name === 'stabilizing' ? phase : {}
  const said = {
    possible: ready > 0 || canWake,
    rung,
    drilledAt: failed?.at ?? drilled?.at ?? null,
    drillFailed: failed?.because ?? null,
    weakened: seen === undefined ? null : weakened(service, seen),
  }
  if (rung === 'full') {
    const last = switched(store.events.story(release!.id))
    return { ...said, because: how, measuredMs: last?.tookMs ?? null }
  }
  if (drilled === undefined)
    return { ...said, because: `${how}; not tried out yet`, measuredMs: null }
  const share = Math.round((100 * Math.min(ready, all)) / all)
  const out = replicas.find(isPushedOut)
  const atOnce =
    out !== undefined
      ? `pushed out of ${heldText(out.pool!)}: the traffic follows what starts, or is loaded`
      : canWake
        ? 'the traffic follows what is awake'
        : `${share} % of the traffic goes at once`
  return { ...said, because: `${how}; ${atOnce}`, measuredMs: drilled.tookMs }
}

function rungName(service: Service): string {
  const rung = rungOf(service)
  return rung === null ? 'full' : rungText(rung)
}

export function switched(events: readonly StoryEvent[]): ReleaseView['switched'] {
  const event = events.find(({ kind, data }) => kind === 'routing' && data['change'] === 'switch')
  return event === undefined
    ? null
    : {
        at: Number(event.data['at']),
        tookMs: Number(event.data['tookMs']),
        generation: Number(event.data['generation']),
      }
}

function rolledBack(events: readonly StoryEvent[]): ReleaseView['rolledBack'] {
  const moved = events.find(({ kind, data }) => kind === 'routing' && data['change'] === 'rollback')
  const decided = events.find(
    ({ kind, data }) => kind === 'phase' && data['phase'] === 'rolling-back',
  )
  if (moved === undefined || decided === undefined) return null
  // In steps it may be seen before everything has moved.
  const from = switched(events)?.at ?? phaseAt(events, 'switching')
  return {
    at: Number(moved.data['at']),
    tookMs: Number(moved.data['tookMs']),
    detectMs: from === null ? 0 : Math.max(0, decided.at - from),
    by: decided.by,
    why: String(decided.data['because']),
  }
}

export function phaseAt(events: readonly StoryEvent[], phase: string): number | null {
  return events.find(({ kind, data }) => kind === 'phase' && data['phase'] === phase)?.at ?? null
}

export function notesOf(description: unknown): string | null {
  const notes = (description as { notes?: unknown } | null)?.notes
  return typeof notes === 'string' ? notes : null
}
