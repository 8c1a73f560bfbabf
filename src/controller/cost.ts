/** Replica-hours and money, from what was really up: the provider's journal, times the price each release began with. */
import type { ReplicaRecord } from '../providers/provider.ts'

export type Price = { replicaHour: number; currency: string }
export type Cost = { replicaHours: number; money: number | null; currency: string | null }

export type Costs = {
  releases: Map<string, Cost>
  lines: {
    release: string
    version: string
    environment: 'blue' | 'green'
    replicaHours: number
    money: number | null
  }[]
  total: Cost
}

/** @param now wall time in ms: replicas that still run are counted up to it */
export function costOf(
  records: readonly ReplicaRecord[],
  priceOf: (release: string) => Price | null,
  now: number,
): Costs {
  const releases = new Map<string, Cost>()
  const lines = new Map<string, Costs['lines'][number]>()
  const total: Cost = { replicaHours: 0, money: null, currency: null }
  for (const { spec, startedAt, endedAt } of records) {
    const hours = Math.max(0, (endedAt ?? now) - startedAt) / 3_600_000
    const price = priceOf(spec.release)
    const money = price === null ? null : hours * price.replicaHour
    const release = releases.get(spec.release) ?? {
      replicaHours: 0,
      money: null,
      currency: price?.currency ?? null,
    }
    const key = `${spec.release} ${spec.environment}`
    const line = lines.get(key) ?? {
      release: spec.release,
      version: spec.version,
      environment: spec.environment,
      replicaHours: 0,
      money: null,
    }
    for (const sum of [release, line, total]) {
      sum.replicaHours += hours
      if (money !== null) sum.money = (sum.money ?? 0) + money
    }
    total.currency ??= price?.currency ?? null
    releases.set(spec.release, release)
    lines.set(key, line)
  }
  const currencies = new Set([...releases.values()].flatMap(({ currency }) => currency ?? []))
  // A price that changed its currency between two releases: there is no such sum.
  const sum = currencies.size > 1 ? { ...total, money: null, currency: null } : total
  return { releases, lines: [...lines.values()], total: sum }
}
