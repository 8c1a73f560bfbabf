/** `standby` of the manifest, as the heart takes it. */
import type { RungManifest } from '../config/manifest.ts'
import type { Rung } from '../release/release.ts'

export function rungOf(rung: RungManifest): Rung {
  if ('full' in rung) return { rung: 'full', forS: rung.full }
  if ('shared' in rung) return { rung: 'shared', pool: rung.pool, forS: rung.shared }
  if ('asleep' in rung) return { rung: 'asleep', forS: rung.asleep }
  return { rung: 'replicas', replicas: rung.replicas, forS: rung.for }
}
