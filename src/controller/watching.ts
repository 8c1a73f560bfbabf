/** Counts what the gateway saw, exactly once, and asks the guard about the releases that are being watched. */
import type { GatewayClient } from '../gateway/client.ts'
import { answerMax } from '../gateway/ledger.ts'
import type { GatewayState, Observation } from '../gateway/control.ts'
import type { Decision } from '../guard/guard.ts'
import { beginOrder, inOrder } from '../guard/reorder.ts'
import type { Arrived } from '../guard/reorder.ts'
import { beginWatch, decide, observe } from '../guard/watch.ts'
import type { Outcome } from '../guard/watch.ts'
import { log } from '../log.ts'
import type { Now, Release } from '../release/release.ts'
import type { GuardFact } from '../release/seen.ts'
import type { Totals } from '../storage/traffic.ts'
import type { ControllerStore, Watch } from './store.ts'

export type Watching = ReturnType<typeof watchingOf>

/** Batches per look; more are taken with the next one. */
const batchesMax = 10
/** With nothing new to count, the cursor need not be written again. */
const pullEveryMs = 90

export function watchingOf({
  store,
  gateway,
  now,
}: {
  store: ControllerStore
  gateway: GatewayClient
  now: () => Now
}) {
  let pulling: Promise<void> | null = null
  let pulledAt = -Infinity
  let last: GatewayState | null = null

  return {
    /** Takes what the gateway has seen since the last time: counters, watches and cursor in one transaction. */
    take(state: GatewayState | null): Promise<void> {
      last = state
      if (state === null || performance.now() - pulledAt < pullEveryMs) return Promise.resolve()
      pulling ??= pull(state)
        .catch((error: unknown) =>
          log.warn(
            { error: (error as Error).message },
            'observations could not be taken; they wait in the gateway',
          ),
        )
        .finally(() => {
          pulledAt = performance.now()
          pulling = null
        })
      return pulling
    },

    /** Before the switch: from here on every assignment counts. Beginning again changes nothing that was seen. */
    begin(release: Release): void {
      if (store.traffic.watch(release.id) !== null) return
      const plan = store.services.plan(release.id)!
      const old =
        release.from === null ? null : store.traffic.totals(release.service, release.from.release)
      const state = last?.services[release.service]
      const order = beginOrder(last?.run ?? '', state?.assigned ?? 0)
      store.traffic.putWatch(release.id, {
        watch: beginWatch(plan.watch, old, release.from === null),
        order,
        service: release.service,
      })
    },

    judge(release: Release): GuardFact | null {
      const decision = release.phase.name === 'watching' ? decisionOf(release) : null
      return decision === null ? null : { decision: decision.decision, because: decision.because }
    },

    view: (release: Release): Decision | null => decisionOf(release),
  }

  function decisionOf(release: Release): Decision | null {
    const state = store.traffic.watch(release.id)
    return state === null ? null : decide(state.watch)
  }

  async function pull(state: GatewayState): Promise<void> {
    for (let batch = 0; batch < batchesMax; batch++) {
      const cursor = store.traffic.cursor()
      const after = cursor?.run === state.run ? cursor.after : 0
      const seen = await gateway.observations(state.run, after)
      if (seen.items.length === 0 && seen.gaps.length === 0) return keepOrder(state)
      count(seen.run, seen.next, seen.items)
      if (seen.items.length < answerMax) return
    }
  }

  function count(run: string, next: number, items: readonly Observation[]): void {
    const totals = new Map<string, { service: string; release: string } & Totals>()
    for (const item of items) {
      const outcome = outcomeOf(item)
      if (outcome === 'void') continue
      const key = `${item.service} ${item.release}`
      const sum = totals.get(key) ?? {
        service: item.service,
        release: item.release,
        total: 0,
        bad: 0,
      }
      sum.total++
      if (outcome === 'bad') sum.bad++
      totals.set(key, sum)
    }
    store.traffic.count({ run, after: next }, [...totals.values()], watched(run, items))
  }

  /** The watches that these observations change. */
  function watched(run: string, items: readonly Observation[]): Map<string, Watch> {
    const changed = new Map<string, Watch>()
    for (const { release, state } of activeWatches()) {
      const arrived = items
        .filter(({ service }) => service === state.service)
        .map((item): Arrived => ({
          seq: item.seq,
          outcome: item.release === release ? outcomeOf(item) : null,
        }))
      changed.set(release, advanceWatch(state, run, arrived))
    }
    return changed
  }

  /** A gap that nothing fills must end even when nothing else arrives. */
  function keepOrder(gatewayState: GatewayState): void {
    for (const { release, state } of activeWatches()) {
      if (state.order.missingSince !== null)
        store.traffic.putWatch(release, advanceWatch(state, gatewayState.run, []))
    }
  }

  function advanceWatch(state: Watch, run: string, arrived: readonly Arrived[]): Watch {
    const at = now().wall
    const { order, due } = inOrder(state.order, run, arrived, at)
    return { ...state, order, watch: observe(state.watch, due, at) }
  }

  function activeWatches(): { release: string; state: Watch }[] {
    return store.services.all().flatMap(({ service }) => {
      const phase = service.release?.phase.name
      const release = phase === 'switching' || phase === 'watching' ? service.release!.id : null
      const state = release === null ? null : store.traffic.watch(release)
      return release === null || state === null ? [] : [{ release, state }]
    })
  }
}

/** Whose failure is it? What nobody can judge is void, in both arms (rulings §6). */
function outcomeOf({ outcome }: Observation): Outcome {
  if (outcome === 'ok') return 'good'
  return outcome === 'void' || outcome === 'client-gone' ? 'void' : 'bad'
}
