/** `provider: external`: what must hold of somebody else's addresses, and what cannot be asked of them. */
import type { CrossProblem } from './cross-problem.ts'
import { fileKeys } from './manifest.ts'
import type { Manifest, ServiceManifest, VersionManifest } from './manifest.ts'

type Address = { host: string; port: number }

export function ofOthers(at: string[], service: ServiceManifest): CrossProblem[] {
  const { environment } = service
  if (environment.provider !== 'external') return []
  const found: CrossProblem[] = []
  const { blue, green, ready } = environment
  if (blue.length !== green.length)
    found.push({
      path: [...at, 'environment', 'green'],
      message: `blue has ${blue.length} and green ${green.length}: the places must be alike, or the smaller one could not take over`,
    })
  if (service.switch.when === 'verified' && (ready.version ?? ready.model) === undefined)
    found.push({
      path: [...at, 'switch', 'when'],
      message:
        'nothing says which version answers at external addresses: give environment.ready.version (or ready.model), or let a person consent with `approved`, the default',
    })
  return found
}

/** @param at of the version */
export function startedByOthers(
  at: string[],
  { environment }: ServiceManifest,
  version: VersionManifest,
): CrossProblem[] {
  if (environment.provider !== 'external') return []
  return startedWith(version).map((key) => ({
    path: [...at, key],
    message: `${key} is for \`provider: process\`: external servers are started by somebody else, leave it out`,
  }))
}

function startedWith({ args, env, ...version }: VersionManifest): string[] {
  return [
    ...fileKeys.filter((key) => version[key] !== undefined),
    ...(args.length > 0 ? ['args'] : []),
    ...(Object.keys(env).length > 0 ? ['env'] : []),
  ]
}

/** One server in two places is one place; one that is Beryl itself would ask itself for ever. */
export function sameAddresses({ gateway, api, services }: Manifest): CrossProblem[] {
  const seen = new Map([
    [nameOf(gateway.listen), 'gateway.listen'],
    ...(gateway.preview === undefined
      ? []
      : [[nameOf(gateway.preview), 'gateway.preview'] as const]),
    [nameOf(api.listen), 'api.listen'],
  ])
  return Object.entries(services).flatMap(([name, { environment }]) =>
    environment.provider !== 'external'
      ? []
      : (['blue', 'green'] as const).flatMap((place) =>
          environment[place].flatMap((address, index) => {
            const path = ['services', name, 'environment', place, index]
            const first = seen.get(nameOf(address))
            seen.set(nameOf(address), first ?? path.join('.'))
            return first === undefined ? [] : [{ path, message: `the same address as ${first}` }]
          }),
        ),
  )
}

function nameOf({ host, port }: Address): string {
  return `${host.toLowerCase()} ${port}`
}
