/**
 * The switch protocol (rulings §7), main's half: prepare in every worker → acknowledge → sync the routes file → one atomic
 * store. The way back is prepared with it, and stored without waiting for anybody.
 */
import { ProblemError } from '../ipc/problem.ts'
import { log } from '../log.ts'
import type { Environment, OpenRequest, PutTable, ServiceTable, Stored } from './control.ts'
import { WorkersChanged } from './crew.ts'
import type { Crew } from './crew.ts'
import { routesText, saveRoutes } from './routes-file.ts'
import type { SavedRoutes } from './routes-file.ts'
import { inFlightOf, letRequestsGo } from './shared.ts'
import type { Shared } from './shared.ts'
import { slotTable } from './slotted.ts'
import type { SlottedTable } from './slotted.ts'
import type { openSlots } from './slots.ts'

type Routed = {
  table: ServiceTable
  back: ServiceTable | null
  /** As it stands in the routes file. */
  text: string
}
/** By service: requests that were cut. */
export type Cuts = Record<string, readonly OpenRequest[]>
type Current = Routed & { stored: Stored }

/** A change is tried again this often when workers died or were replaced under it. */
const triesMax = 4

export type Switchboard = ReturnType<typeof openSwitchboard>

export function openSwitchboard({
  shared,
  slots,
  file,
  saved,
}: {
  shared: Shared
  slots: ReturnType<typeof openSlots>
  file: string
  saved: SavedRoutes
}) {
  const services = new Map<string, Current>()
  let crew: Crew | null = null
  let turn: Promise<unknown> = Promise.resolve()
  /** The routes file has one writer: not one that leaves to another gateway. */
  let writes = true
  for (const { table, back } of saved.services) {
    const generation = table.generation
    Atomics.store(shared.generations, slots.service(table.service), generation | 0)
    services.set(table.service, {
      ...routed(table, back),
      stored: { generation, at: 0, prepareMs: 0, syncMs: 0, storeMs: 0, durable: true },
    })
  }

  return {
    services: (): ReadonlyMap<string, Current> => services,
    slotted: (): SlottedTable[] =>
      [...services.values()].flatMap(({ table, back }) => [
        slotted(table),
        ...(back === null ? [] : [slotted(back)]),
      ]),
    employ: (started: Crew) => (crew = started),
    /** Fills empty places, between changes. */
    heal: () => inTurn(() => crew!.complete()),
    put: (asked: PutTable) => inTurn(() => put(asked)),
    back,
    forget: (service: string, environment: Environment, generation: number) =>
      inTurn(() => forget(service, environment, generation)),
    cut: (service: string, environment: Environment) => inTurn(() => cut(service, environment)),
    inFlight,
    /** After the change that is under way: what the next gateway routes by. From here on the routes file is its to write. */
    leave: () =>
      inTurn(async () => {
        writes = false
        return routes()
      }),
    /** The other one's routes, or the file's; this gateway is the file's writer from here on. */
    follow: (others: SavedRoutes['services']) => {
      writes = true
      return inTurn(() => follow(others))
    },
    /** One that leaves goes back at once, where the file's writer did and nobody told. */
    catchUp(others: SavedRoutes['services']): void {
      for (const { table } of others)
        if (services.get(table.service)?.back?.generation === table.generation)
          back(table.service, table.generation)
    },
    /** Every worker, and each that takes the place of one. */
    listen: () => inTurn(() => everywhere({ kind: 'listen' })),
    flush: () => crew!.survey({ kind: 'flush' }),
    /** All that is open, everywhere. */
    cutAll: async (): Promise<Cuts> => {
      const cuts: Cuts = {}
      for (const service of services.keys())
        for (const environment of ['blue', 'green'] as const) {
          const cut = await crew!.survey({ kind: 'cut', service, environment })
          if (cut.length > 0) cuts[service] = [...(cuts[service] ?? []), ...cut]
        }
      return cuts
    },
    open: (service: string): Promise<OpenRequest[]> => crew!.survey({ kind: 'open', service }),
  }

  /** One change after the other; the way back does not stand in this line. */
  function inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = turn.then(act, act)
    turn = result.catch(() => undefined)
    return result
  }

  function routes(): SavedRoutes['services'] {
    return [...services.values()].map(({ table, back: prepared }) => ({ table, back: prepared }))
  }

  async function follow(others: SavedRoutes['services']): Promise<void> {
    const changed = others
      .map(({ table, back: prepared }) => routed(table, prepared))
      .filter(({ table, text }) => {
        const mine = services.get(table.service)
        return (
          mine === undefined || (mine.text !== text && mine.table.generation <= table.generation)
        )
      })
    const tables = changed.flatMap(({ table, back: prepared }) =>
      (prepared === null ? [table] : [table, prepared]).map(slotted),
    )
    if (tables.length > 0) await everywhere({ kind: 'prepare', tables })
    for (const next of changed)
      commit(next, { prepareMs: 0, syncMs: 0, durable: true, from: performance.now() })
    if (services.size > 0) save([...services.values()].map(({ text }) => text))
  }

  async function put({ table, back: wayBack }: PutTable): Promise<Stored> {
    const before = services.get(table.service)
    if (before?.table.generation === table.generation && same(before.table, table))
      return before.stored
    check(table, wayBack, before?.table ?? null)
    // Who is held could not acknowledge.
    letRequestsGo(shared)
    const begun = performance.now()
    await everywhere({
      kind: 'prepare',
      tables: wayBack === null ? [slotted(table)] : [slotted(table), slotted(wayBack)],
    })
    const prepared = performance.now()
    // While workers acknowledged, a way back may have been stored: then this change was made for a world that is gone.
    if (services.get(table.service) !== before)
      throw conflict(
        'superseded',
        `${table.service} was rolled back while generation ${table.generation} was prepared`,
      )
    const next = routed(table, wayBack)
    const texts = textsWith(table.service, next)
    // One synchronous stretch from here to the store.
    save(texts)
    const synced = performance.now()
    return commit(next, {
      prepareMs: prepared - begun,
      syncMs: synced - prepared,
      durable: true,
      from: synced,
    })
  }

  /** At once: prepared long ago, waits for no acknowledgement, and goes on without the disk when it must. */
  function back(service: string, generation: number): Stored {
    const before = services.get(service)
    if (before?.table.generation === generation) return before.stored
    if (before?.back == null || before.back.generation !== generation) {
      throw conflict(
        'not-prepared',
        `${service} has no way back prepared under generation ${generation}`,
        'put a table instead',
      )
    }
    const begun = performance.now()
    const next = routed(before.back, null)
    let durable = true
    try {
      save(textsWith(service, next))
    } catch (error) {
      durable = false
      log.error(
        { service, error: (error as Error).message },
        'the routes file takes no writes: rolled back all the same; a restart of the gateway would serve by the old file',
      )
    }
    const synced = performance.now()
    return commit(next, { prepareMs: 0, syncMs: synced - begun, durable, from: synced })
  }

  function commit(
    next: Routed,
    { from, ...times }: { prepareMs: number; syncMs: number; durable: boolean; from: number },
  ): Stored {
    const { table } = next
    // This is the switch: every request whose worker reads the word from now on goes by the new table.
    Atomics.store(shared.generations, slots.service(table.service), table.generation | 0)
    letRequestsGo(shared)
    const stored = {
      generation: table.generation,
      at: Date.now(),
      ...times,
      storeMs: performance.now() - from,
    }
    services.set(table.service, { ...next, stored })
    slots.tidy(table.service, next.back === null ? [table] : [table, next.back])
    log.info({ service: table.service, live: table.live, ...stored }, 'routes by a new generation')
    return stored
  }

  function check(
    table: ServiceTable,
    wayBack: ServiceTable | null,
    current: ServiceTable | null,
  ): void {
    if (current !== null && table.generation <= current.generation) {
      throw conflict(
        'stale-generation',
        `${table.service} is at generation ${current.generation} already, ${table.generation} was asked for`,
      )
    }
    if (wayBack !== null && wayBack.generation <= table.generation)
      throw conflict(
        'stale-generation',
        'the way back needs a higher generation than the way there',
      )
    // Only what nobody is led to any more may be answered by nobody: a service that is taken away.
    if (table.live === null && table.route !== null && current?.live != null)
      throw conflict('empty-live', `${table.service} is live and must stay so`)
    for (const one of wayBack === null ? [table] : [table, wayBack]) {
      const replicas = one.live === null ? 1 : (one.environments[one.live]?.replicas.length ?? 0)
      if (replicas === 0)
        throw conflict('empty-live', `${table.service}: ${one.live} has no replica to route to`)
      const { split = null } = one
      if (split === null) continue
      if (split.to === one.live || (one.environments[split.to]?.replicas.length ?? 0) === 0)
        throw conflict('empty-split', `${table.service}: no second place has a part of the traffic`)
      if (!(split.share > 0 && split.share < 1))
        throw conflict(
          'wrong-share',
          `${table.service}: a part of the traffic lies between 0 and 1, ${split.share} was asked for`,
        )
    }
  }

  /** Nothing is stopped before this said yes: not live, nothing in flight, and no worker can choose it any more. */
  async function forget(
    service: string,
    environment: Environment,
    generation: number,
  ): Promise<null> {
    const current = services.get(service)
    if (current === undefined) return null
    if (current.table.generation !== generation)
      throw conflict(
        'stale-generation',
        `${service} is at generation ${current.table.generation}, not ${generation}`,
      )
    refuseWhileUsed(service, environment)
    await everywhere({ kind: 'forget', service, environment })
    if (services.get(service) !== current)
      throw conflict(
        'superseded',
        `${service} was routed anew while ${environment} was being forgotten`,
      )
    refuseWhileUsed(service, environment)
    const table = {
      ...current.table,
      environments: { ...current.table.environments, [environment]: null },
      preview: current.table.preview === environment ? null : current.table.preview,
    }
    const next = { ...current, ...routed(table, null) }
    save(textsWith(service, next))
    services.set(service, next)
    return null
  }

  function refuseWhileUsed(service: string, environment: Environment): void {
    if (isAnswering(service, environment))
      throw conflict('live', `${environment} of ${service} answers clients: it is never taken down`)
    const open = inFlight(service, environment)
    if (open > 0)
      throw conflict('in-flight', `${environment} of ${service} has ${open} requests in flight`)
  }

  /** All of the traffic, or a part of it. */
  function isAnswering(service: string, environment: Environment): boolean {
    const table = services.get(service)?.table
    return table !== undefined && (table.live === environment || table.split?.to === environment)
  }

  async function cut(service: string, environment: Environment): Promise<OpenRequest[]> {
    if (isAnswering(service, environment))
      throw conflict('live', `${environment} of ${service} answers clients: nothing of it is cut`)
    return everywhere({ kind: 'cut', service, environment })
  }

  function inFlight(service: string, environment: Environment): number {
    return slots
      .of(service)
      .reduce(
        (sum, { slot, key }) =>
          key.environment === environment ? sum + inFlightOf(shared, slot) : sum,
        slots.waiting(service, environment),
      )
  }

  /** Tells every worker. When one died or was late it is replaced, and the change starts again. */
  async function everywhere(order: Parameters<Crew['tell']>[0]): Promise<OpenRequest[]> {
    for (let tries = 1; ; tries++) {
      try {
        await crew!.complete()
        return await crew!.tell(order)
      } catch (error) {
        if (!(error instanceof WorkersChanged) || tries >= triesMax) {
          throw new ProblemError(
            {
              status: 503,
              code: 'workers-unready',
              title: `the gateway's workers did not take the change: ${(error as Error).message}`,
              hint: 'it is tried again',
            },
            { cause: error },
          )
        }
        log.warn(
          { order: order.kind, tries, why: error.message },
          'a change starts again with a new worker',
        )
      }
    }
  }

  function slotted(table: ServiceTable): SlottedTable {
    const { service } = table
    return slotTable(table, slots.service(service), {
      replica: (environment, replica) => slots.replica({ service, environment, ...replica }),
      queue: (environment) => slots.queue(service, environment),
    })
  }

  function save(texts: readonly string[]): void {
    if (writes) saveRoutes(file, texts)
  }

  function textsWith(service: string, next: Routed): string[] {
    const texts = []
    for (const [name, { text }] of services) if (name !== service) texts.push(text)
    return [...texts, next.text]
  }
}

function routed(table: ServiceTable, back: ServiceTable | null): Routed {
  return { table, back, text: routesText({ table, back }) }
}

function same(a: ServiceTable, b: ServiceTable): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function conflict(
  code: string,
  title: string,
  hint = 'look at GET /state and ask again',
): ProblemError {
  return new ProblemError({ status: 409, code, title, hint })
}
