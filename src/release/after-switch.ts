/** From the first part of the traffic to the end of the watch: when does it go on, go back, or wait? */
import { elapsedS, seconds } from './clock.ts'
import { missing } from './big-enough.ts'
import { handOverText, heldBack } from './holds.ts'
import { forward } from './move.ts'
import type { Move, View, Wait } from './move.ts'
import type { Now, Phase, Release, Service } from './release.ts'
import { colourOf } from './roles.ts'
import type { Seen } from './seen.ts'

/** Death of a live replica of the new version this often, in the watch, is a verdict by itself. */
const crashesInWatchMax = 3

export function switching(
  service: Service,
  release: Release,
  phase: Phase & { name: 'switching' },
  { view, seen, now }: { view: View; seen: Seen; now: Now },
): Move | Wait {
  const { gateway } = seen
  if (gateway === null)
    return { waitingFor: 'the gateway: it does not answer on its control socket' }
  const stored = gateway.generation >= phase.generation
  if (phase.share === undefined) {
    if (stored && gateway.live === colourOf(service, 'live'))
      return { to: 'watching', because: `the gateway routes by generation ${gateway.generation}` }
  } else if (stored && gateway.split?.share === phase.share)
    return inStep(service, release, phase, { view, seen, now })
  if (view.ownReady === 0 && !isStartedAnew(view) && service.standby !== null) {
    return {
      to: 'rolling-back',
      why: 'the candidate stopped answering before any traffic had moved',
      by: 'beryl',
    }
  }
  const lacking = missing(service, release, seen)
  if (lacking !== null) return { waitingFor: `capacity: ${lacking}` }
  if (gateway.handOver !== undefined) return { waitingFor: handOverText(gateway.handOver) }
  return { waitingFor: `the gateway to store generation ${phase.generation}` }
}

/**
 * A part of the traffic is answered by the new version. More of it only when its time is over and what was seen would have shown
 * a regression that matters (promise 4: that nothing was seen is no evidence where little was looked at).
 */
function inStep(
  service: Service,
  release: Release,
  phase: Phase & { name: 'switching' },
  { view, seen, now }: { view: View; seen: Seen; now: Now },
): Move | Wait {
  const why = whyBack(view, seen)
  if (why !== null) return { to: 'rolling-back', ...why }
  const further = (move: { to: 'switching'; because: string }) =>
    heldBack(release, { seen, now }) ?? forward(release, move)
  const { step, of, promoted } = phase
  const part = `step ${step} of ${of}, ${Math.round(phase.share! * 1000) / 10} %`
  const lacking = missing(service, release, seen)
  if (lacking !== null) return { waitingFor: `capacity: ${lacking} (${part})` }
  if (promoted !== undefined)
    return further({
      to: 'switching',
      because: `after ${part}: promoted by ${promoted.by}: ${promoted.reason}`,
    })
  const { everyS = 0 } = release.rules.traffic ?? {}
  const { atMostS, whenUndecided } = release.rules.watch
  const passed = elapsedS(phase.since, now)
  const found = seen.guard?.because ?? 'no evidence yet'
  if (passed < everyS)
    return {
      waitingFor: `${part}: ${seconds(everyS - passed)} more of ${seconds(everyS)} (${found})`,
    }
  if (seen.guard?.decision === 'promote' || seen.guard?.wouldShow === true)
    return further({ to: 'switching', because: `after ${part}: ${found}` })
  if (passed < Math.max(atMostS, everyS))
    return { waitingFor: `evidence: ${part}, and too little was seen (${found})` }
  if (whenUndecided === 'accept')
    return further({
      to: 'switching',
      because: `after ${part}: accepted without evidence after ${seconds(passed)}, as the manifest says: ${found}`,
    })
  if (whenUndecided === 'rollBack')
    return {
      to: 'rolling-back',
      why: `undecided in ${part} after ${seconds(passed)}: ${found}`,
      by: 'schedule',
    }
  return {
    waitingFor: `\`promote\` or \`rollback\`: ${part} had ${seconds(passed)} and too little was seen (${found})`,
  }
}

export function watching(
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
  const unseen = seen.guard?.because ?? 'no evidence yet'
  if (watched < atMostS) return { waitingFor: `evidence: ${unseen}` }
  if (whenUndecided === 'accept') {
    return forward(release, {
      to: 'stabilizing',
      because: `accepted without evidence after ${seconds(atMostS)}, as the manifest says: ${unseen}`,
    })
  }
  if (whenUndecided === 'rollBack' && release.from !== null) {
    return {
      to: 'rolling-back',
      why: `undecided after ${seconds(atMostS)}: ${unseen}`,
      by: 'schedule',
    }
  }
  const ways = release.from === null ? '`promote`' : '`promote` or `rollback`'
  return {
    waitingFor: `${ways}: the watch had ${seconds(atMostS)} and is undecided (${unseen})`,
  }
}

/**
 * After the machine went down everything starts at the same time, the old version too: that is nothing against the new one. What does
 * not get ready in its time has failed, and that is.
 */
function isStartedAnew({ own }: View): boolean {
  return own.every(({ state, restarts }) => state === 'starting' && restarts === 0)
}

function whyBack(view: View, seen: Seen): { why: string; by: string } | null {
  const crashes = view.own.reduce((sum, replica) => sum + replica.restarts, 0)
  const last = view.own.find((replica) => replica.state !== 'ready')
  if (seen.guard?.decision === 'rollBack') return { why: seen.guard.because, by: 'guard' }
  if (view.ownReady === 0 && !isStartedAnew(view))
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
