/** Pools, and the rung `shared`: a pool that there is, names that tell models apart, and clients whose path names a model. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { authorities } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'
import type { CrossProblem } from './cross-problem.ts'
import { currency } from './environment.ts'
import type { Manifest } from './manifest.ts'
import { notThere, programThere } from './not-there.ts'
import { speaksOf } from './speaks.ts'
import { duration, pause, upstreamUrl } from './units.ts'
import { env, named, path } from './words.ts'

export const pool = z
  .strictObject({
    /** One server, or several. */
    url: upstreamUrl.optional(),
    urls: z.array(upstreamUrl).min(1).max(100).optional(),
    /** Of https addresses: who vouches for their certificates, and the name in them. */
    tls: z.strictObject({ ca: named.optional(), serverName: named.optional() }).optional(),
    /** Loaded at once in each server, at most. */
    models: z.int().min(1).max(1000),
    /** For one to be loaded, or unloaded. */
    within: duration.default(120),
    /** Beryl starts one for each address, of this machine; without it they run already. */
    start: z
      .strictObject({
        /** Placeholder: {port}, that of its address. */
        command: z.tuple([named], z.string()),
        env: env.default({}),
        /** Relative to the manifest. */
        directory: named.default('.'),
        gpus: z.int().min(0).max(64).default(0),
        /** It answers, whatever is loaded. */
        ready: z
          .strictObject({ path: path.default('/v2/health/live'), within: duration.default(600) })
          .prefault({}),
        stop: z.strictObject({ grace: pause.default(10) }).prefault({}),
      })
      .optional(),
    /** Of one server; each of its places costs its part. */
    price: z.strictObject({ serverHour: z.number().min(0), currency }).optional(),
  })
  .refine(
    ({ url, urls }) => (url === undefined) !== (urls === undefined),
    'expected either url, of one server, or urls, of several',
  )

export type PoolManifest = z.output<typeof pool>

export function serversOf({ url, urls = [] }: PoolManifest) {
  return url === undefined ? urls : [url]
}

/** How its servers prove who they are; undefined where nothing is encrypted. */
export function peerOfPool(one: PoolManifest, directory: string): Peer | undefined {
  if (serversOf(one)[0]?.secure !== true) return undefined
  const { ca, serverName } = one.tls ?? {}
  return {
    ...(ca === undefined ? {} : { ca: resolve(directory, ca) }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}

export function poolProblems(manifest: Manifest, directory: string): CrossProblem[] {
  return [...servers(manifest, directory), ...rungs(manifest), ...sameNames(manifest)]
}

/** As of other programs: one that is missing would be a pool that is never there. */
export async function poolPrograms(
  { pools }: Manifest,
  directory: string,
): Promise<CrossProblem[]> {
  const found = Object.entries(pools).map(async ([name, { start }]) => {
    if (start === undefined) return []
    const at = ['pools', name, 'start']
    const base = resolve(directory, start.directory)
    const noDirectory = await notThere([...at, 'directory'], base, 'directory')
    if (noDirectory.length > 0) return noDirectory
    return programThere([...at, 'command'], start.command[0], base)
  })
  return (await Promise.all(found)).flat()
}

function servers({ pools, gateway, api }: Manifest, directory: string): CrossProblem[] {
  const seen = new Map(
    [
      { ...gateway.listen, what: 'gateway.listen' },
      { ...api.listen, what: 'api.listen' },
    ].map(({ host, port, what }) => [`${host} ${port}`, what]),
  )
  return Object.entries(pools).flatMap(([name, one]) => {
    const at = ['pools', name]
    const started = startProblems([...at, 'start'], one)
    const all = serversOf(one)
    const first = all[0]?.secure === true
    const found = all.flatMap(({ host, port, secure = false }, index): CrossProblem[] => {
      const path = one.url === undefined ? [...at, 'urls', index] : [...at, 'url']
      const address = `${host.toLowerCase()} ${port}`
      const other = seen.get(address)
      seen.set(address, other ?? path.join('.'))
      if (other !== undefined)
        return [{ path, message: `the same address as ${other}: its places would count twice` }]
      if (secure === first) return []
      const scheme = first ? 'https' : 'http'
      return [
        {
          path,
          message: `expected ${scheme}, as the first address is: all of a pool are spoken to alike`,
        },
      ]
    })
    found.push(...started)
    if (one.tls === undefined) return found
    if (!first)
      return [
        ...found,
        { path: [...at, 'tls'], message: 'is for https:// addresses, and these are http' },
      ]
    if (one.tls.ca === undefined) return found
    try {
      authorities(resolve(directory, one.tls.ca))
      return found
    } catch (error) {
      return [...found, { path: [...at, 'tls', 'ca'], message: (error as Error).message }]
    }
  })
}

/** What is to be started must be of this machine. */
function startProblems(at: string[], one: PoolManifest): CrossProblem[] {
  const { start } = one
  if (start === undefined) return []
  const far = serversOf(one).find(({ host }) => host !== '127.0.0.1')
  const found: CrossProblem[] = []
  if (far !== undefined)
    found.push({
      path: at,
      message: `Beryl starts servers at 127.0.0.1 only, and ${far.host} is another address: leave start out where somebody else starts them`,
    })
  const unknown = [...start.command, ...Object.values(start.env)]
    .flatMap((text) => text.match(/(?<!\$)\{[^{}]*\}/g) ?? [])
    .find((text) => text !== '{port}')
  if (unknown !== undefined)
    found.push({
      path: [...at, 'command'],
      message: `${unknown} means nothing here: only {port} does`,
    })
  return found
}

function rungs({ pools, services }: Manifest): CrossProblem[] {
  const names = Object.keys(pools)
  const known = names.length === 0 ? 'there is none' : `there is ${names.join(', ')}`
  return Object.entries(services).flatMap(([name, service]) =>
    service.standby.flatMap((rung, index): CrossProblem[] => {
      if (!('shared' in rung)) return []
      const at = ['services', name, ...service.ladderAt, index]
      const found: CrossProblem[] = []
      if (pools[rung.pool] === undefined)
        found.push({ path: [...at, 'pool'], message: `no pool of this name in pools: ${known}` })
      if (!rung.model.includes('{version}'))
        found.push({
          path: [...at, 'model'],
          message: `expected {version} in it, such as ${name}-{version}: else two versions would be one model`,
        })
      if (service.protocol !== 'kserve-v2')
        found.push({
          path: [...at, 'shared'],
          message:
            'a pool tells models apart by the name in /v2/models/NAME: only with protocol kserve-v2',
        })
      if (service.environment.provider === 'external')
        found.push({
          path: [...at, 'shared'],
          message: 'external servers are not stopped by Beryl: write full',
        })
      const price = pools[rung.pool]?.price
      const own = service.environment.price
      if (price !== undefined && own !== undefined && price.currency !== own.currency)
        found.push({
          path: [...at, 'pool'],
          message: `its price is in ${price.currency}, and environment.price is in ${own.currency}: use one`,
        })
      if (speaksOf(service) !== undefined)
        found.push({
          path: [...at, 'shared'],
          message: 'a pool is spoken to in HTTP/1.1, and the replicas speak HTTP/2: not built yet',
        })
      return found
    }),
  )
}

/** In a pool one name is one model: unloaded for one service it would be gone for the other. */
function sameNames({ services }: Manifest): CrossProblem[] {
  const seen = new Map<string, string>()
  return Object.entries(services).flatMap(([name, { standby, ladderAt, versions }]) =>
    standby.flatMap((rung, index): CrossProblem[] => {
      if (!('shared' in rung) || !rung.model.includes('{version}')) return []
      return Object.keys(versions).flatMap((version) => {
        const model = rung.model.replaceAll('{version}', version)
        const key = `${rung.pool} ${model}`
        const other = seen.get(key)
        const mine = `${version} of ${name}`
        seen.set(key, other ?? mine)
        if (other === undefined || other === mine) return []
        const path = ['services', name, ...ladderAt, index, 'model']
        return [
          {
            path,
            message: `${mine} would be ${model} in pool ${rung.pool}, and so is ${other}: give each service names of its own, such as ${name}-{version}`,
          },
        ]
      })
    }),
  )
}
