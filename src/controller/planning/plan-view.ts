/** `beryl plan`: what a release would take, from what earlier ones took and from the guard's formulas the other way round. */
import type { PlanView } from '../../api/shapes.ts'
import { percent } from '../../guard/baseline.ts'
import { endsSaid } from '../../guard/ending.ts'
import { forecast } from '../../guard/forecast.ts'
import type { Counts } from '../../guard/baseline.ts'
import { beginWatch } from '../../guard/watch.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { isEnd } from '../../release/release.ts'
import { rungText } from '../../release/ladder.ts'
import type { Rung, Service } from '../../release/release.ts'
import type { Plan } from '../plan.ts'
import { policiesOf } from './policies.ts'
import type { Measured } from './policies.ts'
import { eachOf, roomFor } from './room.ts'
import type { Machine } from './room.ts'
import { strategiesOf } from './strategies.ts'
import { judgedPerSecondMax } from '../watch/signals.ts'

/** What is known of the service today. */
export type Today = {
  /** Errors and answers of what is live. */
  old: Counts
  /** The same of what its answers, and people, said by the plan's rules; by signal. */
  said: Readonly<Record<string, Counts>>
  /** Requests a second that it answers now. */
  perSecond: number
  /** Opinions for each answer of it; null: nobody has spoken yet, or there was no answer. */
  spoken: number | null
  /** From the request to the switch, of earlier releases, ms. */
  tookMs: readonly number[]
  measured: Measured
}

/** Assumed instead of what is; null: as it is. */
export type WhatIf = {
  traffic: number | null
  gpus: number | null
  standby: Rung['rung'] | 'gone' | null
}

const hourMs = 3_600_000

/**
 * @param find share of errors that is asked about; null: the manifest's `minimumEffect` above today's
 * @throws ProblemError `no-regression` when `find` is not above what is live, `no-pool` when it should assume one that is not named
 */
export function planView(
  service: Service,
  version: string,
  {
    plan,
    replicas,
    find,
    today: now,
    held,
    machine,
    evicts,
    pool,
    whatIf,
  }: {
    plan: Plan
    replicas: number
    find: number | null
    today: Today
    held: string | null
    machine: Machine
    evicts: readonly string[]
    pool: PlanView['pool']
    whatIf: WhatIf
  },
): Omit<PlanView, 'alias'> {
  const { price, template } = plan
  const rules = { ...plan.rules, standby: assumed(service.name, plan, whatIf.standby) }
  const today = { ...now, perSecond: now.perSecond * (whatIf.traffic ?? 1) }
  const standbyS = rules.standby.reduce((sum, { forS }) => sum + forS, 0)
  const toSwitchMs = median(today.tookMs)
  const stepsS = (rules.traffic?.shares.length ?? 0) * (rules.traffic?.everyS ?? 0)
  const fullMs = (toSwitchMs ?? 0) + (stepsS + rules.watch.atLeastS) * 1000
  // What the watch keeps is full; then each rung as it is. What sleeps is still reserved (rulings §12).
  const ladderMs = (where: (rung: Rung) => boolean) =>
    rules.standby
      // In a pool none of its own is up.
      .filter((one) => one.rung !== 'shared' && where(one))
      .reduce(
        (sum, one) => sum + (one.rung === 'replicas' ? one.replicas : replicas) * one.forS * 1000,
        0,
      )
  const asleepHours = ladderMs(({ rung }) => rung === 'asleep') / hourMs
  const sharedS = rules.standby.reduce(
    (sum, one) => sum + (one.rung === 'shared' ? one.forS : 0),
    0,
  )
  const placeHours = (sharedS * 1000) / hourMs
  const keptHours = ladderMs(({ rung }) => rung !== 'asleep') / hourMs
  const awakeHours = (replicas * fullMs) / hourMs + keptHours
  const onSpot = rules.spot ?? {}
  const spotHours =
    (onSpot.standby === true ? keptHours : 0) +
    (onSpot.candidate === true ? (replicas * (toSwitchMs ?? 0)) / hourMs : 0)
  const spotSaves =
    price === null
      ? 0
      : spotHours * (price.replicaHour - (price.spotReplicaHour ?? price.replicaHour))
  const regression =
    service.live === null ? null : regressionOf(plan, { find, replicas, stepsS }, today)
  const gpus = template.provider === 'external' ? 0 : template.gpus
  const kept = Math.max(replicas, service.live?.replicas ?? 0)
  const { release } = service
  const clears = release?.phase.name === 'stabilizing' ? (service.standby?.release ?? null) : null
  const all = regression?.designs.find(({ design }) =>
    rules.control === undefined ? design !== 'paired' && design !== 'split' : design === 'paired',
  )
  return {
    service: service.name,
    version,
    from: service.live?.version ?? null,
    before: inTheWay(service, version),
    gates: rules.gates.map(({ name }) => name),
    approval: rules.switchWhen === 'approved',
    windows: (rules.windows ?? []).map(({ text }) => text),
    held,
    capacity: {
      replicas,
      gpus: replicas * gpus,
      unknown: rules.unknown ?? null,
    },
    toSwitchMs,
    measured: today.tookMs.length,
    steps: {
      shares: service.live === null ? [] : (rules.traffic?.shares ?? []),
      everyS: rules.traffic?.everyS ?? 0,
    },
    watch: {
      atLeastS: rules.watch.atLeastS,
      atMostS: rules.watch.atMostS,
      control: rules.control !== undefined,
    },
    standbyS,
    ladder: rules.standby.map((rung) => ({ rung: rungText(rung), forS: rung.forS })),
    cost:
      toSwitchMs === null
        ? null
        : {
            replicaHours: awakeHours + asleepHours,
            ...(placeHours === 0 ? {} : { placeHours }),
            // A pool without a price costs what it costs, whoever is in it.
            money:
              price === null
                ? null
                : awakeHours * price.replicaHour +
                  asleepHours * (price.asleepHour ?? price.replicaHour) +
                  placeHours * (plan.shared?.price?.placeHour ?? 0) -
                  spotSaves,
            spotHours,
            spotSaves: price === null ? null : spotSaves,
            currency: price?.currency ?? null,
          },
    regression,
    moveMs: today.measured.moveMs,
    evicts,
    pool,
    room: roomFor(machine, {
      service: service.name,
      version,
      replicas: kept,
      each: eachOf(plan, 'deploy'),
      clears,
      atLeast: whatIf.gpus,
    }),
    policies:
      service.live === null
        ? []
        : policiesOf({
            replicas: service.live.replicas,
            canSleep: template.sleep !== undefined,
            shared: plan.shared ?? null,
            canSpot: 'onSpot' in template && template.onSpot !== undefined,
            onSpot: onSpot.standby === true,
            ladder: rules.standby,
            price,
            perSecond: today.perSecond,
            measured: today.measured,
          }),
    strategies: strategiesOf({
      replicas: kept,
      shares: rules.traffic?.shares ?? [],
      sinceAllMs: all?.seconds == null ? null : all.seconds * 1000,
      toSwitchMs,
      atLeastS: rules.watch.atLeastS,
      price,
      measured: today.measured,
      regression,
      risk: { risk: plan.watch.falseRollbackRisk, weight: weightOfErrors(plan) },
    }),
    whatIf,
  }
}

function regressionOf(
  plan: Plan,
  { find, replicas, stepsS }: { find: number | null; replicas: number; stepsS: number },
  today: Today,
): PlanView['regression'] {
  const { watch, rules } = plan
  const { old, perSecond } = today
  const errors = watch.signals.find((signal) => signal.name === 'errors')
  if (errors?.kind !== 'yesNo') return null
  const oldRate = old.total === 0 ? 0 : old.bad / old.total
  // What fails always cannot get worse: its fix is planned all the same.
  if (find === null && oldRate === 1) return null
  const newRate = find ?? Math.min(1, oldRate + errors.minimumEffect)
  if (!(newRate > oldRate))
    throw new ProblemError({
      status: 400,
      code: 'no-regression',
      title: `${percent(newRate)} errors are no more than the ${percent(oldRate)} of what is live`,
      hint: 'ask for a larger share',
    })
  const { designs, said } = forecast({
    ...errors,
    perSecond,
    old,
    newRate,
    falseRollbackRisk: watch.falseRollbackRisk,
    weight: weightOfErrors(plan),
    replayed: 0,
    control: rules.control !== undefined,
    watchS: rules.watch.atMostS,
  })
  const finite = (value: number) => (value === Infinity ? null : value)
  return {
    oldRate,
    newRate,
    perSecond,
    designs: designs.map(({ design, requests, seconds }) => ({
      design,
      requests: finite(requests),
      seconds: finite(seconds),
    })),
    said: [...said, ...canItEnd(plan, { replicas, stepsS }, today)],
  }
}

/** rulings §4: said beforehand, of each signal. */
function canItEnd(
  { watch, rules, gates }: Plan,
  { replicas, stepsS }: { replicas: number; stepsS: number },
  { old, said, perSecond, spoken }: Today,
): string[] {
  const history = { counts: { ...said, errors: old }, latency: {} }
  // A shadow that is not over in time has compared fewer.
  const asked = Object.values(gates).reduce((sum, gate) => {
    if (gate.kind === 'replay') return sum + gate.requests
    if (gate.kind !== 'shadow') return sum
    return sum + Math.min(gate.atLeast, Math.floor(gate.share * perSecond * gate.withinS))
  }, 0)
  return endsSaid(beginWatch(watch, history, false, { total: asked, newOnly: 0 }).signals, {
    control: rules.control !== undefined,
    stepsS,
    replicas,
    sticky: rules.traffic?.sticky != null,
    perSecond: {
      gateway: perSecond,
      answer: Math.min(perSecond, judgedPerSecondMax),
      feedback: spoken === null ? null : perSecond * spoken,
    },
    atLeastS: rules.watch.atLeastS,
    watchS: rules.watch.atMostS,
  })
}

/** Of all of the risk. */
function weightOfErrors({ watch }: Plan): number {
  const { signals } = beginWatch(watch, null, false)
  return signals.find(({ rules }) => rules.name === 'errors')?.weight ?? 1
}

/** One rung for the whole time of the ladder. */
function assumed(
  service: string,
  { rules: { standby: ladder }, shared }: Plan,
  standby: WhatIf['standby'],
): readonly Rung[] {
  if (standby === null) return ladder
  if (standby === 'gone') return []
  const forS = ladder.reduce((sum, rung) => sum + rung.forS, 0) || 86_400
  if (standby === 'shared') {
    if (shared !== undefined) return [{ rung: standby, pool: shared.pool, forS }]
    throw new ProblemError({
      status: 400,
      code: 'no-pool',
      title: `${service} names no pool in which its standby could stand`,
      hint: 'name one in its ladder: standby: [{ shared: 24h, pool: …, model: … }]',
    })
  }
  return [standby === 'replicas' ? { rung: standby, replicas: 1, forS } : { rung: standby, forS }]
}

/** rulings §3. */
function inTheWay({ release, queued }: Service, version: string): string | null {
  if (queued !== null) return `${queued.id} waits already: a deploy needs --replace`
  if (release === null) return null
  if (release.phase.name === 'stabilizing')
    return `it ends the ladder of ${release.id}: there is no way back until ${version} is live`
  return isEnd(release.phase)
    ? null
    : `${release.id} is ${release.phase.name}: a deploy waits for it`
}

/** Of an even number the upper one; null of none. */
export function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null
}
