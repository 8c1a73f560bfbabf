/** What the record and the gateway say of a service today: what `beryl plan` counts with. */
import type { Service } from '../release/release.ts'
import type { Today } from './plan-view.ts'
import { phaseAt, switched } from './views.ts'
import type { ViewSources } from './views.ts'

/** Releases that are looked at. */
const lookedAt = 20
/** A rate that is older says nothing of today. */
const forgottenMs = 60_000

export function todayOf({ store, now }: ViewSources, service: Service): Today {
  const { name, live } = service
  const past = store.services
    .releases(name, lookedAt)
    .map(({ id, at }) => ({ at, events: store.events.ofRelease(id) }))
  const tookMs = past.flatMap(({ at, events }) => {
    const arrived = phaseAt(events, 'watching')
    return arrived === null ? [] : [arrived - at]
  })
  const moves = past.flatMap(({ events }) => switched(events)?.tookMs ?? [])
  const load = live === null ? null : (store.traffic.times(name, live.release)?.load ?? null)
  const isFresh = load?.since != null && now().wall - load.since < forgottenMs
  return {
    old: live === null ? { bad: 0, total: 0 } : store.traffic.totals(name, live.release),
    perSecond: isFresh ? (load.perSecond?.new ?? 0) : 0,
    tookMs,
    moveMs: moves[0] ?? null,
  }
}
