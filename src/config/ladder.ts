/** Is each rung of the standby ladder a step down, and one that the provider can do? */
import type { CrossProblem } from './cross-problem.ts'
import type { ServiceManifest } from './manifest.ts'

export function rungs(
  at: string[],
  { environment, standby, ladderAt }: ServiceManifest,
): CrossProblem[] {
  return standby.flatMap((rung, index) => {
    if (!('replicas' in rung)) return []
    const path = [...at, ...ladderAt, index, 'replicas']
    if (environment.provider === 'external')
      return [{ path, message: 'external servers are not stopped by Beryl: write full' }]
    const { replicas } = environment
    if (rung.replicas < replicas) return []
    return [{ path, message: `is no step down: the environment has ${replicas}, write full` }]
  })
}
