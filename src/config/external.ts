/** `provider: external`: what must hold of somebody else's addresses, and what cannot be asked of them. */
import { resolve } from 'node:path'
import { authorities } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'
import type { CrossProblem } from './cross-problem.ts'
import { fileKeys } from './manifest.ts'
import type {
  EnvironmentManifest,
  ExternalEnvironment,
  Manifest,
  ServiceManifest,
  VersionManifest,
} from './manifest.ts'

type Address = { host: string; port: number }

/** All addresses are, or none is: `ofOthers` sees to it. */
export function isSecure({ blue }: Pick<ExternalEnvironment, 'blue'>): boolean {
  return blue[0]?.secure === true
}

/** How its addresses prove who they are; undefined where nothing is encrypted. @param directory what a relative file is relative to */
export function peerOf(environment: EnvironmentManifest, directory: string): Peer | undefined {
  if (environment.provider !== 'external' || !isSecure(environment)) return undefined
  const { ca, serverName } = environment.tls ?? {}
  return {
    ...(ca === undefined ? {} : { ca: resolve(directory, ca) }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}

export function ofOthers(
  at: string[],
  service: ServiceManifest,
  directory: string,
): CrossProblem[] {
  const { environment } = service
  if (environment.provider !== 'external') return []
  const found: CrossProblem[] = []
  const { blue, green, ready } = environment
  if (blue.length !== green.length)
    found.push({
      path: [...at, 'environment', 'green'],
      message: `blue has ${blue.length} and green ${green.length}: the places must be alike, or the smaller one could not take over`,
    })
  found.push(...ofTls([...at, 'environment'], environment, directory))
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

function ofTls(at: string[], environment: ExternalEnvironment, directory: string): CrossProblem[] {
  const { blue, green, tls } = environment
  const first = isSecure(environment)
  const found: CrossProblem[] = (['blue', 'green'] as const).flatMap((place) =>
    (place === 'blue' ? blue : green).flatMap(({ secure = false }, index) =>
      secure === first
        ? []
        : [
            {
              path: [...at, place, index],
              message: `expected ${first ? 'https' : 'http'}, as the first address is: all of a service are spoken to alike`,
            },
          ],
    ),
  )
  if (tls !== undefined && !first)
    found.push({ path: [...at, 'tls'], message: 'is for https:// addresses, and these are http' })
  if (tls?.ca === undefined) return found
  try {
    authorities(resolve(directory, tls.ca))
  } catch (error) {
    found.push({ path: [...at, 'tls', 'ca'], message: (error as Error).message })
  }
  return found
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
