/** What the gateway counted since it started, as families of metrics. Pure. */
import type { GatewayMetrics } from '../../gateway/control.ts'
import { bucketsS } from '../../gateway/counts.ts'
import type { Histogram, Row } from '../../gateway/counts.ts'
import { family } from './exposition.ts'
import type { Family, Labels, Sample } from './exposition.ts'

export function gatewayFamilies(metrics: GatewayMetrics): Family[] {
  const {
    rows,
    services,
    refused,
    unreadable,
    copies,
    taps,
    ejections,
    accessDropped,
    spans,
    workers,
  } = metrics
  const of = ({ service, environment, version }: Row): Labels => ({ service, environment, version })
  const byService = (value: (one: (typeof services)[string]) => number) =>
    Object.entries(services).map(([service, one]) => ({ labels: { service }, value: value(one) }))
  const byPlace = (which: 'inFlight' | 'waiting') =>
    Object.entries(services).flatMap(([service, one]) =>
      (['blue', 'green'] as const).map((environment) => ({
        labels: { service, environment },
        value: one[which][environment],
      })),
    )
  return [
    family(
      'beryl_requests_total',
      'counter',
      'Requests that ended, by status of the answer (0: none was sent).',
      rows.flatMap((row) =>
        Object.entries(row.statuses).map(([status, value]) => ({
          labels: { ...of(row), status },
          value,
        })),
      ),
    ),
    family(
      'beryl_outcomes_total',
      'counter',
      'Requests that ended, by what became of them.',
      rows.flatMap((row) =>
        Object.entries(row.outcomes).map(([outcome, value]) => ({
          labels: { ...of(row), outcome },
          value,
        })),
      ),
    ),
    family(
      'beryl_request_seconds',
      'histogram',
      'From the claim to the end of the answer.',
      rows.flatMap((row) => histogram(of(row), row.totals)),
    ),
    family(
      'beryl_first_byte_seconds',
      'histogram',
      'From the claim to the first byte of the answer.',
      rows.flatMap((row) => histogram(of(row), row.firstBytes)),
    ),
    family(
      'beryl_request_bytes_total',
      'counter',
      'Bytes of request bodies.',
      rows.map((row) => ({ labels: of(row), value: row.bytesIn })),
    ),
    family(
      'beryl_response_bytes_total',
      'counter',
      'Bytes of answers’ bodies.',
      rows.map((row) => ({ labels: of(row), value: row.bytesOut })),
    ),
    family(
      'beryl_retries_total',
      'counter',
      'Second tries on another replica.',
      rows.map((row) => ({ labels: of(row), value: row.retries })),
    ),
    family(
      'beryl_in_flight',
      'gauge',
      'Requests in flight, those that wait included.',
      byPlace('inFlight'),
    ),
    family('beryl_waiting', 'gauge', 'Requests that wait for a replica.', byPlace('waiting')),
    family(
      'beryl_generation',
      'gauge',
      'Generation of the routes.',
      byService(({ generation }) => generation),
    ),
    family(
      'beryl_assigned_total',
      'counter',
      'Requests assigned to a version.',
      byService(({ assigned }) => assigned),
    ),
    family(
      'beryl_void_total',
      'counter',
      'Requests that died with their worker.',
      byService((one) => one.void),
    ),
    family(
      'beryl_ejections_total',
      'counter',
      'Replicas that were left out.',
      Object.entries(ejections).map(([place, value]) => {
        const [service = '', environment = ''] = place.split(' ')
        return { labels: { service, environment }, value }
      }),
    ),
    family(
      'beryl_copies_total',
      'counter',
      'Copies of live requests, by what became of them.',
      Object.entries(copies).map(([which, value]) => {
        const [service = '', result = ''] = which.split(' ')
        return { labels: { service, result }, value }
      }),
    ),
    family(
      'beryl_tapped_total',
      'counter',
      'Exchanges chosen for the examiner, by what became of them.',
      Object.entries(taps).map(([which, value]) => {
        const [service = '', result = ''] = which.split(' ')
        return { labels: { service, result }, value }
      }),
    ),
    family(
      'beryl_refused_total',
      'counter',
      'Requests that the gateway answered itself, by code.',
      Object.entries(refused).map(([code, value]) => ({ labels: { code }, value })),
    ),
    family(
      'beryl_unreadable_total',
      'counter',
      'Requests that could not be read, by status.',
      Object.entries(unreadable).map(([status, value]) => ({ labels: { status }, value })),
    ),
    family(
      'beryl_access_log_dropped_total',
      'counter',
      'Lines of the access log that the disk did not take.',
      [{ labels: {}, value: accessDropped }],
    ),
    family(
      'beryl_spans_total',
      'counter',
      'Spans of requests, by what became of them.',
      Object.entries(spans ?? {}).map(([result, value]) => ({ labels: { result }, value })),
    ),
    family('beryl_workers', 'gauge', 'Gateway workers.', [{ labels: {}, value: workers }]),
  ]
}

/** Each bucket counts all that took no longer. */
function histogram(labels: Labels, { counts, sumS }: Histogram): Sample[] {
  let below = 0
  const buckets = counts.map((count, index) => {
    below += count
    const le = index < bucketsS.length ? String(bucketsS[index]) : '+Inf'
    return { suffix: '_bucket', labels: { ...labels, le }, value: below }
  })
  return [
    ...buckets,
    { suffix: '_sum', labels, value: sumS },
    { suffix: '_count', labels, value: below },
  ]
}
