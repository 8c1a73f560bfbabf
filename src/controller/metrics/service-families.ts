/** Releases, gates, evidence, the ladder and the ledger as families of metrics: what the views say in words. Pure. */
import type { CostView, ServiceView } from '../../api/shapes.ts'
import { family } from './exposition.ts'
import type { Family, Labels, Sample } from './exposition.ts'

type Cost = Pick<CostView, 'total' | 'added' | 'lines'>

/** @param now wall time, ms @param costs by service; null where nothing was up yet */
export function serviceFamilies(
  views: readonly ServiceView[],
  { now, costs }: { now: number; costs: ReadonlyMap<string, Cost> },
): Family[] {
  return [
    ...stateFamilies(views),
    ...releaseFamilies(views, now),
    ...watchFamilies(views),
    ...ladderFamilies(views),
    ...costFamilies(views, costs),
  ]
}

function stateFamilies(views: readonly ServiceView[]): Family[] {
  const places = each(views, ({ service, environments }) =>
    (['blue', 'green'] as const).map((environment) => ({
      labels: { service, environment },
      place: environments[environment],
    })),
  )
  return [
    family(
      'beryl_live_info',
      'gauge',
      '1 for the version and the place that answer clients.',
      each(views, ({ service, live }) =>
        live === null
          ? []
          : [is({ service, environment: live.environment, version: live.version })],
      ),
    ),
    family(
      'beryl_traffic_share_ratio',
      'gauge',
      'Part of the live traffic that a place gets, 0 to 1.',
      places.map(({ labels, place }) => ({ labels, value: place.share })),
    ),
    family(
      'beryl_replicas',
      'gauge',
      'Replicas, by state.',
      places.flatMap(({ labels, place }) =>
        [...Map.groupBy(place.replicas, ({ state }) => state)].map(([state, some]) => ({
          labels: { ...labels, state },
          value: some.length,
        })),
      ),
    ),
    family(
      'beryl_replicas_asked',
      'gauge',
      'Replicas that should be there.',
      places.map(({ labels, place }) => ({ labels, value: place.asked })),
    ),
    family(
      'beryl_problems',
      'gauge',
      'Problems of a service, as its status says them.',
      views.map(({ service, problems }) => ({ labels: { service }, value: problems.length })),
    ),
    family(
      'beryl_frozen',
      'gauge',
      '1 while a freeze holds its traffic back from moving forward.',
      views.map(({ service, frozen }) => ({
        labels: { service },
        value: frozen.length > 0 ? 1 : 0,
      })),
    ),
  ]
}

function releaseFamilies(views: readonly ServiceView[], now: number): Family[] {
  const active = activeOf(views)
  return [
    family(
      'beryl_release_phase_info',
      'gauge',
      '1 for the phase of the release that goes on.',
      active.map(({ labels, release: { version, kind, phase } }) =>
        is({ ...labels, version, kind, phase }),
      ),
    ),
    family(
      'beryl_release_phase_seconds',
      'gauge',
      'How long the release is in its phase.',
      active.map(({ labels, release: { phase, since } }) => ({
        labels: { ...labels, phase },
        value: Math.max(0, now - since.wall) / 1000,
      })),
    ),
    family(
      'beryl_release_paused',
      'gauge',
      '1 while the release is paused.',
      active.map(({ labels, release: { paused } }) => ({ labels, value: paused === null ? 0 : 1 })),
    ),
    family(
      'beryl_release_queued',
      'gauge',
      '1 while another release waits behind it.',
      views.map(({ service, queued }) => ({ labels: { service }, value: queued === null ? 0 : 1 })),
    ),
    family(
      'beryl_gate_verdict_info',
      'gauge',
      '1 for what a gate of the release says: waiting, running, skipped, pass, fail or undecided.',
      active.flatMap(({ labels, release: { gates } }) =>
        gates.map((gate) =>
          is({
            ...labels,
            gate: gate.name,
            verdict: gate.state === 'decided' ? gate.verdict : gate.state,
          }),
        ),
      ),
    ),
  ]
}

function watchFamilies(views: readonly ServiceView[]): Family[] {
  const watched = activeOf(views).flatMap(({ labels, release: { watch } }) =>
    watch === null ? [] : [{ labels, watch }],
  )
  return [
    family(
      'beryl_evidence_ratio',
      'gauge',
      'Evidence of a signal, of what is needed to roll back or to promote: at 1 the line is crossed.',
      watched.flatMap(({ labels, watch }) =>
        watch.evidence.signals.flatMap(({ signal, rollbackEvidence, promotionEvidence }) => [
          { labels: { ...labels, signal, towards: 'rollback' }, value: rollbackEvidence },
          ...(promotionEvidence === null
            ? []
            : [{ labels: { ...labels, signal, towards: 'promotion' }, value: promotionEvidence }]),
        ]),
      ),
    ),
    family(
      'beryl_guard_decision_info',
      'gauge',
      '1 for what the guard says now: rollBack, promote or hold.',
      watched.map(({ labels, watch: { decision } }) => is({ ...labels, decision })),
    ),
    family(
      'beryl_judged_answers',
      'gauge',
      'Answers of the new version that the guard has judged.',
      watched.map(({ labels, watch }) => ({ labels, value: watch.evidence.total })),
    ),
  ]
}

function ladderFamilies(views: readonly ServiceView[]): Family[] {
  return [
    family(
      'beryl_standby_info',
      'gauge',
      '1 for the version that is kept for a way back, and its rung.',
      each(views, ({ service, standby }) =>
        standby === null
          ? []
          : [
              is({
                service,
                environment: standby.environment,
                version: standby.version,
                rung: standby.rung,
              }),
            ],
      ),
    ),
    family(
      'beryl_way_back',
      'gauge',
      '1 while a rollback would find something to go back to.',
      views.map(({ service, wayBack }) => ({
        labels: { service },
        value: wayBack.possible ? 1 : 0,
      })),
    ),
    family(
      'beryl_way_back_weakened',
      'gauge',
      '1 while fewer replicas of the standby are ready than its rung keeps ready, or the way back is not prepared.',
      each(views, ({ service, wayBack: { possible, weakened } }) =>
        possible || weakened !== null
          ? [{ labels: { service }, value: weakened === null ? 0 : 1 }]
          : [],
      ),
    ),
    family(
      'beryl_spot_replicas',
      'gauge',
      'Replicas on spot capacity, by the place they are in: those that are there, and those that are not (taken away, or still to be had).',
      each(views, ({ service, environments }) =>
        Object.entries(environments).flatMap(([environment, { replicas }]) => {
          const onSpot = replicas.filter(({ spot }) => spot !== null)
          const there = onSpot.filter(({ state }) => state === 'ready' || state === 'asleep').length
          if (onSpot.length === 0) return []
          return [
            { labels: { service, environment, state: 'there' }, value: there },
            { labels: { service, environment, state: 'missing' }, value: onSpot.length - there },
          ]
        }),
      ),
    ),
    family(
      'beryl_way_back_seconds',
      'gauge',
      'How long the way back takes: the last move, or on a lower rung the last drill, measured.',
      each(views, ({ service, wayBack: { measuredMs } }) =>
        measuredMs === null ? [] : [{ labels: { service }, value: measuredMs / 1000 }],
      ),
    ),
    family(
      'beryl_way_back_drilled_timestamp_seconds',
      'gauge',
      'When the way back was last tried out.',
      each(views, ({ service, wayBack: { drilledAt } }) =>
        drilledAt === null ? [] : [{ labels: { service }, value: drilledAt / 1000 }],
      ),
    ),
    family(
      'beryl_way_back_drill_ok',
      'gauge',
      '1 where that brought the standby back, 0 where it failed.',
      each(views, ({ service, wayBack: { drilledAt, drillFailed } }) =>
        drilledAt === null ? [] : [{ labels: { service }, value: drillFailed === null ? 1 : 0 }],
      ),
    ),
  ]
}

function costFamilies(views: readonly ServiceView[], costs: ReadonlyMap<string, Cost>): Family[] {
  const known = each(views, ({ service }) => {
    const cost = costs.get(service)
    return cost === undefined ? [] : [{ service, cost }]
  })
  return [
    family(
      'beryl_replica_seconds_total',
      'counter',
      'Time of replicas by role and capacity (on-demand or spot), of all releases.',
      known.flatMap(({ service, cost }) =>
        [
          ...Map.groupBy(cost.lines, ({ role, spot }) => `${role} ${spot ? 'spot' : 'on-demand'}`),
        ].map(([of, some]) => {
          const [role = '', capacity = ''] = of.split(' ')
          return {
            labels: { service, role, capacity },
            value: 3600 * some.reduce((sum, { replicaHours }) => sum + replicaHours, 0),
          }
        }),
      ),
    ),
    family(
      'beryl_cost_total',
      'counter',
      'Money for them, in the currency of the manifest.',
      known.flatMap(({ service, cost: { total } }) => money(service, total)),
    ),
    family(
      'beryl_added_cost_total',
      'counter',
      'Of it, what blue-green added over a single environment.',
      known.flatMap(({ service, cost: { added } }) => money(service, added)),
    ),
  ]
}

function money(
  service: string,
  { money: value, currency }: { money: number | null; currency: string | null },
): Sample[] {
  return value === null || currency === null ? [] : [{ labels: { service, currency }, value }]
}

function activeOf(views: readonly ServiceView[]) {
  return each(views, ({ service, release }) =>
    release === null ? [] : [{ labels: { service, release: release.id }, release }],
  )
}

function each<Found>(
  views: readonly ServiceView[],
  find: (view: ServiceView) => readonly Found[],
): Found[] {
  return views.flatMap((view) => find(view))
}

function is(labels: Labels): Sample {
  return { labels, value: 1 }
}
