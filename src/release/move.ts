/** What one look at a release can come to, and what every phase asks of it. */
import { isCandidate } from './release.ts'
import type { End, Release, Service } from './release.ts'
import { countReady } from './seen.ts'
import { counting, onOfCandidate } from './spot.ts'
import type { ReplicaFact, Seen, Spent } from './seen.ts'

/** What happens next. `enter` turns a move into the next row; a wait changes nothing and says why. */
export type Move =
  /** `found`: once more, on demand (`Release.onDemand`). */
  | { to: 'provisioning'; because: string; found?: Readonly<Record<string, number>> }
  | {
      to: 'warming' | 'verifying' | 'awaiting-approval' | 'switching' | 'watching'
      because: string
    }
  | { to: 'stabilizing'; because: string; step?: 'down' | 'drill' | 'drilled' | 'up'; cut?: Spent }
  /** A budget is reached: the same phase, without copies. */
  | { to: 'thrift'; because: string; cut: Spent }
  | { to: 'rolling-back'; why: string; by: string; hard?: boolean }
  | { to: 'clearing'; endsAs: End; because: string }
  | { to: 'end'; endsAs: End; because: string }

/** `againS`: it is over by then at the latest, if nothing happens before. */
export type Wait = { waitingFor: string; againS?: number }

/** The new version's replicas, wherever they stand now, and those of the live place. */
export type View = {
  wanted: number
  own: readonly ReplicaFact[]
  ownReady: number
  liveWanted: number
}

export function look(service: Service, release: Release, seen: Seen): View {
  const own = seen.replicas.filter((replica) => replica.release === release.id)
  return {
    wanted: release.bundle.replicas,
    own,
    // Of a candidate, of those that count: what is to go live is not on spot capacity.
    ownReady: countReady(isCandidate(release.phase) ? counting(onOfCandidate(release), own) : own),
    liveWanted: service.live?.replicas ?? 0,
  }
}

/** A release that is paused takes no step forward. */
export function forward(release: Release, move: Move): Move | Wait {
  if (release.paused === null) return move
  const { by, because } = release.paused
  return { waitingFor: `\`resume\`: ${by} paused it${because === undefined ? '' : `: ${because}`}` }
}
