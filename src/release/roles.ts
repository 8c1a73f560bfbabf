/** Which place plays which role. `colourOf` is the only function that turns a role into a colour. */
import { other } from './release.ts'
import type { Environment, Placed, Role, Service } from './release.ts'

/** The place of the live role, or of whatever is not live (candidate or standby). */
export function colourOf(
  service: Service,
  role: 'live' | 'candidate' | 'standby',
): Environment | null {
  if (role === 'live') return service.colour === 'none' ? null : service.colour
  return service.colour === 'none' ? 'blue' : other(service.colour)
}

export function roleOf(service: Service, environment: Environment): Role {
  if (environment === service.colour) return 'live'
  // Before anything is live there are two places that are not: one is the candidate's, the other nobody's.
  if (environment !== colourOf(service, 'candidate')) return 'empty'
  return notLive(service)?.role ?? 'empty'
}

/** What the place that is not live should hold now; null when it should be empty. */
export function notLive(
  service: Service,
): { role: 'candidate' | 'standby'; placed: Placed } | null {
  const { release } = service
  if (release === null) return null
  switch (release.phase.name) {
    case 'provisioning':
    case 'warming':
    case 'verifying':
    case 'awaiting-approval':
    case 'rolling-back':
      return { role: 'candidate', placed: { ...release.bundle, release: release.id } }
    case 'switching':
    case 'watching':
    case 'stabilizing':
      return service.standby === null ? null : { role: 'standby', placed: service.standby }
    default:
      return null
  }
}
