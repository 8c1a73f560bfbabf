/** Places in shared memory for services, replicas and queues, given out by main. A replica's place is freed once no table leads to it. */
import type { Peer } from '../tls/peer.ts'
import type { Environment, ServiceTable } from './control.ts'
import { inFlightOf, replicaSlotsMax, servicesMax } from './shared.ts'
import type { Shared } from './shared.ts'

export type SlotKey = {
  service: string
  environment: Environment
  id: string
  host: string
  port: number
  /** In a pool: what its model is called there. */
  model?: string
  tls?: Peer
}

export function openSlots(shared: Shared) {
  const services = new Map<string, number>()
  const replicas = new Map<string, Map<string, { slot: number; key: SlotKey }>>()
  const bySlot = new Map<number, SlotKey>()
  const queues = new Map<string, number>()
  const free: number[] = []
  let next = 0

  return {
    service(name: string): number {
      const known = services.get(name)
      if (known !== undefined) return known
      if (services.size >= servicesMax)
        throw new Error(`a gateway routes at most ${servicesMax} services`)
      services.set(name, services.size)
      return services.size - 1
    },

    replica(key: SlotKey): number {
      const text = textOf(key)
      const here = replicas.get(key.service) ?? new Map<string, { slot: number; key: SlotKey }>()
      const known = here.get(text)
      if (known !== undefined) return known.slot
      const slot = take()
      replicas.set(key.service, here.set(text, { slot, key }))
      bySlot.set(slot, key)
      return slot
    },

    /** One for each environment of a service that limits its requests, kept for good. */
    queue(service: string, environment: Environment): number {
      const text = `${service} ${environment}`
      const slot = queues.get(text) ?? take()
      queues.set(text, slot)
      return slot
    },

    /** Replicas. */
    all: (): { slot: number; key: SlotKey }[] =>
      [...replicas.values()].flatMap((here) => [...here.values()]),

    of: (service: string): { slot: number; key: SlotKey }[] => [
      ...(replicas.get(service)?.values() ?? []),
    ],

    keyOf: (slot: number): SlotKey | null => bySlot.get(slot) ?? null,

    /** Requests that wait for a replica. */
    waiting(service: string, environment: Environment): number {
      const slot = queues.get(`${service} ${environment}`)
      return slot === undefined ? 0 : inFlightOf(shared, slot)
    },

    /** Whose requests are counted at this place? */
    serviceAt(slot: number): string | null {
      const queue = [...queues].find(([, one]) => one === slot)
      return bySlot.get(slot)?.service ?? queue?.[0].split(' ')[0] ?? null
    },

    /** @param standing every table of this service that may still be stored */
    tidy(service: string, standing: readonly ServiceTable[]): void {
      const used = new Set(standing.flatMap((table) => keysOf(table).map(textOf)))
      const here = replicas.get(service)
      for (const [text, { slot }] of here ?? []) {
        if (used.has(text) || inFlightOf(shared, slot) > 0) continue
        here!.delete(text)
        bySlot.delete(slot)
        free.push(slot)
      }
    },
  }

  function take(): number {
    const slot = free.pop() ?? next++
    if (slot >= replicaSlotsMax)
      throw new Error(`a gateway routes at most ${replicaSlotsMax} replicas`)
    Atomics.store(shared.ejected, slot, 0)
    Atomics.store(shared.failures, slot, 0)
    return slot
  }
}

function keysOf({ service, environments }: ServiceTable): SlotKey[] {
  return (['blue', 'green'] as const).flatMap((environment) =>
    (environments[environment]?.replicas ?? []).map((replica) => ({
      service,
      environment,
      ...replica,
    })),
  )
}

function textOf({ service, environment, id, host, port }: SlotKey): string {
  return `${service} ${environment} ${id} ${host}:${port}`
}
