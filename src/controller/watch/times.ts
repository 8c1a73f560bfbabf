/** How long answers take, by release and load: kept for every release that answers, so that the next one can be compared. */
import type { GatewayState, Observation } from '../../gateway/control.ts'
import { answerOf } from '../../guard/answer.ts'
import { addToHistory, bucketOf } from '../../guard/latency-history.ts'
import { beginLoad, countLoad, perReplica } from '../../guard/load.ts'
import { counted } from './lately.ts'
import { withPeak } from './peaks.ts'
import { readyOf } from './ready.ts'
import type { ControllerStore, Times } from '../store.ts'

type Kept = { service: string; release: string; times: Times }

/** How long the tokens of a stream took, ms. */
export type TokenTime = {
  service: string
  release: string
  of: 'firstToken' | 'perToken'
  ms: number
}

/** Those of releases that have not answered for long are read again when they are needed. */
const heldMax = 64

export function openTimes(store: ControllerStore) {
  const held = new Map<string, Kept>()
  let unwritten = false

  return {
    of: (service: string, release: string): Times | null =>
      held.get(keyOf(service, release))?.times ?? store.traffic.times(service, release),

    /** What changed, to be written in the transaction that counts these items; `written` says that it was. */
    with(
      { items, tokens }: { items: readonly Observation[]; tokens: readonly TokenTime[] },
      state: GatewayState,
      at: number,
    ): Kept[] {
      // What a failed write left here would be counted twice.
      if (unwritten) held.clear()
      unwritten = true
      const keyed = (one: { service: string; release: string }) => keyOf(one.service, one.release)
      const byRelease = Map.groupBy(items, keyed)
      const tokensOf = Map.groupBy(tokens, keyed)
      return [...new Set([...byRelease.keys(), ...tokensOf.keys()])].map((key) => {
        const [seen, told] = [byRelease.get(key) ?? [], tokensOf.get(key) ?? []]
        const { service, release } = (seen[0] ?? told[0])!
        const kept = held.get(key) ?? {
          service,
          release,
          times: store.traffic.times(service, release) ?? beginTimes(),
        }
        if (held.size >= heldMax) held.clear()
        held.set(key, kept)
        const ready = readyOf(state, service, release)
        if (seen.length > 0) add(kept.times, seen, { ready, at })
        addTokens(kept.times, told, ready)
        return kept
      })
    },

    written: () => void (unwritten = false),
  }
}

function add(
  times: Times,
  items: readonly Observation[],
  { ready, at }: { ready: number; at: number },
): void {
  times.load = countLoad(times.load, { at, seen: { new: items.length, old: 0 } })
  // A window has just been measured.
  if (times.load.since === at && times.load.perSecond !== null)
    times.peaks = withPeak(times.peaks ?? {}, at, times.load.perSecond.new)
  times.lately = counted(
    times.lately ?? {},
    at,
    items.map((item) => item.at),
  )
  const bucket = bucketNow(times, ready)
  if (bucket === null) return
  for (const item of items) {
    const { firstByteMs, totalMs } = answerOf(item)
    if (firstByteMs !== null) addToHistory(times.firstByte, bucket, firstByteMs)
    if (totalMs !== null) addToHistory(times.total, bucket, totalMs)
  }
}

/** By the load at which they are told of, which is that of their requests, or shortly after. */
function addTokens(times: Times, tokens: readonly TokenTime[], ready: number): void {
  const bucket = bucketNow(times, ready)
  if (bucket === null) return
  for (const { of, ms } of tokens) addToHistory((times[of] ??= {}), bucket, ms)
}

function bucketNow({ load }: Times, ready: number): string | null {
  const rate = perReplica(load, { new: ready, old: 0 }, 'new')
  return rate === null ? null : bucketOf(rate)
}

function beginTimes(): Times {
  return { load: beginLoad(), firstByte: {}, total: {} }
}

function keyOf(service: string, release: string): string {
  return `${service} ${release}`
}
