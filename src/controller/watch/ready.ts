/** How many replicas of a release the gateway routes to and finds healthy. */
import type { GatewayState } from '../../gateway/control.ts'

export function readyOf(state: GatewayState | null, service: string, release: string): number {
  const seen = state?.services[service]
  if (seen === undefined) return 0
  return Object.values(seen.table.environments)
    .filter((environment) => environment?.release === release)
    .flatMap((environment) => environment!.replicas)
    .filter(({ id }) => seen.replicas[id]?.healthy !== false).length
}
