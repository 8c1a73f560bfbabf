/** One look at an active release: does it go on, end, go back, or wait, and for what? */
import { elapsedS, seconds } from './clock.ts'
import { gatesTaken, isOld, judgeGates } from './gates.ts'
import type { End, Now, Phase, Release, Service } from './release.ts'
import { colourOf } from './roles.ts'
import { countReady, replicasOf } from './seen.ts'
import type { ReplicaFact, Seen } from './seen.ts'

/** What happens next. `enter` turns a move into the next row; a wait changes nothing and says why. */
export type Move =
  | {
      to: 'provisioning' | 'warming' | 'verifying' | 'awaiting-approval' | 'switching' | 'watching'
      because: string
    }
  | { to: 'stabilizing'; because: string }
  | { to: 'rolling-back'; why: string; by: string }
  | { to: 'clearing'; endsAs: End; because: string }
  | { to: 'end'; endsAs: End; because: string }

export type Wait = { waitingFor: string }

/** Death of a live replica of the new version this often, in the watch, is a verdict by itself. */
const crashesInWatchMax = 3

/** An approval is a consent of today, not a blank cheque (rulings §14). */
const approvalHoldsMs = 24 * 3600 * 1000

export function advance(service: Service, release: Release, seen: Seen, now: Now): Move | Wait {
  const { phase } = release
  const view = look(service, release, seen)
  const taken = wayBackTaken(service, phase, seen)
  if (taken !== null) return taken
  switch (phase.name) {
    case 'queued':
      return forward(release, { to: 'provisioning', because: 'nothing else is being released' })
    case 'provisioning':
      return provisioning(release, phase, view, now)
    case 'warming':
    case 'verifying':
      return testing(release, phase.name, { view, seen, now })
    case 'awaiting-approval':
      return awaitingApproval(service, release, view, seen, now)
    case 'switching':
      return switching(service, phase, view, seen)
    case 'watching':
      return watching(release, phase, view, seen, now)
    case 'stabilizing':
      return stabilizing(service, release, phase, now)
    case 'rolling-back':
      return rollingBack(service, phase, seen)
    case 'clearing':
      return clearing(service, phase, seen)
    default:
      return { waitingFor: 'nothing: the release has ended' }
  }
}

/** The new version's replicas, wherever they stand now, and those of the live place. */
type View = {
  wanted: number
  own: readonly ReplicaFact[]
  ownReady: number
  liveReady: number
  liveWanted: number
}

function look(service: Service, release: Release, seen: Seen): View {
  const own = seen.replicas.filter((replica) => replica.release === release.id)
  const colour = colourOf(service, 'live')
  const live =
    service.live === null || colour === null ? [] : replicasOf(seen, colour, service.live.release)
  return {
    wanted: release.bundle.replicas,
    own,
    ownReady: countReady(own),
    liveReady: countReady(live),
    liveWanted: service.live?.replicas ?? 0,
  }
}

const withWayBack: readonly string[] = ['switching', 'watching', 'stabilizing']

/**
 * On a full disk a rollback is stored before it is written (rulings §7). A controller that died in between finds a row that
 * knows nothing of it and a gateway that has gone back: the gateway wins, or traffic would return to what was left.
 */
function wayBackTaken(service: Service, phase: Phase, { gateway }: Seen): Move | null {
  if (gateway === null || service.standby === null || !withWayBack.includes(phase.name)) return null
  const generation = service.back ?? service.generation + 1
  if (gateway.live !== colourOf(service, 'standby') || gateway.generation < generation) return null
  return {
    to: 'rolling-back',
    why: `the gateway went back at generation ${gateway.generation}, and the journal could not be written then`,
    by: 'beryl',
  }
}

function forward(release: Release, move: Move): Move | Wait {
  if (release.paused === null) return move
  return { waitingFor: `\`resume\`: ${release.paused.by} paused it` }
}

function provisioning(
  release: Release,
  phase: Phase & { name: 'provisioning' },
  view: View,
  now: Now,
): Move | Wait {
  const failed = view.own.find((replica) => replica.state === 'failed')
  if (failed) return reject(`${failed.id} could not start: ${failed.because}`)
  if (view.ownReady >= view.wanted) {
    return forward(release, {
      to: 'warming',
      because: `${view.ownReady} of ${view.wanted} replicas are ready`,
    })
  }
  const waited = elapsedS(phase.since, now)
  const unready = view.own.find((replica) => replica.state !== 'ready')
  // The provider limits each start; this limit holds even where the provider never says a word.
  if (waited > release.rules.readyWithinS * 4 + 60) {
    return reject(
      `${view.ownReady} of ${view.wanted} replicas were ready after ${seconds(waited)}: ${unready?.because ?? 'the others never started'}`,
    )
  }
  return {
    waitingFor: `replicas: ${view.ownReady} of ${view.wanted} are ready${unready?.because ? ` (${unready.because})` : ''}`,
  }
}

function testing(
  release: Release,
  phase: 'warming' | 'verifying',
  { view, seen, now }: { view: View; seen: Seen; now: Now },
): Move | Wait {
  const crash = crashed(view)
  if (crash) return crash
  const which = phase === 'warming' ? 'warmUp' : 'others'
  const judged = judgeGates(release, which, { states: seen.gates, now })
  if (judged.verdict === 'fail') return reject(judged.because)
  if (judged.verdict !== 'pass') return { waitingFor: judged.because }
  if (phase === 'warming') return forward(release, { to: 'verifying', because: judged.because })
  if (release.kind === 'verify')
    return { to: 'clearing', endsAs: 'verified', because: judged.because }
  return forward(release, { to: 'awaiting-approval', because: judged.because })
}

function awaitingApproval(
  service: Service,
  release: Release,
  view: View,
  seen: Seen,
  now: Now,
): Move | Wait {
  const crash = crashed(view)
  if (crash) return crash
  const consent = approval(release, now)
  if (consent.missing !== null) return { waitingFor: consent.missing }
  const needed = Math.max(view.wanted, view.liveWanted, view.liveReady)
  if (view.ownReady < needed) {
    return {
      waitingFor: `capacity: the candidate has ${view.ownReady} ready replicas of the ${needed} that live traffic needs`,
    }
  }
  if (seen.gateway === null)
    return { waitingFor: 'the gateway: it does not answer on its control socket' }
  const old = gatesTaken(release).taken.find(({ name }) => isStale(release, name, seen, now))
  if (old !== undefined) {
    return forward(release, {
      to: 'warming',
      because: `what gate ${old.name} found is more than 24h old: the gates are taken again`,
    })
  }
  return forward(release, { to: 'switching', because: consent.because })
}

function switching(
  service: Service,
  phase: Phase & { name: 'switching' },
  view: View,
  seen: Seen,
): Move | Wait {
  const { gateway } = seen
  if (gateway === null)
    return { waitingFor: 'the gateway: it does not answer on its control socket' }
  if (gateway.generation >= phase.generation && gateway.live === colourOf(service, 'live')) {
    return { to: 'watching', because: `the gateway routes by generation ${gateway.generation}` }
  }
  if (view.ownReady === 0 && service.standby !== null) {
    return {
      to: 'rolling-back',
      why: 'the candidate stopped answering before any traffic had moved',
      by: 'beryl',
    }
  }
  return { waitingFor: `the gateway to store generation ${phase.generation}` }
}

function watching(
  release: Release,
  phase: Phase & { name: 'watching' },
  view: View,
  seen: Seen,
  now: Now,
): Move | Wait {
  const why = release.from === null ? null : whyBack(view, seen)
  if (why !== null) return { to: 'rolling-back', ...why }
  if (release.accepted !== null) {
    return forward(release, {
      to: 'stabilizing',
      because: `accepted without more evidence by ${release.accepted.by}: ${release.accepted.reason}`,
    })
  }
  const { atLeastS, atMostS, whenUndecided } = release.rules.watch
  const watched = elapsedS(phase.since, now)
  const promotes = seen.guard?.decision === 'promote'
  if (promotes && watched >= atLeastS)
    return forward(release, { to: 'stabilizing', because: seen.guard!.because })
  if (promotes)
    return {
      waitingFor: `the watch: ${seconds(atLeastS - watched)} more of at least ${seconds(atLeastS)} (${seen.guard!.because})`,
    }
  const missing = seen.guard?.because ?? 'no evidence yet'
  if (watched < atMostS) return { waitingFor: `evidence: ${missing}` }
  if (whenUndecided === 'accept') {
    return forward(release, {
      to: 'stabilizing',
      because: `accepted without evidence after ${seconds(atMostS)}, as the manifest says: ${missing}`,
    })
  }
  if (whenUndecided === 'rollBack' && release.from !== null) {
    return {
      to: 'rolling-back',
      why: `undecided after ${seconds(atMostS)}: ${missing}`,
      by: 'schedule',
    }
  }
  const ways = release.from === null ? '`promote`' : '`promote` or `rollback`'
  return {
    waitingFor: `${ways}: the watch had ${seconds(atMostS)} and is undecided (${missing})`,
  }
}

function whyBack(view: View, seen: Seen): { why: string; by: string } | null {
  const crashes = view.own.reduce((sum, replica) => sum + replica.restarts, 0)
  const last = view.own.find((replica) => replica.state !== 'ready')
  if (seen.guard?.decision === 'rollBack') return { why: seen.guard.because, by: 'guard' }
  if (view.own.length > 0 && view.ownReady === 0)
    return {
      why: `no replica of the new version answers: ${last?.because ?? 'unknown'}`,
      by: 'guard',
    }
  if (crashes >= crashesInWatchMax)
    return {
      why: `replicas of the new version died ${crashes} times${last ? `: ${last.because}` : ''}`,
      by: 'guard',
    }
  return null
}

function stabilizing(
  service: Service,
  release: Release,
  phase: Phase & { name: 'stabilizing' },
  now: Now,
): Move | Wait {
  if (service.standby === null)
    return {
      to: 'clearing',
      endsAs: 'finished',
      because: 'a first release has no way back to keep',
    }
  if (service.queued !== null)
    return { to: 'clearing', endsAs: 'finished', because: `superseded by ${service.queued.id}` }
  const rung = release.rules.standby[phase.rung]
  if (rung === undefined)
    return forward(release, {
      to: 'clearing',
      endsAs: 'finished',
      because: 'the standby ladder has no rungs',
    })
  const left = rung.forS - elapsedS(phase.since, now)
  if (left > 0)
    return { waitingFor: `the standby: ${rung.rung} for another ${seconds(left)}, then gone` }
  return forward(release, {
    to: 'clearing',
    endsAs: 'finished',
    because: `the standby was kept ${rung.rung} for ${seconds(rung.forS)}`,
  })
}

function rollingBack(
  service: Service,
  phase: Phase & { name: 'rolling-back' },
  seen: Seen,
): Move | Wait {
  const { gateway } = seen
  if (gateway === null)
    return { waitingFor: 'the gateway: it does not answer on its control socket' }
  const colour = colourOf(service, 'live')!
  if (gateway.generation >= phase.generation && gateway.live === colour) {
    return { to: 'clearing', endsAs: 'rolled-back', because: phase.why }
  }
  const ready =
    service.live === null ? 0 : countReady(replicasOf(seen, colour, service.live.release))
  if (ready === 0)
    return {
      waitingFor: `a ready replica in ${colour}: the standby does not answer, traffic stays where it is`,
    }
  return { waitingFor: `the gateway to store generation ${phase.generation}` }
}

function clearing(service: Service, phase: Phase & { name: 'clearing' }, seen: Seen): Move | Wait {
  const place = colourOf(service, 'candidate')!
  const left = seen.replicas.filter((replica) => replica.environment === place)
  if (left.length === 0) return { to: 'end', endsAs: phase.endsAs, because: phase.because }
  const open = seen.gateway?.inFlight[place] ?? 0
  if (open > 0) return { waitingFor: `${open} requests that are still in flight on ${place}` }
  return { waitingFor: `${left.length} replicas in ${place} to stop` }
}

function crashed(view: View): Move | null {
  const dead = view.own.find((replica) => replica.restarts > 0 || replica.state === 'failed')
  return dead ? reject(`${dead.id} died while it was being tested: ${dead.because}`) : null
}

function reject(because: string): Move {
  return { to: 'clearing', endsAs: 'rejected', because }
}

function isStale(release: Release, gate: string, { gates }: Seen, now: Now): boolean {
  const state = gates.find(({ name }) => name === gate)
  return state !== undefined && isOld(release, state, now)
}

/** Who must consent, and did they? Old approvals and those of another digest count for nothing. */
function approval(release: Release, now: Now): { missing: string | null; because: string } {
  const unjudged =
    release.from === null &&
    release.kind !== 'rollback' &&
    !release.rules.gates.some((gate) => gate.absolute)
  if (release.rules.switchWhen === 'verified' && !unjudged)
    return { missing: null, because: 'every gate passed' }
  const given = release.approvals.find(
    ({ digest, at }) => digest === release.bundle.digest && now.wall - at < approvalHoldsMs,
  )
  if (given) return { missing: null, because: `approved by ${given.by}` }
  const why = unjudged
    ? 'a first release without a gate that has a floor of its own'
    : 'the manifest asks for it'
  return { missing: `approval (${why})`, because: '' }
}
