/** Is a replica on capacity that may be taken away? Of somebody else's servers the address says so. Pure. */
import type { ReplicaRecord } from './provider.ts'

export function isOnSpot({ spec, host, port }: ReplicaRecord): boolean {
  if (spec.provider === 'process') return spec.spot !== undefined
  if (spec.provider === 'pool') return false
  return spec.spot?.some((one) => one.host === host && one.port === port) ?? false
}
