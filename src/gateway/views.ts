/** What the gateway says of itself: its state, and what it has counted. */
import { version } from '../ipc/version.ts'
import type { openAccessLog } from './access-log.ts'
import { settingsOf } from './config.ts'
import type { GatewayConfig } from './config.ts'
import type { GatewayMetrics, GatewayState, Leaving, ServiceState, Tap } from './control.ts'
import type { openSums } from './counts.ts'
import type { Crew } from './crew.ts'
import { inFlightOf } from './shared.ts'
import type { Shared } from './shared.ts'
import type { openSlots } from './slots.ts'
import { sumMetrics } from './sum-metrics.ts'
import type { Switchboard } from './switchboard.ts'
import type { TapLine } from './tap-line.ts'
import type { openExporter } from '../telemetry/exporter.ts'

export type Viewed = {
  config: GatewayConfig
  run: string
  shared: Shared
  slots: ReturnType<typeof openSlots>
  switchboard: Switchboard
  crew: () => Crew
  listen: () => Pick<GatewayState, 'listen' | 'preview'>
  secure: boolean
  leaving: () => { isListening: boolean; leaving: Leaving | null }
  sums: ReturnType<typeof openSums>
  taps: ReadonlyMap<string, Tap | null>
  tapLine: TapLine
  access: ReturnType<typeof openAccessLog> | null
  exporter: ReturnType<typeof openExporter> | null
  ejections: ReadonlyMap<string, number>
  /** By service: claims that died with their worker. */
  lost: ReadonlyMap<string, number>
}

export function viewsOf({
  config,
  run,
  shared,
  slots,
  switchboard,
  crew,
  listen,
  secure,
  leaving,
  sums,
  taps,
  tapLine,
  access,
  exporter,
  ejections,
  lost,
}: Viewed) {
  const startedAt = Date.now()
  const settings = settingsOf(config)
  /** Of those that left to this one. */
  let inherited: GatewayMetrics | null = null
  return {
    state,
    metrics: (): GatewayMetrics => (inherited === null ? own() : sumMetrics(own(), inherited)),
    /** Once of each. */
    inherit(left: GatewayMetrics): void {
      if (inherited?.inherited.includes(left.run) === true) return
      const all = { ...left, inherited: [...left.inherited, left.run] }
      inherited = inherited === null ? all : sumMetrics(inherited, all)
    },
  }

  function state(): GatewayState {
    const services = Object.fromEntries(
      [...switchboard.services()].map(([name]) => [name, serviceState(name)]),
    )
    return {
      run,
      pid: process.pid,
      version,
      settings,
      startedAt,
      ...leaving(),
      ...listen(),
      secure,
      workers: crew().size(),
      services,
    }
  }

  function own(): GatewayMetrics {
    const services = Object.fromEntries(
      [...switchboard.services().keys()].map((name) => {
        const { generation, inFlight, waiting, assigned, void: died } = serviceState(name)
        return [name, { generation, inFlight, waiting, assigned, void: died }]
      }),
    )
    return {
      run,
      inherited: [],
      workers: crew().size(),
      services,
      ejections: Object.fromEntries(ejections),
      taps: tapLine.counts(),
      accessDropped: access?.dropped() ?? 0,
      spans: exporter?.counts() ?? null,
      ...sums.read(),
    }
  }

  function serviceState(name: string): ServiceState {
    const { table, back } = switchboard.services().get(name)!
    const replicas = slots.of(name)
    return {
      generation: table.generation,
      live: table.live,
      back: back?.generation ?? null,
      backSplit: back?.split ?? null,
      table,
      tap: taps.get(name) ?? null,
      tapped: tapLine.tapped.of(name),
      inFlight: {
        blue: switchboard.inFlight(name, 'blue'),
        green: switchboard.inFlight(name, 'green'),
      },
      waiting: { blue: slots.waiting(name, 'blue'), green: slots.waiting(name, 'green') },
      replicas: Object.fromEntries(
        replicas.map(({ slot, key: { id } }) => [
          id,
          { healthy: Atomics.load(shared.ejected, slot) === 0, inFlight: inFlightOf(shared, slot) },
        ]),
      ),
      assigned: Atomics.load(shared.assigned, slots.service(name)) >>> 0,
      void: lost.get(name) ?? 0,
    }
  }
}
