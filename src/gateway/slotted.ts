/** Tables as workers hold them: every replica with its place in shared memory. */
import type {
  Copies,
  Environment,
  EnvironmentTable,
  ServiceTable,
  Split,
  TrafficRules,
} from './control.ts'
import type { Peer } from '../tls/peer.ts'
import { hashOf } from './hash.ts'
import { pathTables, rulesOf } from './rules.ts'
import type { PathTable } from './rules.ts'
import type { Kept } from './wire/wire.ts'

export type SlottedReplica = {
  id: string
  host: string
  port: number
  slot: number
  hash: number
  speaks?: 'http2' | 'grpc' | undefined
  tls?: Peer | undefined
  kept?: Kept | undefined
  /** In a pool: what its model is called there. */
  model?: string
}

export type SlottedEnvironment = {
  environment: Environment
  version: string
  release: string
  replicas: readonly SlottedReplica[]
  /** Where requests are counted that wait for a replica; nothing can be sent to it. Slot -1 where none ever waits. */
  queue: SlottedReplica
}

export type SlottedTable = {
  service: string
  serviceSlot: number
  route: ServiceTable['route']
  generation: number
  live: SlottedEnvironment | null
  preview: SlottedEnvironment | null
  split: (Omit<Split, 'to'> & { to: SlottedEnvironment }) | null
  rules: TrafficRules
  /** Where paths have rules of their own. */
  paths: readonly PathTable[]
  copies: (Omit<Copies, 'to'> & { to: SlottedEnvironment }) | null
}

export type SlotOf = {
  replica(environment: Environment, replica: EnvironmentTable['replicas'][number]): number
  queue(environment: Environment): number
}

export function slotTable(table: ServiceTable, serviceSlot: number, slotOf: SlotOf): SlottedTable {
  const { service, route, generation } = table
  const rules = rulesOf(table)
  const one = (environment: Environment | null): SlottedEnvironment | null => {
    const found = environment === null ? null : table.environments[environment]
    if (environment === null || found === null) return null
    const replicas = found.replicas.map((replica) => ({
      ...replica,
      slot: slotOf.replica(environment, replica),
      hash: hashOf(replica.id),
      kept: rules.kept,
      // A pool is not the service's own, and spoken to in its own way.
      ...(replica.model === undefined ? { speaks: found.speaks, tls: found.tls } : {}),
    }))
    const slot = rules.concurrentMax === null ? -1 : slotOf.queue(environment)
    const queue = { id: '', host: '', port: 0, slot, hash: 0 }
    return { environment, version: found.version, release: found.release, replicas, queue }
  }
  const split = table.split ?? null
  const splitTo = one(split?.to ?? null)
  const copies = table.copies ?? null
  const copied = one(copies?.to ?? null)
  return {
    service,
    serviceSlot,
    route,
    generation,
    live: one(table.live),
    preview: one(table.preview),
    split: split === null || splitTo === null ? null : { ...split, to: splitTo },
    rules,
    paths: pathTables(rules),
    copies: copies === null || copied === null ? null : { ...copies, to: copied },
  }
}
