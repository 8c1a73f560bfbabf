/** `beryl plan`: what a release would take, from what earlier ones took and from the guard's formulas the other way round. */
import type { PlanView } from '../api/shapes.ts'
import { percent } from '../guard/baseline.ts'
import { forecast } from '../guard/forecast.ts'
import type { Counts } from '../guard/baseline.ts'
import { beginWatch } from '../guard/watch.ts'
import { ProblemError } from '../ipc/problem.ts'
import { isEnd } from '../release/release.ts'
import { rungText } from '../release/ladder.ts'
import type { Service } from '../release/release.ts'
import type { Plan } from './plan.ts'

/** What is known of the service today. */
export type Today = {
  /** Errors and answers of what is live. */
  old: Counts
  /** Requests a second that it answers now. */
  perSecond: number
  /** From the request to the switch, of earlier releases, ms. */
  tookMs: readonly number[]
  moveMs: number | null
}

const hourMs = 3_600_000

/**
 * @param find share of errors that is asked about; null: the manifest's `minimumEffect` above today's
 * @throws ProblemError `no-regression` when `find` is not above what is live
 */
export function planView(
  service: Service,
  version: string,
  {
    plan,
    replicas,
    find,
    today,
    held,
  }: { plan: Plan; replicas: number; find: number | null; today: Today; held: string | null },
): Omit<PlanView, 'alias'> {
  const { rules, price, template } = plan
  const standbyS = rules.standby.reduce((sum, { forS }) => sum + forS, 0)
  const toSwitchMs = median(today.tookMs)
  const stepsS = (rules.traffic?.shares.length ?? 0) * (rules.traffic?.everyS ?? 0)
  const fullMs = (toSwitchMs ?? 0) + (stepsS + rules.watch.atLeastS) * 1000
  // What the watch keeps is full; then each rung as it is.
  const ladderMs = rules.standby.reduce(
    // What sleeps is still reserved, and costs its full price (rulings §12).
    (sum, rung) => sum + (rung.rung === 'replicas' ? rung.replicas : replicas) * rung.forS * 1000,
    0,
  )
  const replicaHours = toSwitchMs === null ? null : (replicas * fullMs + ladderMs) / hourMs
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
      gpus: template.provider === 'external' ? 0 : replicas * template.gpus,
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
      replicaHours === null
        ? null
        : {
            replicaHours,
            money: price === null ? null : replicaHours * price.replicaHour,
            currency: price?.currency ?? null,
          },
    regression: service.live === null ? null : regressionOf(plan, find, today),
    moveMs: today.moveMs,
  }
}

function regressionOf(
  { watch, rules }: Plan,
  find: number | null,
  { old, perSecond }: Today,
): PlanView['regression'] {
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
  const { weight } = beginWatch(watch, null, false).signals.find(
    (signal) => signal.rules.name === 'errors',
  )!
  const { designs, said } = forecast({
    ...errors,
    perSecond,
    old,
    newRate,
    falseRollbackRisk: watch.falseRollbackRisk,
    weight,
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
    said,
  }
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

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null
}
