/** Is something under way, so that it is worth looking again soon? Pure. */
import { rungOf } from '../release/desired-world.ts'
import type { Service } from '../release/release.ts'

const restful: readonly string[] = ['stabilizing', 'queued']

export function isBusy(service: Service | null): boolean {
  if (service?.removing !== undefined) return true
  const phase = service?.release?.phase
  if (phase === undefined) return false
  if (phase.name === 'stabilizing') {
    // A standby that steps down, or is tried out, is under way; whichever rung the ladder begins with.
    const rung = rungOf(service!)?.rung ?? 'full'
    return phase.drill !== undefined || (rung !== 'full' && phase.drilled === undefined)
  }
  return !restful.includes(phase.name)
}
