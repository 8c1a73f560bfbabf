/** `requests.paths`: each must be asked for at all, and be told from the others. */
import { isUnder, plainPath } from '../ipc/plain-path.ts'
import type { CrossProblem } from './cross-problem.ts'
import type { ServiceManifest } from './manifest.ts'

export function unreachable(
  at: string[],
  { route, requests }: Pick<ServiceManifest, 'route' | 'requests'>,
): CrossProblem[] {
  const seen = new Map<string, string>()
  return Object.keys(requests.paths).flatMap((path) => {
    const place = [...at, 'requests', 'paths', path]
    const plain = plainPath(path)
    if (plain === null)
      return [{ path: place, message: 'cannot be read: a % begins the code of a character' }]
    const first = seen.get(plain)
    seen.set(plain, path)
    if (first !== undefined) return [{ path: place, message: `the same path as ${first}` }]
    const above = plainPath(route.path)
    if (above === null || isUnder(plain, above)) return []
    return [
      { path: place, message: `no request has it: those of this service begin with ${route.path}` },
    ]
  })
}
