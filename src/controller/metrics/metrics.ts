/** Everything that Prometheus is told. What cannot be had is left out and said by a metric of its own: the rest is needed most then. */
import type { CostView, NotificationsView, ServiceView } from '../../api/shapes.ts'
import type { GatewayMetrics } from '../../gateway/control.ts'
import { version } from '../../ipc/version.ts'
import { log } from '../../log.ts'
import type { EventCount } from '../../storage/events.ts'
import type { ControllerStore } from '../store.ts'
import { exposition, family } from './exposition.ts'
import type { Family, Format } from './exposition.ts'
import { gatewayFamilies } from './gateway-families.ts'
import { serviceFamilies } from './service-families.ts'

/** The ledger is summed anew at most so often. */
const costEveryMs = 60_000
const ends = ['finished', 'rejected', 'rolled-back', 'aborted', 'verified']
const changes = ['switch', 'rollback']

export function openMetrics({
  store,
  gateway,
  services,
  costOf,
  notifications,
  now,
}: {
  store: Pick<ControllerStore, 'events'>
  gateway: { metrics(): Promise<GatewayMetrics> }
  services: () => readonly ServiceView[]
  costOf: (service: string) => CostView
  notifications: { view(): NotificationsView }
  /** Wall time, ms. */
  now: () => number
}) {
  // Counters begin with this process, as counters do: what was before it is the record's to tell.
  let counted = store.events.last()
  const counts = new Map<string, number>()
  const costs = { at: -Infinity, by: new Map<string, CostView>() }

  return async (format: Format): Promise<string> => {
    const seen = await gateway.metrics().catch((error: unknown) => {
      log.warn({ error: (error as Error).message }, 'the gateway says nothing of what it counted')
      return null
    })
    const views = services()
    return exposition(
      [
        ...(seen === null ? [] : gatewayFamilies(seen)),
        ...serviceFamilies(views, { now: now(), costs: costsOf(views) }),
        ...countFamilies(views),
        ...ownFamilies(seen !== null),
      ],
      format,
    )
  }

  function costsOf(views: readonly ServiceView[]): ReadonlyMap<string, CostView> {
    if (now() - costs.at < costEveryMs) return costs.by
    costs.at = now()
    costs.by = new Map(views.map(({ service }) => [service, costOf(service)]))
    return costs.by
  }

  function countFamilies(views: readonly ServiceView[]): Family[] {
    const { last, all } = store.events.counts(counted)
    counted = last
    for (const one of all) {
      const key = keyOf(one)
      if (key !== null) counts.set(key, (counts.get(key) ?? 0) + one.count)
    }
    const known = (kind: string, label: string, values: readonly string[]) =>
      views.flatMap(({ service }) =>
        values.map((value) => ({
          labels: { service, [label]: value },
          // A series that begins at 0 shows its first increase.
          value: counts.get(`${kind} ${service} ${value}`) ?? 0,
        })),
      )
    const verdicts = ['pass', 'fail', 'undecided']
    return [
      family(
        'beryl_releases_total',
        'counter',
        'Releases that ended since this controller started, by their end.',
        known('phase', 'end', ends),
      ),
      family(
        'beryl_traffic_moves_total',
        'counter',
        'Switches and rollbacks since this controller started.',
        known('routing', 'change', changes),
      ),
      family(
        'beryl_gate_verdicts_total',
        'counter',
        'Verdicts of gates since this controller started.',
        known('gate', 'verdict', verdicts),
      ),
      family(
        'beryl_alarms_total',
        'counter',
        'Alarms since this controller started.',
        views.map(({ service }) => ({
          labels: { service },
          value: counts.get(`alarm ${service} `) ?? 0,
        })),
      ),
    ]
  }

  function ownFamilies(gatewayAnswers: boolean): Family[] {
    const { receivers, dead } = notifications.view()
    const alone = (value: number) => [{ labels: {}, value }]
    return [
      family(
        'beryl_gateway_up',
        'gauge',
        '1 while the gateway tells the controller what it counted.',
        alone(gatewayAnswers ? 1 : 0),
      ),
      family(
        'beryl_notifications_waiting',
        'gauge',
        'Messages that a receiver has not taken yet.',
        receivers.map(({ id, to, waiting }) => ({ labels: { receiver: id, to }, value: waiting })),
      ),
      family(
        'beryl_notifications_dead',
        'gauge',
        'Messages that were given up, at most 100.',
        alone(dead.length),
      ),
      family('beryl_build_info', 'gauge', '1 for the version of Beryl that runs.', [
        { labels: { version, node: process.versions.node }, value: 1 },
      ]),
      family(
        'beryl_controller_memory_bytes',
        'gauge',
        'Resident memory of the controller.',
        alone(process.memoryUsage.rss()),
      ),
      family(
        'beryl_controller_cpu_seconds_total',
        'counter',
        'Processor time of the controller.',
        alone((process.cpuUsage().user + process.cpuUsage().system) / 1e6),
      ),
    ]
  }
}

function keyOf({ kind, service, phase, change, verdict }: EventCount): string | null {
  if (kind === 'phase') return ends.includes(phase ?? '') ? `phase ${service} ${phase}` : null
  if (kind === 'routing') return `routing ${service} ${change}`
  if (kind === 'gate') return `gate ${service} ${verdict}`
  return kind === 'alarm' ? `alarm ${service} ` : null
}
