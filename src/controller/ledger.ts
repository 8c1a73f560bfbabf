/** The ledger of a service, read from journal and record. */
import type { CostView } from '../api/shapes.ts'
import type { Release } from '../release/release.ts'
import { costOf } from './cost.ts'
import type { Cost, Costs } from './cost.ts'
import { gapsOf, movesOf } from './role-times.ts'
import type { ControllerStore } from './store.ts'

const monthMs = 30 * 24 * 3_600_000

export function ledgerView(store: ControllerStore, service: string, now: number): CostView {
  const from = now - monthMs
  const all = costsOf(store, service, { from: Number.NEGATIVE_INFINITY, to: now })
  const month = costsOf(store, service, { from, to: now })
  return {
    service,
    currency: all.total.currency,
    lines: all.lines,
    releases: [...all.releases].map(([release, { version, own, hours, added }]) => ({
      release,
      version,
      ...own,
      hours,
      added,
    })),
    total: all.total,
    added: all.added,
    last30Days: { from, total: month.total, added: month.added },
    unpricedHours: all.unpriced,
    gaps: all.gaps,
  }
}

/** @param within wall times, ms */
export function costsOf(
  store: ControllerStore,
  service: string,
  within: { from: number; to: number },
): Costs {
  const sources = {
    priceOf: (id: string) => store.services.plan(id)?.price ?? null,
    moves: movesOf(
      store.events.moving(service),
      (id) => store.services.release(id)?.from?.release ?? null,
    ),
    gaps: gapsOf(store.runs.all()),
  }
  return costOf(store.replicas.ofService(service), sources, within)
}

/** What a release's own replicas cost until now; null before it has any. */
export function costOfRelease(store: ControllerStore, release: Release, now: number): Cost | null {
  const records = store.replicas
    .ofService(release.service)
    .filter(({ spec }) => spec.release === release.id)
  if (records.length === 0) return null
  const priceOf = (id: string) => store.services.plan(id)?.price ?? null
  const gaps = gapsOf(store.runs.all())
  const within = { from: Number.NEGATIVE_INFINITY, to: now }
  return costOf(records, { priceOf, moves: [], gaps }, within).total
}
