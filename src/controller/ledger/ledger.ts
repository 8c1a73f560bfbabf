/** The ledger of a service, read from journal and record. */
import type { CostView } from '../../api/shapes.ts'
import type { Release } from '../../release/release.ts'
import { costOf } from './cost.ts'
import type { Cost, Costs } from './cost.ts'
import { requestsOf, tokensOf } from './judged-requests.ts'
import { isOnSpot } from '../../providers/on-spot.ts'
import type { ReplicaRecord } from '../../providers/provider.ts'
import { monthOf } from './month.ts'
import { gapsOf, movesOf } from './role-times.ts'
import type { Up } from './role-times.ts'
import { rungSpansOf } from './rung-times.ts'
import type { ControllerStore } from '../store.ts'

const monthMs = 30 * 24 * 3_600_000

/** Of the months in which anything was up, the newest so many. */
const monthsMax = 12

export function ledgerView(store: ControllerStore, service: string, now: number): CostView {
  const from = now - monthMs
  const read = reader(store, service)
  const all = read.within({ from: Number.NEGATIVE_INFINITY, to: now })
  const month = read.within({ from, to: now })
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
      requests: requestsOf(store, release),
      tokens: tokensOf(store, release, 'tokens'),
      judgeTokens: tokensOf(store, release, 'judgeTokens'),
    })),
    rungs: all.rungs,
    total: all.total,
    spot: all.spot,
    added: all.added,
    last30Days: { from, total: month.total, added: month.added },
    months: monthsBetween(read.since, now).map((begin) => {
      const { total, added, rungs } = read.within({
        from: begin,
        to: Math.min(now, nextMonth(begin)),
      })
      const saved = rungs.reduce((sum, one) => sum + one.saved.replicaHours, 0)
      return { month: new Date(begin).toISOString().slice(0, 7), total, added, savedHours: saved }
    }),
    unpricedHours: all.unpriced,
    gaps: all.gaps,
  }
}

/** Oldest first; wall times, ms. */
function monthsBetween(since: number | null, now: number): number[] {
  if (since === null) return []
  const months: number[] = []
  for (let at = monthOf(since); at <= now; at = nextMonth(at)) months.push(at)
  return months.slice(-monthsMax)
}

function nextMonth(begin: number): number {
  const date = new Date(begin)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** @param within wall times, ms */
export function costsOf(
  store: ControllerStore,
  service: string,
  within: { from: number; to: number },
): Costs {
  return reader(store, service).within(within)
}

/** Journal and record are read once, whatever is summed. */
function reader(store: ControllerStore, service: string) {
  const records = store.replicas.ofService(service).filter(isPriced).map(withCapacity)
  const entries = store.events.moving(service)
  const fromOf = (id: string) => store.services.release(id)?.from ?? null
  const sources = {
    priceOf: (id: string) => store.services.plan(id)?.price ?? null,
    moves: movesOf(entries, (id) => fromOf(id)?.release ?? null),
    gaps: gapsOf(store.runs.all()),
    rungs: rungSpansOf(entries),
    standbyOf: fromOf,
  }
  const starts = records.map(({ startedAt }) => startedAt)
  return {
    since: starts.length === 0 ? null : Math.min(...starts),
    within: (within: { from: number; to: number }): Costs => costOf(records, sources, within),
  }
}

function withCapacity(record: ReplicaRecord): ReplicaRecord & Up {
  return { ...record, spot: isOnSpot(record) }
}

/** A pool without a price costs what it costs, whoever is in it. */
function isPriced({ spec }: ReplicaRecord): boolean {
  return spec.provider !== 'pool' || spec.price !== undefined
}

/** What a release's own replicas cost until now; null before it has any. */
export function costOfRelease(store: ControllerStore, release: Release, now: number): Cost | null {
  const records = store.replicas
    .ofRelease(release.service, release.id)
    .filter(isPriced)
    .map(withCapacity)
  if (records.length === 0) return null
  const priceOf = (id: string) => store.services.plan(id)?.price ?? null
  const gaps = gapsOf(store.runs.all())
  const within = { from: Number.NEGATIVE_INFINITY, to: now }
  return costOf(records, { priceOf, moves: [], gaps }, within).total
}
