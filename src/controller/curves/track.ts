/**
 * What was seen over time, in slots of equal length. Bounded: when there are too many slots, either two become one, so that a whole
 * release stays in view however long it takes, or the oldest goes. A time in which nobody looked has no slot: a gap. Pure; JSON.
 */
import { binOf, edgeOf } from '../../statistics/log-histogram.ts'

export type Track = { everyMs: number; slots: Slot[] }

export type Slot = {
  /** When it begins; wall time, ms, a multiple of `everyMs`. */
  at: number
  /** By side, e.g. `new` and `old`. */
  sides: Record<string, Side>
  /** By signal, as last seen in it: of what is needed to roll back, and to promote (null: by its design it never does). */
  evidence: Record<string, readonly [rollback: number, promotion: number | null]>
}

export type Side = {
  /** Good and bad ones; what a client gave up is neither. */
  answers: number
  bad: number
  /** Of these, copies: asked for comparison, given to nobody. */
  copies: number
  /** Times of good answers: bin of the log histogram → count. */
  times: Record<number, number>
}

export type Answered = { side: string; isBad: boolean; isCopy: boolean; totalMs: number }

/** As many as a screen can show apart. */
export const slotsMax = 240

export function beginTrack(everyMs: number): Track {
  return { everyMs, slots: [] }
}

/**
 * The slot of this time, in place; the last one where a clock was set back.
 * @param full what becomes of the old when there are too many: `halve` keeps all of it, in slots twice as long
 */
export function slotAt(track: Track, at: number, full: 'halve' | 'forget'): Slot {
  const last = track.slots.at(-1)
  const begins = beginOf(at, track.everyMs)
  if (last !== undefined && last.at >= begins) return last
  if (track.slots.length >= slotsMax) {
    if (full === 'halve') {
      halve(track)
      return slotAt(track, at, full)
    }
    track.slots.shift()
  }
  const slot: Slot = { at: begins, sides: {}, evidence: {} }
  track.slots.push(slot)
  return slot
}

export function addAnswer(slot: Slot, { side, isBad, isCopy, totalMs }: Answered): void {
  const seen = (slot.sides[side] ??= { answers: 0, bad: 0, copies: 0, times: {} })
  seen.answers++
  if (isCopy) seen.copies++
  if (isBad) seen.bad++
  // An error that comes fast is not a fast answer.
  else if (totalMs >= 0) seen.times[binOf(totalMs)] = (seen.times[binOf(totalMs)] ?? 0) + 1
}

/** Upper edge of the bin in which the answer of this rank lies, ms; null where there is none. Within 4.1 %. */
export function quantile(times: Side['times'], share: number): number | null {
  const bins = Object.keys(times).map(Number)
  const total = bins.reduce((sum, bin) => sum + times[bin]!, 0)
  if (total === 0) return null
  let below = 0
  for (const bin of bins) {
    below += times[bin]!
    if (below >= share * total) return edgeOf(bin)
  }
  return edgeOf(bins.at(-1)!)
}

/** Where it was long since anybody looked, slots get longer until all of it has room: those of a gap take none. */
function halve(track: Track): void {
  track.everyMs *= 2
  const merged: Slot[] = []
  for (const slot of track.slots) {
    const at = beginOf(slot.at, track.everyMs)
    const last = merged.at(-1)
    if (last?.at === at) merge(last, slot)
    else merged.push({ ...slot, at })
  }
  track.slots = merged
}

function merge(into: Slot, from: Slot): void {
  for (const [side, seen] of Object.entries(from.sides)) {
    const known = into.sides[side]
    if (known === undefined) {
      into.sides[side] = seen
      continue
    }
    known.answers += seen.answers
    known.bad += seen.bad
    known.copies += seen.copies
    for (const [bin, count] of Object.entries(seen.times))
      known.times[Number(bin)] = (known.times[Number(bin)] ?? 0) + count
  }
  into.evidence = { ...into.evidence, ...from.evidence }
}

function beginOf(at: number, everyMs: number): number {
  return at - (at % everyMs)
}
