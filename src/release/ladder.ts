/** After the watch: the standby walks down its rungs, and each way back from a lower one is tried out before it is relied on. */
import { budgetText, reached } from './budget.ts'
import { elapsedS, seconds } from './clock.ts'
import { surplus } from './desired-world.ts'
import { forward } from './move.ts'
import type { Move, Wait } from './move.ts'
import type { Now, Release, Rung, Service, Stabilizing } from './release.ts'
import { colourOf } from './roles.ts'
import { countReady, reasonOf, replicasOf } from './seen.ts'
import type { ReplicaFact, Seen } from './seen.ts'

export function stabilizing(
  service: Service,
  release: Release,
  phase: Stabilizing,
  { seen, now }: { seen: Seen; now: Now },
): Move | Wait {
  if (service.standby === null)
    return {
      to: 'clearing',
      endsAs: 'finished',
      because: 'a first release has no way back to keep',
    }
  if (service.queued !== null && service.queued.keepsStandby !== true)
    return { to: 'clearing', endsAs: 'finished', because: `superseded by ${service.queued.id}` }
  const rung = release.rules.standby[phase.rung]
  if (rung === undefined)
    return forward(release, {
      to: 'clearing',
      endsAs: 'finished',
      because: 'the standby ladder has no rungs',
    })
  const next = release.rules.standby[phase.rung + 1]
  const cut = reached(release, seen)
  // A pause holds the time of a rung, not what it costs.
  if (cut !== null) {
    const why = `${budgetText(cut)}: the standby goes down from ${rungText(rung)} before its time`
    if (next === undefined) return { to: 'clearing', endsAs: 'finished', because: why }
    return { to: 'stabilizing', because: why, cut }
  }
  const left = rung.forS - elapsedS(phase.since, now)
  const isTriedOut = rung.rung === 'full' || (left <= 0 && phase.drill === undefined)
  const drill = isTriedOut ? null : drilling(service, release, phase, { rung, seen, now })
  if (drill !== null) return drill
  const then = next === undefined ? 'gone' : `${rungText(next)} for ${seconds(next.forS)}`
  if (release.paused === null && left > 0)
    return {
      waitingFor: `the standby: ${rungText(rung)} for another ${seconds(left)}, then ${then}`,
      againS: left,
    }
  const because = `the standby was kept ${rungText(rung)} for ${seconds(rung.forS)}`
  return forward(
    release,
    next === undefined
      ? { to: 'clearing', endsAs: 'finished', because }
      : { to: 'stabilizing', because },
  )
}

/**
 * Right after stepping down: is it true that the standby can be brought back, and how long does it take? Null once that is known. A way
 * back that fails is none: up again, and somebody has to look (rulings §12).
 */
function drilling(
  service: Service,
  release: Release,
  phase: Stabilizing,
  { rung, seen, now }: { rung: Rung; seen: Seen; now: Now },
): Move | Wait | null {
  const standby = service.standby!
  const here = replicasOf(seen, colourOf(service, 'standby')!, standby.release)
  const ready = countReady(here)
  if (phase.drill === undefined) {
    if (phase.drilled !== undefined) return null
    // Nothing is tried out that has not come down yet.
    const coming = stillUp(service, rung, here, seen)
    const stepping = `the standby to step down to ${rungText(rung)}: ${coming.length} to go${reasonOf(coming)}`
    const isStuck = reasonOf(coming) !== '' && elapsedS(phase.since, now) > patienceS
    if (isStuck)
      return { to: 'stabilizing', step: 'up', because: `it waited too long for ${stepping}` }
    if (coming.length > 0) return { waitingFor: stepping }
    return forward(release, {
      to: 'stabilizing',
      step: 'drill',
      because: `a drill: is ${standby.version} back at its full size, and how soon?`,
    })
  }
  const passed = elapsedS(phase.drill.since, now)
  if (ready >= standby.replicas)
    return {
      to: 'stabilizing',
      step: 'drilled',
      because: `drilled: ${standby.version} was back at ${ready} replicas after ${seconds(passed)}`,
    }
  const failed = here.find(({ state }) => state === 'failed')
  if (failed !== undefined || passed > release.rules.readyWithinS + patienceS) {
    const why = failed === undefined ? `after ${seconds(passed)}` : failed.because.split('\n')[0]
    return {
      to: 'stabilizing',
      step: 'up',
      because: `the drill failed: ${ready} of ${standby.replicas} replicas of ${standby.version} were ready (${why})${failed === undefined ? reasonOf(here) : ''}; the standby steps up again`,
    }
  }
  return {
    waitingFor: `a drill: ${ready} of ${standby.replicas} replicas of ${standby.version} are ready after ${seconds(passed)}${reasonOf(here)}`,
  }
}

/** Beyond the time that a start may take. */
const patienceS = 30

/** What of the standby has yet to leave, or to fall asleep. */
function stillUp(
  service: Service,
  rung: Rung,
  here: readonly ReplicaFact[],
  seen: Seen,
): readonly ReplicaFact[] {
  if (rung.rung === 'asleep') return here.filter(({ state }) => state !== 'asleep')
  const leaving = surplus(service, seen)
  return here.filter(({ id, state }) => state === 'stopping' || leaving.includes(id))
}

export function rungText(rung: Rung): string {
  if (rung.rung !== 'replicas') return rung.rung
  return rung.replicas === 1 ? '1 replica' : `${rung.replicas} replicas`
}
