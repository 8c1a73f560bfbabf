/** Spot capacity: said how, used by somebody, and never under what is live but where that is asked for. */
import { resolve } from 'node:path'
import type { CrossProblem } from './cross-problem.ts'
import type { ExternalEnvironment, ServiceManifest } from './manifest.ts'
import { programThere } from './not-there.ts'

export function onSpot(at: string[], service: ServiceManifest): CrossProblem[] {
  const { environment, standbyOnSpot } = service
  const { spot, price } = environment
  const [ofSpot, ofStandby] = [
    [...at, 'environment', 'spot'],
    [...at, 'standby', 'spot'],
  ]
  const found: CrossProblem[] = []
  if (standbyOnSpot && environment.provider === 'external')
    found.push({
      path: ofStandby,
      message: 'external servers are not started by Beryl: say environment.spot.addresses instead',
    })
  else if (standbyOnSpot && spot === undefined)
    found.push({
      path: ofStandby,
      message:
        'how a replica is started on spot capacity is not said: give environment.spot, such as { command: [srun, --partition=preempt, …] }, or {} where it is started alike',
    })
  if (spot === undefined && price?.spotReplicaHour !== undefined)
    found.push({
      path: [...at, 'environment', 'price', 'spotReplicaHour'],
      message: 'nothing is on spot capacity: give environment.spot, or leave it out',
    })
  if (spot === undefined) return found
  if (environment.provider === 'external') return [...found, ...ofAddresses(ofSpot, environment)]
  if (!standbyOnSpot && !environment.spot!.candidate && !environment.spot!.live)
    found.push({
      path: ofSpot,
      message: 'nobody is on it: say standby: { spot: true }, candidate: true or live: true',
    })
  return found
}

/** A program that is missing would be spot capacity that is never there. */
export async function spotPrograms(
  at: string[],
  { environment }: ServiceManifest,
  directory: string,
): Promise<CrossProblem[]> {
  if (environment.provider === 'external' || environment.spot === undefined) return []
  const { command, notice } = environment.spot
  const path = [...at, 'environment', 'spot']
  const base = resolve(directory, environment.directory)
  const named = [
    ...(command === undefined ? [] : [{ at: ['command'], file: command[0] }]),
    ...(notice === undefined ? [] : [{ at: ['notice', 'run'], file: notice.run[0] }]),
  ]
  const found = named.map(({ at: key, file }) => programThere([...path, ...key], file, base))
  return (await Promise.all(found)).flat()
}

/** Beryl starts nothing there that could stand in for them, and each place becomes live in its turn. */
function ofAddresses(path: string[], { spot, blue, green }: ExternalEnvironment): CrossProblem[] {
  const known = new Set([...blue, ...green].map(nameOf))
  const found = spot!.addresses.flatMap((one, index): CrossProblem[] =>
    known.has(nameOf(one))
      ? []
      : [{ path: [...path, 'addresses', index], message: 'is no address of blue or green' }],
  )
  if (!spot!.live)
    found.push({
      path,
      message:
        'both places become live in their turn, and Beryl starts nothing there that could stand in: say live: true, or leave it out',
    })
  return found
}

function nameOf({ host, port }: { host: string; port: number }): string {
  return `${host.toLowerCase()} ${port}`
}

/** What is allowed, and most likely not meant. */
export function spotNotes(name: string, { environment }: ServiceManifest): string[] {
  const { spot, price } = environment
  const { replicaHour = 0, spotReplicaHour } = price ?? {}
  if (spotReplicaHour !== undefined && spotReplicaHour > replicaHour)
    return [`${name}: spotReplicaHour is dearer than replicaHour: spot capacity would save nothing`]
  if (spot !== undefined && price !== undefined && spotReplicaHour === undefined)
    return [`${name}: spot capacity is counted at replicaHour: give price.spotReplicaHour`]
  return []
}
