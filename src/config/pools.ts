/** The rung `shared`: a pool that there is, names that tell versions apart, and clients whose path names a model. */
import type { CrossProblem } from './cross-problem.ts'
import type { Manifest } from './manifest.ts'
import { speaksOf } from './speaks.ts'

export function pooled({ pools, services }: Manifest): CrossProblem[] {
  const secure = Object.entries(pools).flatMap(([name, { url }]) =>
    url.secure === true
      ? [{ path: ['pools', name, 'url'], message: 'a pool is spoken to without TLS: write http' }]
      : [],
  )
  const names = Object.keys(pools)
  const known = names.length === 0 ? 'there is none' : `there is ${names.join(', ')}`
  const rungs = Object.entries(services).flatMap(([name, service]) =>
    service.standby.flatMap((rung, index): CrossProblem[] => {
      if (!('shared' in rung)) return []
      const at = ['services', name, 'standby', index]
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
      if (speaksOf(service) !== undefined)
        found.push({
          path: [...at, 'shared'],
          message: 'a pool is spoken to in HTTP/1.1, and the replicas speak HTTP/2: not built yet',
        })
      return found
    }),
  )
  return [...secure, ...rungs]
}
