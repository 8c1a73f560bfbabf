/** What the record and the gateway say of a service today: what `beryl plan` counts with. */
import type { Service } from '../../release/release.ts'
import type { Event } from '../../storage/events.ts'
import { opinionCounts } from '../watch/opinions.ts'
import { median } from './plan-view.ts'
import type { Today } from './plan-view.ts'
import type { Plan } from '../plan.ts'
import type { SignalSources } from '../watch/signal-specs.ts'
import { answerCounts } from '../watch/signal-totals.ts'
import type { ControllerStore } from '../store.ts'
import { phaseAt, switched } from '../views.ts'
import type { ViewSources } from '../views.ts'

/** Releases that are looked at. */
const lookedAt = 20
/** A rate that is older says nothing of today. */
const forgottenMs = 60_000

/** @param plan by whose rules what was said is counted */
export function todayOf(
  { store, now }: ViewSources,
  service: Service,
  { signals }: Pick<Plan, 'signals'>,
): Today {
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
  const old = live === null ? { bad: 0, total: 0 } : store.traffic.totals(name, live.release)
  const { answers = null, opinions = {} } = signals ?? {}
  return {
    old,
    said:
      live === null
        ? {}
        : {
            ...answerCounts(store, name, live.release, answers),
            ...opinionCounts(store, live.release, opinions),
          },
    spoken: live === null ? null : spokenOf(store, live.release, { opinions, answers: old.total }),
    perSecond: isFresh ? (load.perSecond?.new ?? 0) : 0,
    tookMs,
    measured: {
      moveMs: moves[0] ?? null,
      startMs: median(past.flatMap(({ events }) => between(events, 'provisioning', 'warming'))),
      warmMs: median(past.flatMap(({ events }) => between(events, 'warming', 'verifying'))),
      drills: drillsOf(past.flatMap(({ events }) => events)),
    },
  }
}

/** Opinions for each answer, of the kind that is given least. */
function spokenOf(
  { feedback }: Pick<ControllerStore, 'feedback'>,
  release: string,
  { opinions, answers }: { opinions: SignalSources['opinions']; answers: number },
): number | null {
  const totals = feedback.totals(release)
  const counts = Object.values(opinions).map(
    (spec) => totals.find(({ kind }) => kind === spec.kind)?.count ?? 0,
  )
  const least = Math.min(...counts)
  return counts.length === 0 || least === 0 || answers === 0 ? null : Math.min(1, least / answers)
}

/** What a phase took, ms; of a release that went through it. */
function between(events: readonly Event[], from: string, to: string): number[] {
  const [began, ended] = [phaseAt(events, from), phaseAt(events, to)]
  return began === null || ended === null ? [] : [ended - began]
}

/** By rung; of those that brought the standby back. */
function drillsOf(events: readonly Event[]): ReadonlyMap<string, number> {
  const drills = events.flatMap(({ data }) => {
    const { drill } = data as { drill?: { rung: string; tookMs: number } }
    return drill === undefined ? [] : [drill]
  })
  const byRung = Map.groupBy(drills, ({ rung }) => rung)
  return new Map(
    [...byRung].map(([rung, some]) => [rung, median(some.map(({ tookMs }) => tookMs))!]),
  )
}
