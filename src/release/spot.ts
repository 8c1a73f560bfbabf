/**
 * Interruptible capacity: cheaper, and taken away at any time. What is not live may be on it; what is live is not, unless the version
 * says so. So the standby moves there when its watch is over, a candidate on it gets on-demand replicas before its switch, and a rollback
 * onto it moves at once and gets on-demand replicas then. Pure.
 */
import type { GateState, Placed, Release, Rung, Service } from './release.ts'
import { gatesTaken } from './gates.ts'
import { countReady, reasonOf } from './seen.ts'
import type { ReplicaFact } from './seen.ts'

/** Which replicas of a place count as those that are asked for, and on what new ones are started. */
export type On = { counts: 'onDemand' | 'spot' | 'either'; starts: 'onDemand' | 'spot' }

const onDemand: On = { counts: 'onDemand', starts: 'onDemand' }
const spot: On = { counts: 'spot', starts: 'spot' }

/** What is live stays where it is where its version may be on spot capacity; lost replicas are asked for there. */
export function onOfLive({ spot: may }: Pick<Placed, 'spot'>): On {
  return may?.live === true ? { counts: 'either', starts: 'spot' } : onDemand
}

export function onOfCandidate(release: Release): On {
  const { bundle, rules, kind } = release
  const once = onOfLive(bundle)
  // The way back to an older version is not a matter of money, and not of luck.
  if (kind === 'rollback') return { ...once, starts: 'onDemand' }
  if (bundle.spot === undefined || rules.spot?.candidate !== true) return once
  return release.onDemand === undefined ? spot : once
}

/**
 * Until its watch is over it may have to take over at once, and stays where it was. In a drill what is missing comes up as in a rollback:
 * on demand. What sleeps sleeps where it is.
 */
export function onOfStandby(
  { release }: Service,
  placed: Placed,
  { rung, isDrilled }: { rung: Rung | null; isDrilled: boolean },
): On {
  const isAsked = placed.spot !== undefined && release?.rules.spot?.standby === true
  if (!isAsked || release.phase.name !== 'stabilizing') return onOfLive(placed)
  if (isDrilled) return { counts: 'either', starts: 'onDemand' }
  return rung?.rung === 'asleep' ? { counts: 'either', starts: 'spot' } : spot
}

/** Those that count while they are ready: where spot is asked for, on-demand ones stand in for what cannot be had. */
export function counting({ counts }: On, replicas: readonly ReplicaFact[]): readonly ReplicaFact[] {
  return counts === 'onDemand' ? replicas.filter((one) => one.spot !== true) : replicas
}

/**
 * Where those that came for what is about to be taken away are so themselves, on-demand capacity stands in, or there would be ever more.
 *
 * @param here those of the place that come up, or are up, and are not to go
 * @param noticed those that are still there, and are about to be taken away
 */
export function lackingOf(
  { counts, starts }: On,
  wanted: number,
  here: readonly ReplicaFact[],
  noticed = 0,
): { spot: number; onDemand: number } {
  const onSpot = here.filter((one) => one.spot === true)
  const others = here.length - onSpot.length
  const had = onSpot.filter((one) => one.short !== true).length
  if (starts === 'onDemand')
    return { spot: 0, onDemand: Math.max(0, wanted - others - (counts === 'either' ? had : 0)) }
  const missing = wanted - onSpot.length - (counts === 'either' ? others : 0)
  const more = Math.max(0, Math.min(missing, 2 * wanted - noticed - onSpot.length))
  // What cannot be had is asked for now and then; meanwhile on-demand capacity stands in for it.
  return { spot: more, onDemand: Math.max(0, wanted - had - others - more) }
}

/**
 * What stands beyond what is asked for, in this order of those that stay: what counts and is ready, what counts and comes up, and of
 * the others as many as are still needed until then.
 */
export function beyondOf(
  { counts }: On,
  wanted: number,
  { running, mayShrink }: { running: readonly ReplicaFact[]; mayShrink: boolean },
): readonly ReplicaFact[] {
  const counted = running.filter((one) => counts === 'either' || counts === kindOf(one))
  const others = running.filter((one) => !counted.includes(one))
  const kept = counted.toSorted(readyFirst).slice(0, wanted)
  const tooMany = mayShrink ? counted.toSorted(readyFirst).slice(wanted) : []
  // A candidate that is being tested is not changed because spot capacity came back.
  if (!mayShrink && counts !== 'onDemand') return []
  const stillNeeded = Math.max(0, wanted - countReady(kept))
  return [...tooMany, ...others.toSorted(readyFirst).slice(stillNeeded)]
}

/** What is ready stays first: nothing that answers leaves for something that does not. */
function readyFirst(a: ReplicaFact, b: ReplicaFact): number {
  return Number(b.state === 'ready') - Number(a.state === 'ready') || (a.id < b.id ? -1 : 1)
}

function kindOf(one: ReplicaFact): 'spot' | 'onDemand' {
  return one.spot === true ? 'spot' : 'onDemand'
}

/** It was tested on capacity that nothing live is on: before it switches it needs replicas of its own there. */
export function needsOnDemand(release: Release): boolean {
  return onOfCandidate(release).counts === 'spot' && release.bundle.spot?.live !== true
}

/** What was found of the replicas themselves, and not of the version, counts no more: the last attempt of each such gate. */
export function findingsOfReplicas(
  release: Release,
  states: readonly GateState[],
): Record<string, number> {
  const kinds: readonly string[] = ['identity', 'warmUp', 'load']
  const names = gatesTaken(release).taken.flatMap(({ name, kind }) =>
    kinds.includes(kind) ? [name] : [],
  )
  return Object.fromEntries(
    states.flatMap((state) =>
      state.state === 'decided' && names.includes(state.name)
        ? [[state.name, state.attempt] as const]
        : [],
    ),
  )
}

/** What is live went back to a standby on spot capacity, and its own replicas are not there yet; null: that is not so. */
export function liveOnSpot(
  { live, colour }: Service,
  replicas: readonly ReplicaFact[],
): string | null {
  if (live === null || onOfLive(live).counts !== 'onDemand') return null
  const here = replicas.filter((one) => one.environment === colour && one.release === live.release)
  const own = counting(onDemand, here)
  if (own.length === here.length || countReady(own) >= live.replicas) return null
  return `what is live is on spot capacity: ${countReady(own)} of ${live.replicas} on-demand replicas of ${live.version} are ready${reasonOf(own)}`
}

/** What of a place is on spot capacity, and what of that is not there, for sentences; null: nothing. */
export function spotText(replicas: readonly ReplicaFact[]): string | null {
  const onSpot = replicas.filter((one) => one.spot === true && one.state !== 'stopping')
  if (onSpot.length === 0) return null
  const gone = onSpot.filter(({ state }) => state !== 'ready' && state !== 'asleep')
  const noticed = onSpot.filter((one) => one.noticed === true && !gone.includes(one))
  return [
    `${onSpot.length} of ${replicas.length} on spot capacity`,
    ...(gone.length === 0 ? [] : [`${gone.length} of them not there${reasonOf(gone)}`]),
    ...(noticed.length === 0
      ? []
      : [`${noticed.length} of them about to be taken away (spot.notice says so)`]),
  ].join(', ')
}
