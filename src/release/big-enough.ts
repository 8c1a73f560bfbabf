/**
 * Promise 5: is the capacity that live traffic is about to receive really there? Pure. Asked before the switch is journalled,
 * right before it is stored, and before each further step (rulings §14).
 *
 * Capacity is what the load gates found, for each replica that is ready now; and always as many ready replicas as live has.
 * The load to come is what live was asked at its peak of the last five minutes, or what a load gate was asked to hold,
 * whichever is more. A person who skips a load gate takes back what it asked for, never what it found.
 */
import { gatesTaken, decides } from './gates.ts'
import { other } from './release.ts'
import type { GateState, Release, Service } from './release.ts'
import { colourOf } from './roles.ts'
import { countReady, replicasOf } from './seen.ts'
import type { Seen } from './seen.ts'
import { counting, onOfLive } from './spot.ts'

/** Null where it is big enough; else what is missing, as a clause with both numbers. Of the place that is live in the row. */
export function missing(service: Service, release: Release, seen: Seen): string | null {
  const place = colourOf(service, 'live')
  if (place === null || service.live === null) return 'there is no live place'
  const old =
    service.standby === null
      ? 0
      : countReady(replicasOf(seen, other(place), service.standby.release))
  const ready = countReady(
    counting(onOfLive(service.live), replicasOf(seen, place, service.live.release)),
  )
  const needed = Math.max(release.bundle.replicas, Math.min(old, service.standby?.replicas ?? 0))
  if (ready < needed) return `${ready} replicas of the new version are ready, of ${needed}`
  return missingForLoad(release, seen, ready)
}

export function bigEnough(service: Service, release: Release, seen: Seen): boolean {
  return missing(service, release, seen) === null
}

/** Null where no load gate found how much it carries: then replicas are what is known. */
export function missingForLoad(release: Release, seen: Seen, ready: number): string | null {
  const found = measured(release, seen)
  if (found === null) return null
  const { gate, perReplica, limit, asked } = found
  const carries = perReplica * ready
  const recent = seen.peak ?? 0
  const toCome = Math.max(recent, asked)
  // Sums of fractions: a third of 30/s, three times, is 30/s.
  const rounding = toCome * 1e-9
  if (limit === 'missed' ? carries > toCome + rounding : carries >= toCome - rounding) return null
  const about = { found: '', missed: 'less than ', none: 'at least ' }[limit]
  const more = limit === 'none' ? `; more was not tried: give it a ramp or a higher rate` : ''
  const of = recent >= asked ? 'the most of the last five minutes' : 'what a load gate asks for'
  return `${release.bundle.version} carries ${about}${rate(carries)} with ${ready} ready ${ready === 1 ? 'replica' : 'replicas'} (gate ${gate}${more}), and ${rate(toCome)} are to come (${of})`
}

type Measured = {
  gate: string
  perReplica: number
  /** `found`: it was seen not to carry more. `missed`: it did not even carry this. `none`: no more was tried. */
  limit: 'found' | 'missed' | 'none'
  /** The rate that load gates have to hold, a second; 0 where a person has skipped them. */
  asked: number
}

/** What a gate found that only reports binds nobody. Of several the one that has seen a limit, and of those the lowest. */
function measured(release: Release, { gates }: Seen): Measured | null {
  const found = gatesTaken(release).taken.flatMap(({ name, kind, dryRun }): Measured[] => {
    const state = gates.find((one) => one.name === name)
    if (kind !== 'load' || dryRun === true || state?.state !== 'decided') return []
    const one = foundBy(state)
    return one === null
      ? []
      : [{ gate: name, ...one, asked: decides(release, name) ? one.held : 0 }]
  })
  const [first] = found
    .toSorted((a, b) => a.perReplica - b.perReplica)
    .filter(({ limit }) => limit !== 'none')
  const most = found.toSorted((a, b) => b.perReplica - a.perReplica)[0]
  if (most === undefined) return null
  return { ...(first ?? most), asked: Math.max(...found.map(({ asked }) => asked)) }
}

/** In a load gate's evidence; null where it says nothing of the kind. */
function foundBy({
  verdict,
  evidence,
}: GateState & { state: 'decided' }):
  | (Pick<Measured, 'perReplica' | 'limit'> & { held: number })
  | null {
  const { capacity, held, replicas } = evidence as {
    capacity?: { perSecond: number; notPerSecond: number | null } | null
    held?: { perSecond: number }
    replicas?: number
  }
  if (held === undefined || replicas === undefined || replicas < 1) return null
  const asked = held.perSecond
  if (capacity != null) {
    const limit = capacity.notPerSecond === null ? 'none' : 'found'
    return { perReplica: capacity.perSecond / replicas, limit, held: asked }
  }
  // Undecided for want of time or of a quiet machine: nothing was found.
  return verdict === 'fail' ? { perReplica: asked / replicas, limit: 'missed', held: asked } : null
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond * 10) / 10}/s`
}
