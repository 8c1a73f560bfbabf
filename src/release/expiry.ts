/** A candidate that nobody promotes costs as much as live: after a while it is given up. */
import { elapsedS, seconds } from './clock.ts'
import type { Move, Wait } from './move.ts'
import type { GateState, Now, Release } from './release.ts'
import type { Seen } from './seen.ts'

/**
 * Only while a person is waited for, and from then on: not while a gate runs or a window is closed. A pause says that somebody
 * cares, and stops this time like any other.
 */
export function expiring(
  release: Release,
  wait: Wait,
  { seen, now }: { seen: Seen; now: Now },
): Move | Wait {
  const { phase, paused, kind } = release
  const { expiresS } = release.rules
  if (expiresS === undefined || paused !== null || kind === 'rollback') return wait
  const left = expiresS - Math.min(elapsedS(phase.since, now), sinceDecidedS(seen.gates, now))
  const { waitingFor } = wait
  if (left > 0)
    return { waitingFor: `${waitingFor}; the candidate expires in ${seconds(left)}`, againS: left }
  return {
    to: 'clearing',
    endsAs: 'rejected',
    because: `expired: for ${seconds(expiresS)} it waited for ${waitingFor}`,
  }
}

/** Long gates leave a person the same time. */
function sinceDecidedS(gates: readonly GateState[], now: Now): number {
  const decided = gates.flatMap((one) => (one.state === 'decided' ? [one.at] : []))
  return decided.length === 0 ? Infinity : Math.max(0, (now.wall - Math.max(...decided)) / 1000)
}
