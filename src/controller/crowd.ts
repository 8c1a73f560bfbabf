/** Which releases run at the same time on one installation, and whose turn is next. Pure. */
import { isEnd } from '../release/release.ts'
import type { Service } from '../release/release.ts'
import type { Crowd } from '../release/seen.ts'

/**
 * From its first replica to the end of the watch a release runs; what it keeps as a standby after that is the ladder's. Of those
 * that wait, the one that was asked for first comes first.
 *
 * @param mayBegin is nothing else in the way of one that waits?
 */
export function crowdOf(
  services: readonly Service[],
  service: string,
  { atOnce, mayBegin }: { atOnce: number; mayBegin: (service: Service) => boolean },
): Crowd {
  const own = services.find(({ name }) => name === service)?.release ?? null
  const ahead = services.flatMap((other): string[] => {
    const { release, name } = other
    if (release === null || name === service || isEnd(release.phase)) return []
    const said = `${release.id} of ${name}`
    if (release.phase.name === 'stabilizing') return []
    if (release.phase.name !== 'queued') return [said]
    const isFirst = own !== null && numberOf(release.id) < numberOf(own.id)
    return isFirst && release.paused === null && mayBegin(other) ? [said] : []
  })
  return { atOnce, ahead }
}

/** `r12` → 12: they rise over all services. */
function numberOf(id: string): number {
  return Number(id.slice(1))
}
