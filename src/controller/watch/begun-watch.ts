/**
 * A watch as it begins, right before the switch is journalled: from here on every assignment counts. One that is there already was
 * begun by a controller that died before it journalled the switch: what was taken since did not go into it and will not come again,
 * so it begins anew. Nothing of the new version can have been seen.
 */
import type { GatewayState, ServiceState } from '../../gateway/control.ts'
import { cellWidth, drawnWidth } from '../../guard/answer.ts'
import { beginCoverage } from '../../guard/coverage.ts'
import { beginHearing } from '../../guard/hearing.ts'
import { distance } from '../../guard/line.ts'
import { beginPairing } from '../../guard/pairs.ts'
import { beginOrder, missingAfterMs } from '../../guard/reorder.ts'
import { beginWatch } from '../../guard/watch.ts'
import type { Release } from '../../release/release.ts'
import { carriedOf } from './carried.ts'
import { opinionCounts } from './opinions.ts'
import { answerCounts } from './signal-totals.ts'
import type { ControllerStore, Times, Watch } from '../store.ts'

/** The highest number that was taken of each service. */
export type Newest = Map<string, { run: string; seq: number }>

/** From the end of a request to the controller, with room. */
const travelMs = 15_000

/**
 * @param state of the gateway as it was seen last
 * @param old how long the old version's answers took @param at wall time, ms
 */
export function begunWatch(
  store: Pick<ControllerStore, 'services' | 'traffic' | 'feedback' | 'gates'>,
  release: Release,
  {
    state,
    newest,
    old,
    at,
  }: { state: GatewayState | null; newest: Newest; old: Times | null; at: number },
): Watch {
  const { service, from } = release
  const plan = store.services.plan(release.id)!
  const routed = state?.services[service]
  const { answers = null, opinions = {} } = plan.signals ?? {}
  const history =
    from === null
      ? null
      : {
          counts: {
            errors: store.traffic.totals(service, from.release),
            ...answerCounts(store, service, from.release, answers),
            ...opinionCounts(store, from.release, opinions),
          },
          latency: old ?? {},
        }
  const run = state?.run ?? ''
  const next = nextOf(routed?.assigned ?? 0, run, newest.get(service))
  const perSecond = old?.load.perSecond?.new ?? 0
  const drawn = drawnOf(release)
  const waitMs = longestWaitMs(routed)
  const taken = plan.watch.signals.filter((signal) => signal.from === 'answer')
  const pairs = from !== null && release.rules.control !== undefined
  return {
    service,
    watch: beginWatch(plan.watch, history, from === null, carriedOf(store, release, state)),
    order: beginOrder(run, next, {
      width: drawn === null ? cellWidth : drawnWidth,
      perSecond,
      waitMs,
    }),
    instances: [],
    twice: pairs
      ? {
          old: from.release,
          pairing: beginPairing(run, next, { perSecond, waitMs }),
          coverage: beginCoverage(),
        }
      : null,
    drawn,
    said:
      answers === null
        ? null
        : {
            id: answers.id,
            signals: taken.map(({ name, kind }) => ({ name, kind })),
            hearing: beginHearing(taken, { run, next, perSecond, waitMs, pairs }),
          },
    opinions: Object.keys(opinions).length === 0 ? null : { after: at, shares: {} },
  }
}

/** As the switch was entered: its steps draw who answers. */
function drawnOf({ phase, from, rules }: Release): NonNullable<Watch['drawn']> | null {
  if (phase.name !== 'switching' || phase.share === undefined || from === null) return null
  return { old: from.release, sticky: rules.traffic?.sticky != null }
}

/**
 * The first number that a watch may ask for. Looking at the gateway and taking what it saw are two moments: what was assigned and
 * answered between them is counted already, will not come again, and must not be waited for.
 */
function nextOf(
  assigned: number,
  run: string,
  taken: { run: string; seq: number } | undefined,
): number {
  if (taken === undefined || taken.run !== run) return assigned
  return distance(taken.seq + 1, assigned) > 0 ? (taken.seq + 1) >>> 0 : assigned
}

/** A version is silent for so long before that is said of it; then it must still travel. */
function longestWaitMs(state: ServiceState | undefined): number {
  const { firstByteMs = 0, paths = [] } = state?.table.rules ?? {}
  const longest = Math.max(firstByteMs, ...paths.map((one) => one.firstByteMs ?? 0))
  return Math.max(missingAfterMs, longest + travelMs)
}
