/** What two gateways counted, as one: a request is counted where it ended, and by one of them. Pure. */
import type { GatewayMetrics } from './control.ts'
import { openSums } from './counts.ts'

type Services = GatewayMetrics['services']

/** @returns as of the first one; counts and gauges are those of both */
export function sumMetrics(one: GatewayMetrics, other: GatewayMetrics): GatewayMetrics {
  const sums = openSums()
  for (const counts of [one, other]) sums.add(structuredClone(counts))
  return {
    ...one,
    ...sums.read(),
    inherited: [...one.inherited, ...other.inherited],
    services: sumServices(one.services, other.services),
    ejections: added(one.ejections, other.ejections),
    taps: added(one.taps, other.taps),
    accessDropped: one.accessDropped + other.accessDropped,
    spans:
      one.spans === null || other.spans === null
        ? (one.spans ?? other.spans)
        : {
            sent: one.spans.sent + other.spans.sent,
            dropped: one.spans.dropped + other.spans.dropped,
          },
  }
}

function sumServices(one: Services, other: Services): Services {
  const all = { ...other, ...one }
  for (const [name, mine] of Object.entries(one)) {
    const more = other[name]
    if (more === undefined) continue
    all[name] = {
      generation: mine.generation,
      inFlight: bothPlaces(mine.inFlight, more.inFlight),
      waiting: bothPlaces(mine.waiting, more.waiting),
      assigned: mine.assigned + more.assigned,
      void: mine.void + more.void,
    }
  }
  return all
}

export function bothPlaces<Places extends { blue: number; green: number }>(
  one: Places,
  other: Places,
): { blue: number; green: number } {
  return { blue: one.blue + other.blue, green: one.green + other.green }
}

function added(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const sum = { ...one }
  for (const [key, count] of Object.entries(other)) sum[key] = (sum[key] ?? 0) + count
  return sum
}
