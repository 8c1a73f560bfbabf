/** How much each version gets: latency is compared only where a replica of either is asked equally often (rulings §5). */

/** JSON. */
export type Load = {
  /** Wall time of the window that is being counted, ms; null before the first answer. */
  since: number | null
  counts: { new: number; old: number }
  /** Answers a second in the last whole window; null before there is one. */
  perSecond: { new: number; old: number } | null
}

/** Replicas of each version that are ready. */
export type Ready = { new: number; old: number }

const windowMs = 10_000
/** Without an answer for so long, what was measured says nothing any more. */
const forgottenMs = 60_000
const equalWithin = 1.2

export function beginLoad(): Load {
  return { since: null, counts: { new: 0, old: 0 }, perSecond: null }
}

/** @param at wall time, ms; a clock that was set begins a new window */
export function countLoad(
  { since, counts, perSecond }: Load,
  { at, seen }: { at: number; seen: { new: number; old: number } },
): Load {
  const passed = since === null ? -1 : at - since
  if (passed < 0 || passed > forgottenMs) return { since: at, counts: seen, perSecond: null }
  if (passed < windowMs)
    return {
      since,
      counts: { new: counts.new + seen.new, old: counts.old + seen.old },
      perSecond,
    }
  const measured = { new: (counts.new * 1000) / passed, old: (counts.old * 1000) / passed }
  return { since: at, counts: seen, perSecond: measured }
}

/** Requests a second for each replica; null while that is not known. */
export function perReplica(load: Load, ready: Ready, side: 'new' | 'old'): number | null {
  return load.perSecond === null || ready[side] < 1 ? null : load.perSecond[side] / ready[side]
}

export function isEqualLoad(load: Load, ready: Ready): boolean {
  const [own, other] = [perReplica(load, ready, 'new'), perReplica(load, ready, 'old')]
  if (own === null || other === null || own <= 0 || other <= 0) return false
  return own / other <= equalWithin && other / own <= equalWithin
}
