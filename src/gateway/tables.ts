/** The tables a worker holds: by service, then by generation. Which one counts is read from shared memory at each request. */
import type { Environment } from './control.ts'
import { RouteIndex } from './routes.ts'
import type { Shared } from './shared.ts'
import type { SlottedTable } from './slotted.ts'

type Held = { slot: number; byGeneration: Map<number, SlottedTable>; route: SlottedTable['route'] }

export function openTables(shared: Shared, first: readonly SlottedTable[]) {
  const services = new Map<string, Held>()
  let index = new RouteIndex<Held>([])
  prepare(first)

  return {
    prepare,

    /** The table by which this request is routed, read once and as a whole. */
    find(host: string, target: string): SlottedTable | null {
      const held = index.find(host, target)
      if (held === null) return null
      return held.byGeneration.get(Atomics.load(shared.generations, held.slot) >>> 0) ?? null
    },

    /** From here on no table of this worker leads to that environment, until one that is prepared later does. */
    forget(service: string, environment: Environment): void {
      const held = services.get(service)
      for (const [generation, table] of held?.byGeneration ?? []) {
        const live = table.live?.environment === environment ? null : table.live
        const preview = table.preview?.environment === environment ? null : table.preview
        const copies = table.copies?.to.environment === environment ? null : table.copies
        const split = table.split?.to.environment === environment ? null : table.split
        held!.byGeneration.set(generation, { ...table, live, preview, split, copies })
      }
    },
  }

  function prepare(tables: readonly SlottedTable[]): void {
    let rerouted = false
    for (const table of tables) {
      const held = services.get(table.service) ?? {
        slot: table.serviceSlot,
        byGeneration: new Map<number, SlottedTable>(),
        route: table.route,
      }
      rerouted ||=
        !services.has(table.service) ||
        held.route.host !== table.route.host ||
        held.route.path !== table.route.path
      held.route = table.route
      services.set(table.service, held)
      dropOld(held)
      held.byGeneration.set(table.generation >>> 0, table)
    }
    if (rerouted)
      index = new RouteIndex(
        [...services.values()].map((held) => ({ ...held.route, target: held })),
      )
  }

  /** What lies before the present generation is never stored again. */
  function dropOld({ slot, byGeneration }: Held): void {
    const now = Atomics.load(shared.generations, slot) >>> 0
    for (const generation of byGeneration.keys())
      if (((generation - now) | 0) < 0) byGeneration.delete(generation)
  }
}
