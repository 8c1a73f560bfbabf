/**
 * The gateway as its controller asks it: one process, or two while one hands over to the other (rulings §7). What is in flight in
 * either counts; a way back is stored in both; nothing is forgotten in one that the other still has open.
 */
import type { DataDirectory } from '../ipc/data-directory.ts'
import { isNobodyThere, ProblemError } from '../ipc/problem.ts'
import { log } from '../log.ts'
import { gatewayClient } from './client.ts'
import type { GatewayClient } from './client.ts'
import type { GatewayState, OpenRequest, Predecessor, ServiceState } from './control.ts'
import { bothPlaces, sumMetrics } from './sum-metrics.ts'

type Old = { state: GatewayState | null }

/** @param cut told once of what a gateway that left cut at its deadline, by service */
export function gatewaysClient(
  directory: Pick<DataDirectory, 'socket'>,
  cut: (service: string, requests: readonly OpenRequest[]) => void = () => {},
): GatewayClient {
  const now = gatewayClient(directory.socket('gateway'))
  const before = gatewayClient(directory.socket('leaving'))

  return {
    async state() {
      const [state, old] = await Promise.all([now.state(), whoLeaves()])
      if (old === null || old.state?.run === state.run) return state
      if (old.state !== null) await tellCut(old.state)
      return withPredecessor(state, old, await level(state, old))
    },

    async putTable(service, asked) {
      const stored = await now.putTable(service, asked)
      const old = await whoLeaves()
      if (old === null) return stored
      await alsoThere(service, () =>
        before.putTable(service, { table: asked.table, back: asked.back }),
      )
      return { ...stored, inBoth: true }
    },

    /** The one that leaves begins no request while the other one stores it: no client sees both answer by turns. */
    async back(service, asked) {
      if ((await whoLeaves()) === null) return now.back(service, asked)
      await before.hold().catch(() => null)
      const stored = await now.back(service, asked)
      const [state, old] = await Promise.all([now.state(), whoLeaves()])
      if (old !== null) await level(state, old)
      return { ...stored, inBoth: true }
    },

    async forget(service, asked) {
      const old = await whoLeaves()
      if (old !== null) {
        if (old.state === null) throw silent()
        if (old.state.services[service] !== undefined) await before.forget(service, asked)
      }
      return now.forget(service, asked)
    },

    async cut(service, asked) {
      const old = await whoLeaves()
      const there = old === null ? { cut: [] } : await before.cut(service, asked)
      return { cut: [...there.cut, ...(await now.cut(service, asked)).cut] }
    },

    async tap(service, tap) {
      if ((await whoLeaves()) !== null) await before.tap(service, tap).catch(() => null)
      return now.tap(service, tap)
    },

    /** Who leaves is asked first: at its end it hands on what it counted. */
    async metrics() {
      const there = await before.metrics().catch(() => null)
      const here = await now.metrics()
      const isIn = there === null || there.run === here.run || here.inherited.includes(there.run)
      return isIn ? here : sumMetrics(here, there)
    },

    async open(service) {
      const none = { open: [], more: 0 }
      const there = await before.open(service).catch(() => none)
      const here = await now.open(service)
      return { open: [...there.open, ...here.open], more: there.more + here.more }
    },

    async observations(run, after) {
      const old = await whoLeaves()
      return old?.state?.run === run
        ? before.observations(run, after)
        : now.observations(run, after)
    },
  }

  /** Null: nobody does. One that was asked, and whose successor does not answer yet, is the other's to tell. */
  async function whoLeaves(): Promise<Old | null> {
    try {
      return { state: await before.state() }
    } catch (error) {
      return isNobodyThere(error) ? null : { state: null }
    }
  }

  /** What was stored in the one while the other was not told of it. @returns whether both route alike now */
  async function level(state: GatewayState, { state: old }: Old): Promise<boolean> {
    if (old === null) return false
    const behind = Object.entries(state.services).filter(
      ([name, { generation }]) => (old.services[name]?.generation ?? 0) < generation,
    )
    const done = await Promise.all(
      behind.map(([service, { table, generation }]) =>
        alsoThere(service, () =>
          old.services[service]?.back === generation
            ? before.back(service, { generation })
            : before.putTable(service, { table, back: null }),
        ),
      ),
    )
    return done.every((is) => is)
  }

  async function alsoThere(service: string, act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act()
      return true
    } catch (error) {
      if (isNobodyThere(error)) return true
      log.warn(
        { service, error: (error as Error).message },
        'the gateway that leaves did not take the change; it is told again',
      )
      return false
    }
  }

  async function tellCut({ leaving }: GatewayState): Promise<void> {
    const all = Object.entries(leaving?.cut ?? {})
    if (all.length === 0) return
    for (const [service, requests] of all) cut(service, requests)
    await before.told().catch(() => null)
  }
}

function silent(): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'in-flight',
    title: 'the gateway before this one does not say what it has in flight',
  })
}

function withPredecessor(state: GatewayState, { state: old }: Old, isLevel: boolean): GatewayState {
  const services = Object.fromEntries(
    Object.entries(state.services).map(([name, mine]) => [
      name,
      withFlights(mine, old?.services[name]),
    ]),
  )
  return { ...state, services, predecessor: predecessorOf(old, isLevel) }
}

function withFlights(mine: ServiceState, theirs: ServiceState | undefined): ServiceState {
  if (theirs === undefined) return mine
  const replicas = { ...theirs.replicas, ...mine.replicas }
  for (const [id, { healthy, inFlight }] of Object.entries(mine.replicas))
    replicas[id] = { healthy, inFlight: inFlight + (theirs.replicas[id]?.inFlight ?? 0) }
  return {
    ...mine,
    replicas,
    inFlight: bothPlaces(mine.inFlight, theirs.inFlight),
    waiting: bothPlaces(mine.waiting, theirs.waiting),
  }
}

function predecessorOf(old: GatewayState | null, isLevel: boolean): Predecessor {
  if (old === null) return { run: null, open: null, isLevel, isOver: false, replicas: [] }
  const all = Object.values(old.services)
  return {
    run: old.run,
    open: all.reduce((sum, { inFlight: { blue, green } }) => sum + blue + green, 0),
    isLevel,
    isOver: old.leaving?.isOver ?? false,
    replicas: isLevel
      ? []
      : all.flatMap(({ table }) =>
          Object.values(table.environments).flatMap(
            (one) => one?.replicas.map(({ id }) => id) ?? [],
          ),
        ),
  }
}
