/** Counts what the gateway saw, exactly once, and asks the guard about the releases that are being watched. */
import type { GatewayClient } from '../../gateway/client.ts'
import { answerMax } from '../../gateway/ledger.ts'
import type { GatewayState, Observations } from '../../gateway/control.ts'
import { decide } from '../../guard/decide.ts'
import type { Decision } from '../../guard/guard.ts'
import { distance } from '../../guard/line.ts'
import { log } from '../../log.ts'
import type { Now, Release, Service } from '../../release/release.ts'
import type { GuardFact } from '../../release/seen.ts'
import type { SignalTotals } from '../../storage/traffic.ts'
import type { ExaminerClient } from '../../verification/client.ts'
import type { SignalVerdicts } from '../../verification/signals/signal.ts'
import { advanceWatch, isWaiting } from './advance.ts'
import { begunWatch } from './begun-watch.ts'
import type { Newest } from './begun-watch.ts'
import { isMoving } from '../holds.ts'
import { latePeak } from './lately.ts'
import type { Curves } from '../curves/curves.ts'
import { opinionsDue } from './opinions.ts'
import type { Opinion } from './opinions.ts'
import { answerTotals, setAsideEvents } from './counted.ts'
import { signalTotals, tokenTimesOf } from './signal-totals.ts'
import type { SignalKeeper } from './signals.ts'
import type { ControllerStore, Times, Watch } from '../store.ts'
import { openTimes } from './times.ts'
import type { TokenTime } from './times.ts'

export type Watching = ReturnType<typeof watchingOf>

/** Batches per look; more are taken with the next one. */
const batchesMax = 10
/** With nothing new to count, the cursor need not be written again. */
const pullEveryMs = 90

export function watchingOf({
  store,
  gateway,
  curves,
  examiner,
  signals,
  now,
}: {
  store: ControllerStore
  gateway: GatewayClient
  curves: Pick<Curves, 'add' | 'evidence'>
  examiner: Pick<ExaminerClient, 'verdicts'>
  signals: Pick<SignalKeeper, 'isAny' | 'settings'>
  now: () => Now
}) {
  let pulling: Promise<void> | null = null
  let pulledAt = -Infinity
  let last: GatewayState | null = null
  /** The highest number that was taken of each service. */
  const newest: Newest = new Map()
  const times = openTimes(store)
  /** What the examiner said, until it is counted; nothing further is asked meanwhile. */
  let told: SignalVerdicts | null = null
  let asking = false

  return {
    /** Takes what the gateway has seen since the last time: counters, watches and cursor in one transaction. */
    take(state: GatewayState | null): Promise<void> {
      last = state
      if (state === null || performance.now() - pulledAt < pullEveryMs) return Promise.resolve()
      void askExaminer()
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

    /** Right before the switch is journalled. */
    begin: (release: Release): void =>
      store.traffic.putWatch(
        release.id,
        begunWatch(store, release, { state: last, newest, old: oldTimes(release), at: now().wall }),
      ),

    judge(release: Release): GuardFact | null {
      const { phase } = release
      const isStep = phase.name === 'switching' && phase.share !== undefined
      if (phase.name !== 'watching' && phase.name !== 'stabilizing' && !isStep) return null
      const decision = decisionOf(release)
      if (decision === null) return null
      curves.evidence(release.id, decision.evidence.signals)
      const { because, replace: setAside, wouldShow } = decision
      const isOver = phase.name === 'stabilizing'
      return { decision: isOver ? 'hold' : decision.decision, because, setAside, wouldShow }
    },

    view: (release: Release): Decision | null => decisionOf(release),

    /** The most that a service was asked a second in the last five minutes, while it matters: before traffic moves. */
    peak({ name, live, standby, release }: Service): number | null {
      if (!isMoving(release)) return null
      const answering = new Set([live?.release, standby?.release, release?.from?.release])
      const all = [...answering].flatMap((one) => (one === undefined ? [] : [one]))
      return latePeak(
        all.map((one) => times.of(name, one)?.lately),
        now().wall,
      )
    },
  }

  function oldTimes({ service, from }: Release): Times | null {
    return from === null ? null : times.of(service, from.release)
  }

  function decisionOf(release: Release): Decision | null {
    const state = store.traffic.watch(release.id)
    return state === null ? null : decide(state.watch, now().wall)
  }

  /** Beside the loop: an examiner that hangs must not hold up what the gateway saw. */
  async function askExaminer(): Promise<void> {
    if (asking || told !== null || !signals.isAny()) return
    asking = true
    try {
      const { run, after } = store.traffic.cursor('verdicts') ?? { run: '', after: 0 }
      const page = await examiner.verdicts(run, after)
      if (page.items.length > 0) told = page
    } catch {
      // It is being started again: what it had is given up in its time.
    } finally {
      asking = false
    }
  }

  async function pull(state: GatewayState): Promise<void> {
    const run = runToHear(state)
    for (let batch = 0; batch < batchesMax; batch++) {
      const cursor = store.traffic.cursor('observations')
      const after = cursor?.run === run ? cursor.after : 0
      const seen = await gateway.observations(run, after)
      const opinions = opinionsNow()
      const isNothing = seen.items.length === 0 && seen.gaps.length === 0
      if (isNothing && told === null && opinions.size === 0) {
        curves.add([])
        return keepOrder(run)
      }
      count(seen, state, opinions)
      curves.add(seen.items)
      if (seen.items.length < answerMax) return
    }
  }

  function count(
    { run, next, items: all, gaps }: Observations,
    state: GatewayState,
    opinions: ReadonlyMap<string, readonly Opinion[]>,
  ): void {
    const verdicts = told
    // What a copy's environment answered was given to nobody: it is no live traffic.
    const items = all.filter(({ isCopy }) => isCopy !== true)
    for (const { service, seq } of items) {
      const taken = newest.get(service)
      if (taken?.run !== run || distance(seq, taken.seq) > 0) newest.set(service, { run, seq })
    }
    const watches = watched({ run, items: all, gaps }, opinions)
    store.traffic.count(
      {
        observations: { run, after: next },
        ...(verdicts === null ? {} : { verdicts: { run: verdicts.run, after: verdicts.next } }),
      },
      {
        totals: answerTotals(items),
        watches: new Map([...watches].map(([release, { after }]) => [release, after])),
        times: times.with({ items, tokens: tokenTimes(verdicts) }, state, now().wall),
        signals: verdictTotals(verdicts),
        events: [...watches].flatMap(([release, change]) =>
          setAsideEvents(release, change, now().wall),
        ),
      },
    )
    times.written()
    told = null
  }

  function verdictTotals(verdicts: SignalVerdicts | null): SignalTotals[] {
    return verdicts === null ? [] : signalTotals(verdicts.items, (id) => signals.settings(id))
  }

  function tokenTimes(verdicts: SignalVerdicts | null): TokenTime[] {
    return verdicts === null ? [] : tokenTimesOf(verdicts.items, (id) => signals.settings(id))
  }

  /** The watches that these observations, and what was said, change. */
  function watched(
    seen: Pick<Observations, 'run' | 'items' | 'gaps'>,
    opinions: ReadonlyMap<string, readonly Opinion[]>,
  ): Map<string, { before: Watch; after: Watch }> {
    const at = now().wall
    const verdicts = told?.items ?? []
    return new Map(
      activeWatches().map(({ release, state: before }) => {
        const arrived = { ...seen, verdicts, opinions: opinions.get(release) ?? [], at, last }
        return [release, { before, after: advanceWatch(before, release, arrived) }]
      }),
    )
  }

  /** By release: what people said of answers that are old enough now. */
  function opinionsNow(): Map<string, readonly Opinion[]> {
    const at = now().wall
    return new Map(
      activeWatches().flatMap(({ release, state: { service, opinions } }) => {
        if (opinions === null) return []
        const specs = store.services.plan(release)?.signals?.opinions ?? {}
        const due = opinionsDue(store, service, specs, { after: opinions.after, at })
        return due.length === 0 ? [] : [[release, due] as const]
      }),
    )
  }

  /** A gap that nothing fills must end even when nothing else arrives. */
  function keepOrder(run: string): void {
    for (const { release, state } of activeWatches().filter((one) => isWaiting(one.state))) {
      const after = advanceWatch(state, release, { run, items: [], at: now().wall, last })
      store.traffic.putWatch(release, after)
    }
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

/**
 * Sequence numbers begin anew with each gateway, and a run that follows ends the one before: while one hands over to another, the one
 * that leaves is heard to its end first.
 */
function runToHear({ run, predecessor }: GatewayState): string {
  return predecessor?.run ?? run
}
