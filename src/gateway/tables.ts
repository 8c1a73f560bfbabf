/** The tables a worker holds: by service, then by generation. Which one counts is read from shared memory at each request. */
import type { Environment } from './control.ts'
import { RouteIndex } from './routes.ts'
import type { Route } from './routes.ts'
import type { Shared } from './shared.ts'
import type { SlottedTable } from './slotted.ts'

type Held = { slot: number; byGeneration: Map<number, SlottedTable> }

export function openTables(shared: Shared, first: readonly SlottedTable[]) {
  const services = new Map<string, Held>()
  let index = new RouteIndex<Held>([])
  prepare(first)

  return {
    prepare,

    /** The table by which this request is routed, read once and as a whole. */
    find: (host: string, target: string): SlottedTable | null =>
      index.find(host, target, presentAt),

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

  /** A route counts while the table that says so does: one that is only prepared, or was left, leads nowhere. */
  function presentAt({ host, path, target }: Route<Held>): SlottedTable | null {
    const { slot, byGeneration } = target
    const table = byGeneration.get(Atomics.load(shared.generations, slot) >>> 0)
    const route = table?.route ?? null
    return route?.host === host && route.path === path ? table! : null
  }

  function prepare(tables: readonly SlottedTable[]): void {
    let rerouted = false
    for (const table of tables) {
      const held: Held = services.get(table.service) ?? {
        slot: table.serviceSlot,
        byGeneration: new Map(),
      }
      const before = routesOf(held)
      services.set(table.service, held)
      dropOld(held)
      held.byGeneration.set(table.generation >>> 0, table)
      rerouted ||= JSON.stringify(routesOf(held)) !== JSON.stringify(before)
    }
    if (!rerouted) return
    index = new RouteIndex(
      [...services.values()].flatMap((held) =>
        routesOf(held).map((route) => ({ ...route, target: held })),
      ),
    )
  }

  /** What lies before the present generation is never stored again. */
  function dropOld({ slot, byGeneration }: Held): void {
    const now = Atomics.load(shared.generations, slot) >>> 0
    for (const generation of byGeneration.keys())
      if (((generation - now) | 0) < 0) byGeneration.delete(generation)
  }
}

/** Each once: those of the present, and of what is prepared. */
function routesOf({ byGeneration }: Held): NonNullable<SlottedTable['route']>[] {
  const found: NonNullable<SlottedTable['route']>[] = []
  for (const { route } of byGeneration.values())
    if (
      route !== null &&
      !found.some(({ host, path }) => host === route.host && path === route.path)
    )
      found.push(route)
  return found
}
