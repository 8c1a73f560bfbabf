/** What holds a service's traffic back now: freezes, and windows that are closed. */
import type { FreezeView } from '../api/shapes.ts'
import type { Now, Release, Rules, Service } from '../release/release.ts'
import type { Hold } from '../release/seen.ts'
import { closedAt } from '../release/windows.ts'

/** Releases move traffic in these phases only. */
const moving: readonly string[] = ['awaiting-approval', 'switching']

/** @param freezes asked for where they matter only */
export function holdsOf({ release }: Service, now: Now, freezes: () => FreezeView[]): Hold[] {
  if (release === null || !isMoving(release)) return []
  return holdsBy(release.rules, now, freezes())
}

/** Its next step may move traffic forward. */
export function isMoving(release: Release | null): boolean {
  return release !== null && moving.includes(release.phase.name)
}

/** Of a release with these rules; freezes first: somebody has to lift them. */
export function holdsBy(
  { windows = [] }: Pick<Rules, 'windows'>,
  now: Now,
  freezes: readonly FreezeView[],
): Hold[] {
  const frozen = freezes.map(({ service, by, reason, until }): Hold => {
    const of = service === null ? 'everything' : 'service'
    return { by: 'freeze', who: by, reason, of, until }
  })
  const closed = closedAt(windows, now.wall)
  return closed === null ? frozen : [...frozen, { by: 'window', ...closed }]
}
