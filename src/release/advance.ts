/** One look at an active release: does it go on, end, go back, or wait, and for what? */
import { switching, watching } from './after-switch.ts'
import { missingForLoad } from './big-enough.ts'
import { budgetText, cutBack, outOfMoney } from './budget.ts'
import { elapsedS, seconds } from './clock.ts'
import { expiring } from './expiry.ts'
import { stabilizing } from './ladder.ts'
import { dayS, evidenceForS, gatesTaken, isOld, judgeGates } from './gates.ts'
import { heldBack } from './holds.ts'
import { lendersOf } from './leases.ts'
import { forward, look } from './move.ts'
import type { Move, View, Wait } from './move.ts'
import { heldText, isPushedOut } from './pool.ts'
import type { Environment, Now, Phase, Release, Service } from './release.ts'
import { colourOf } from './roles.ts'
import { countReady, reasonOf, replicasOf, tenantsText } from './seen.ts'
import type { ReplicaFact, Seen } from './seen.ts'
import { findingsOfReplicas, needsOnDemand } from './spot.ts'

export function advance(service: Service, release: Release, seen: Seen, now: Now): Move | Wait {
  const { phase } = release
  const view = look(service, release, seen)
  const taken = wayBackTaken(service, phase, seen)
  if (taken !== null) return taken
  const cut = cutBack(service, release, seen)
  if (cut !== null) return cut
  switch (phase.name) {
    case 'queued':
      return queued(service, release, seen)
    case 'provisioning':
      return provisioning(release, phase, view, now)
    case 'warming':
    case 'verifying':
      return testing(release, phase.name, { view, seen, now })
    case 'awaiting-approval':
      return awaitingApproval(service, release, view, seen, now)
    case 'switching':
      return switching(service, release, phase, { view, seen, now })
    case 'watching':
      return watching(release, phase, view, seen, now)
    case 'stabilizing':
      return stabilizing(service, release, phase, { seen, now })
    case 'rolling-back':
      return rollingBack(service, phase, seen)
    case 'clearing':
      return clearing(service, phase, seen)
    default:
      return { waitingFor: 'nothing: the release has ended' }
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
  const standby = colourOf(service, 'standby')
  // From a lower rung a part of the traffic went back.
  const isBack = gateway.live === standby || gateway.split?.to === standby
  if (!isBack || gateway.generation < generation) return null
  return {
    to: 'rolling-back',
    why: `the gateway went back at generation ${gateway.generation}, and the journal could not be written then`,
    by: 'beryl',
  }
}

/** Its turn comes once no other release is in the way, of this service or beyond what may run at once. */
function queued(service: Service, release: Release, seen: Seen): Move | Wait {
  const { crowd } = seen
  const spent = outOfMoney(service, release, seen)
  if (release.paused === null && spent !== null)
    return {
      waitingFor: `the budget: ${budgetText(spent)}; it begins in the next month, or with a larger budget.month (\`beryl apply\`)`,
    }
  const isFull = crowd !== undefined && crowd.ahead.length >= crowd.atOnce
  if (isFull && release.paused === null && release.kind !== 'rollback')
    return {
      waitingFor: `its turn: ${crowd.atOnce} ${crowd.atOnce === 1 ? 'release runs' : 'releases run'} at once at most (releases.atOnce), before it ${crowd.ahead.length === 1 ? 'is' : 'are'} ${crowd.ahead.join(', ')}`,
    }
  return forward(release, { to: 'provisioning', because: 'nothing else is being released' })
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
    waitingFor: `${release.onDemand === undefined ? '' : 'on-demand '}replicas: ${view.ownReady} of ${view.wanted} are ready${unready?.because ? ` (${unready.because})` : ''}`,
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
  if (judged.verdict !== 'pass') {
    const wait = { waitingFor: judged.because }
    return judged.needsPerson === true ? expiring(release, wait, { seen, now }) : wait
  }
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
  if (consent.missing !== null)
    return expiring(release, { waitingFor: consent.missing }, { seen, now })
  const needed = Math.max(view.wanted, view.liveWanted)
  if (view.ownReady < needed) {
    return {
      waitingFor: `capacity: the candidate has ${view.ownReady} ready replicas of the ${needed} that live traffic needs`,
    }
  }
  const lacking = missingForLoad(release, seen, view.ownReady)
  if (lacking !== null) return { waitingFor: `capacity: ${lacking}` }
  const lenders = lendersOf(view.own)
  if (lenders.length > 0)
    return {
      waitingFor: `GPU slots of its own: it is on those of a standby that sleeps (${tenantsText(lenders)}), until that is gone; what is live holds no lease`,
    }
  if (seen.gateway === null)
    return { waitingFor: 'the gateway: it does not answer on its control socket' }
  // Before the age of what gates found: in a week without a window they would be taken again each day.
  const held = heldBack(release, { seen, now })
  if (held !== null) return held
  if (needsOnDemand(release))
    return forward(release, {
      to: 'provisioning',
      found: findingsOfReplicas(release, seen.gates),
      because: `${consent.because}; it was tested on spot capacity, and what is live is not on it: on-demand replicas come up first, and say who they are and get warm`,
    })
  const old = gatesTaken(release).taken.find(({ name }) => isStale(release, name, seen, now))
  if (old !== undefined) {
    return forward(release, {
      to: 'warming',
      because: `what gate ${old.name} found is more than ${seconds(evidenceForS(release))} old: the gates are taken again`,
    })
  }
  return forward(release, { to: 'switching', because: consent.because })
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
  const isBack = gateway.live === colour && gateway.split == null
  if (gateway.generation >= phase.generation && isBack) {
    return { to: 'clearing', endsAs: 'rolled-back', because: phase.why }
  }
  const ready =
    service.live === null ? 0 : countReady(replicasOf(seen, colour, service.live.release))
  const asleep = seen.replicas.filter((one) => one.environment === colour && one.state === 'asleep')
  if (ready === 0 && asleep.length > 0)
    return {
      waitingFor: wakingText(service, colour, asleep),
    }
  if (ready === 0)
    return {
      waitingFor: `a ready replica in ${colour}: the standby does not answer, traffic stays where it is${reasonOf(replicasOf(seen, colour, service.live?.release ?? ''))}`,
    }
  const split = gateway.split ?? null
  if (split?.to === colour)
    return {
      waitingFor: `capacity: ${Math.round(split.share * 100)} % of the traffic is back, ${ready} of ${service.live!.replicas} replicas of ${service.live!.version} are ready (\`rollback --hard\` moves all of it now)`,
    }
  return { waitingFor: `the gateway to store generation ${phase.generation}` }
}

function wakingText(
  { live }: Service,
  colour: Environment,
  asleep: readonly ReplicaFact[],
): string {
  const out = asleep.find(isPushedOut)
  if (out !== undefined)
    return `a place in ${heldText(out.pool!)}, or a ready replica in ${colour}, whichever comes first`
  return `the standby to wake up: ${asleep.length} of ${live!.replicas} replicas in ${colour} are asleep${reasonOf(asleep)}`
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
  // An approval is a consent of today, not a blank cheque (rulings §14).
  const holdsMs = (release.rules.approvalForS ?? dayS) * 1000
  const given = release.approvals.find(
    ({ digest, at }) => digest === release.bundle.digest && now.wall - at < holdsMs,
  )
  if (given) return { missing: null, because: `approved by ${given.by}` }
  const why = unjudged
    ? 'a first release without a gate that has a floor of its own'
    : (release.rules.unknown ?? 'the manifest asks for it')
  return { missing: `approval (${why})`, because: '' }
}
