/** What holds a service's traffic back now: freezes, and a window of its release that is closed. */
import type { FreezeView } from '../api/shapes.ts'
import type { Now, Service } from '../release/release.ts'
import type { Hold } from '../release/seen.ts'
import { closedAt } from '../release/windows.ts'

/** Releases move traffic in these phases only. */
const moving: readonly string[] = ['awaiting-approval', 'switching']

/** @param freezes asked for where they matter only */
export function holdsOf({ release }: Service, now: Now, freezes: () => FreezeView[]): Hold[] {
  if (release === null || !moving.includes(release.phase.name)) return []
  const frozen = freezes().map(({ service, by, reason, until }): Hold => {
    const of = service === null ? 'everything' : 'service'
    return { by: 'freeze', who: by, reason, of, until }
  })
  const closed = closedAt(release.rules.windows ?? [], now.wall)
  return closed === null ? frozen : [...frozen, { by: 'window', ...closed }]
}
