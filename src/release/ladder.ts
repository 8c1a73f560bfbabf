/** After the watch: the standby walks down its rungs, and each way back from a lower one is tried out before it is relied on. */
import { budgetText, reached } from './budget.ts'
import { elapsedS, seconds } from './clock.ts'
import { desiredWorld, rungOf, surplus } from './desired-world.ts'
import { forward } from './move.ts'
import type { Move, Wait } from './move.ts'
import type { Now, Release, Rung, Service, Stabilizing } from './release.ts'
import { colourOf } from './roles.ts'
import { heldText, isPushedOut, pooledOf } from './pool.ts'
import { countReady, ownOf, reasonOf, replicasOf, tenantsText } from './seen.ts'
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
  const rung = phase.rung < 0 ? above : release.rules.standby[phase.rung]
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
  // What is about to step down is not tried out any more.
  const isOver = left <= 0 && phase.drill === undefined
  const look = { rung, seen, now }
  const drill = isOver
    ? null
    : rung.rung === 'full'
      ? probing(service, release, phase, look)
      : drilling(service, release, phase, look)
  if (drill !== null) return drill
  const then = next === undefined ? 'gone' : `${rungText(next)} for ${seconds(next.forS)}`
  if (release.paused === null && left > 0)
    return {
      waitingFor: `the standby: ${rungText(rung)} for another ${seconds(left)}, then ${then}${lentText(service, seen)}`,
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

function lentText({ standby }: Service, { replicas }: Seen): string {
  const here = replicas.filter(({ release }) => release === standby?.release)
  const out = here.find(isPushedOut)
  if (out !== undefined)
    return `; pushed out of ${heldText(out.pool!)}: a rollback loads it as soon as there is a place, and starts its own replicas`
  const tenants = here.flatMap(({ lentTo = [] }) => lentTo)
  if (tenants.length === 0) return ''
  return `; its GPU slots are leased to ${tenantsText(tenants)}, which a rollback ends`
}

/** Above the first rung: one that does not lead back is left upwards. */
const above: Rung = { rung: 'full', forS: 0 }

type Look = { rung: Rung; seen: Seen; now: Now }

/** Nothing has to come back: a drill looks whether all of it is there, and the way back prepared. */
function probing(
  service: Service,
  release: Release,
  phase: Stabilizing,
  { seen, now }: Look,
): Move | null {
  const { version, replicas } = service.standby!
  if (phase.rung < 0 || !isDue(release, phase, now) || weakened(service, seen) !== null) return null
  return {
    to: 'stabilizing',
    step: 'drilled',
    because: `probed: ${replicas} of ${replicas} replicas of ${version} are ready, and the way back is prepared`,
  }
}

/** What the standby lacks of what is kept ready; null: nothing, or nothing is. */
export function weakened(service: Service, seen: Seen): string | null {
  const { standby, release } = service
  const phase = release?.phase
  const isKept = phase?.name === 'watching' || phase?.name === 'stabilizing'
  if (standby === null || !isKept || (phase.name === 'stabilizing' && phase.drill !== undefined))
    return null
  const rung = rungOf(service)
  const place = colourOf(service, 'standby')!
  const all = replicasOf(seen, place, standby.release)
  const here = ownOf(all)
  if (rung?.rung === 'shared' && here.length === 0) {
    const pooled = pooledOf(all)
    // Who was pushed out was told.
    if (countReady(pooled) > 0 || pooled.some(isPushedOut)) return null
    return `the way back is weakened: ${standby.version} does not answer in pool ${rung.pool}${reasonOf(pooled)}`
  }
  if (rung?.rung === 'shared' || rung?.rung === 'asleep') return null
  const { placed } = desiredWorld(service).environments[place]
  const ready = countReady(here)
  const one = reasonOf(here.filter(({ state }) => state !== 'ready'))
  if (ready < placed!.replicas)
    return `the way back is weakened: ${ready} of ${placed!.replicas} replicas of ${standby.version} are ready${one}`
  if (rung?.rung !== 'replicas' && seen.gateway !== null && seen.gateway.back === null)
    return 'the way back is not prepared in the gateway'
  return null
}

function isDue({ rules }: Release, { drilled }: Stabilizing, now: Now): boolean {
  if (drilled === undefined) return true
  const { drillEveryS } = rules
  return drillEveryS !== undefined && sinceDrilledS(drilled, now) >= drillEveryS
}

function sinceDrilledS({ at, up }: NonNullable<Stabilizing['drilled']>, now: Now): number {
  return elapsedS({ wall: at, up }, now)
}

/**
 * Right after stepping down, and again as often as the manifest says: is it true that the standby can be brought back, and how long does
 * it take? Null while that is known. A way back that fails is none: up again, and somebody has to look (rulings §12).
 */
function drilling(
  service: Service,
  release: Release,
  phase: Stabilizing,
  { rung, seen, now }: Look,
): Move | Wait | null {
  const standby = service.standby!
  const here = replicasOf(seen, colourOf(service, 'standby')!, standby.release)
  const own = ownOf(here)
  const ready = countReady(own)
  const out = here.find(isPushedOut)
  const { drill, drilled } = phase
  if (drill === undefined) {
    // Who has its place stays there: only a rollback, or a version that was left later, takes one. Until it was in, its own stay up.
    if (out !== undefined)
      return own.length === 0
        ? null
        : {
            waitingFor: `a place in ${heldText(out.pool!)}: ${standby.version} stays up until then`,
          }
    // Nothing is tried out that has not come down yet, or not come down again.
    const coming = stillUp(service, rung, here, seen)
    const stepping = `the standby to step down to ${rungText(rung)}: ${coming.length} to go${reasonOf(coming)}`
    const passed = drilled === undefined ? elapsedS(phase.since, now) : sinceDrilledS(drilled, now)
    const isStuck = reasonOf(stuckOf(rung, coming)) !== '' && passed > patienceS(release)
    if (isStuck)
      return { to: 'stabilizing', step: 'up', because: `it waited too long for ${stepping}` }
    if (coming.length > 0) return { waitingFor: stepping }
    // Who is on its slots stays there: only a rollback calls them back.
    if (!isDue(release, phase, now) || here.some(({ lentTo = [] }) => lentTo.length > 0))
      return null
    return forward(release, {
      to: 'stabilizing',
      step: 'drill',
      because: `a drill: is ${standby.version} back at its full size, and how soon?`,
    })
  }
  const passed = elapsedS(drill.since, now)
  const isIn = rung.rung !== 'shared' || out !== undefined || countReady(pooledOf(here)) > 0
  if (ready >= standby.replicas && isIn)
    return {
      to: 'stabilizing',
      step: 'drilled',
      because: `drilled: ${standby.version} was back at ${ready} replicas after ${seconds(passed)}`,
    }
  const failed = here.find(({ state }) => state === 'failed')
  if (failed !== undefined || passed > release.rules.readyWithinS + patienceS(release)) {
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

/** Beyond the time that a start may take, s: as long again, and no longer than this. */
const patienceMostS = 30

function patienceS({ rules }: Release): number {
  return Math.min(rules.readyWithinS, patienceMostS)
}

/** A model that waits for its place, or is being loaded, takes its time; so does capacity that has to be found, or was taken away. */
function stuckOf({ rung }: Rung, coming: readonly ReplicaFact[]): readonly ReplicaFact[] {
  return coming.filter(({ state, spot }) =>
    spot === true ? state === 'ready' : state !== 'starting' || rung !== 'shared',
  )
}

/** What of the standby has yet to leave, or to fall asleep. */
function stillUp(
  service: Service,
  rung: Rung,
  here: readonly ReplicaFact[],
  seen: Seen,
): readonly ReplicaFact[] {
  if (rung.rung === 'asleep')
    return here.filter(({ state, short }) => state !== 'asleep' && short !== true)
  const leaving = surplus(service, seen)
  if (rung.rung === 'shared') {
    const pooled = pooledOf(here)
    return countReady(pooled) > 0 ? ownOf(here) : pooled.length > 0 ? pooled : ownOf(here)
  }
  const down = here.filter(({ id, state }) => state === 'stopping' || leaving.includes(id))
  return [...down, ...toSpot(service, here)]
}

/** What comes up on spot capacity so that others may leave; what cannot be had is not waited for. */
function toSpot(service: Service, here: readonly ReplicaFact[]): readonly ReplicaFact[] {
  const { on } = desiredWorld(service).environments[colourOf(service, 'standby')!]
  if (on.counts !== 'spot') return []
  return here.filter((one) => one.spot === true && one.short !== true && one.state === 'starting')
}

export function rungText(rung: Rung): string {
  if (rung.rung !== 'replicas') return rung.rung
  return rung.replicas === 1 ? '1 replica' : `${rung.replicas} replicas`
}
