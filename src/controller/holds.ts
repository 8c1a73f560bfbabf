/** What holds a service's traffic back now: a window of its release that is closed. */
import type { Now, Service } from '../release/release.ts'
import type { Hold } from '../release/seen.ts'
import { closedAt } from '../release/windows.ts'

/** Releases move traffic in these phases only. */
const moving: readonly string[] = ['awaiting-approval', 'switching']

export function holdsOf({ release }: Service, now: Now): Hold[] {
  if (release === null || !moving.includes(release.phase.name)) return []
  const closed = closedAt(release.rules.windows ?? [], now.wall)
  return closed === null ? [] : [{ by: 'window', ...closed }]
}
