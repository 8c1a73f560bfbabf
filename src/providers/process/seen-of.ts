/** What is written down of a process, as others see it. Pure. */
import type { ProcessSpec, ReplicaRecord, ReplicaSeen } from '../provider.ts'
import { lendersOf, tenantsOn } from './slots.ts'
import type { Holder } from './slots.ts'

/** @param holders others that hold GPU slots */
export function seenOf(
  { spec, host, port, gpus, restarts, startedAt, endedAt, process }: ReplicaRecord<ProcessSpec>,
  state: ReplicaSeen['state'],
  holders: () => readonly Holder[],
): ReplicaSeen {
  const { provider, id, service, environment, release, version, digest, memory, leases } = spec
  return {
    provider,
    id,
    service,
    environment,
    release,
    version,
    digest,
    host,
    port,
    pid: process?.pid ?? null,
    gpus,
    ...(memory === undefined ? {} : { memory }),
    startedAt,
    endedAt,
    restarts,
    state,
    ...(state.name === 'asleep' ? { lentTo: tenantsOn(gpus, holders()) } : {}),
    ...(leases === true ? { leasedFrom: lendersOf(gpus, holders()) } : {}),
  }
}
