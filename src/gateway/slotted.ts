/** Tables as workers hold them: every replica with its place in shared memory. */
import type { Environment, ServiceTable } from './control.ts'

export type SlottedReplica = {
  id: string
  host: string
  port: number
  slot: number
  speaks?: 'http2' | 'grpc' | undefined
}

export type SlottedEnvironment = {
  environment: Environment
  version: string
  release: string
  replicas: readonly SlottedReplica[]
}

export type SlottedTable = {
  service: string
  serviceSlot: number
  route: ServiceTable['route']
  generation: number
  live: SlottedEnvironment | null
  preview: SlottedEnvironment | null
}

export function slotTable(
  table: ServiceTable,
  serviceSlot: number,
  slotOf: (environment: Environment, replica: { id: string; host: string; port: number }) => number,
): SlottedTable {
  const { service, route, generation } = table
  const one = (environment: Environment | null): SlottedEnvironment | null => {
    const found = environment === null ? null : table.environments[environment]
    if (environment === null || found === null) return null
    const replicas = found.replicas.map((replica) => ({
      ...replica,
      slot: slotOf(environment, replica),
      speaks: found.speaks,
    }))
    return { environment, version: found.version, release: found.release, replicas }
  }
  return {
    service,
    serviceSlot,
    route,
    generation,
    live: one(table.live),
    preview: one(table.preview),
  }
}
