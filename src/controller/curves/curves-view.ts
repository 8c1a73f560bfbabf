/** A track as the API tells it: column by column, with a hole where nobody looked. Pure. */
import type { CurvesView } from '../../api/curves-shape.ts'
import { quantile, slotsMax } from './track.ts'
import type { Side, Slot, Track } from './track.ts'

type Feedback = CurvesView['feedback'][number]
/** What people said in one slot of answers of this kind. */
export type Said = { kind: Feedback['kind']; at: number; count: number; mean: number | null }

export function curvesView(
  track: Track,
  {
    sides,
    said,
  }: {
    /** In the order in which they are told; the version as people call it now. */
    sides: readonly Pick<CurvesView['sides'][number], 'side' | 'version'>[]
    said: readonly { side: Feedback['side']; said: readonly Said[] }[]
  },
): CurvesView {
  const at = timesOf(track)
  const slots = new Map(track.slots.map((slot) => [slot.at, slot]))
  const column = (value: (slot: Slot) => number | null) =>
    at.map((time) => {
      const slot = slots.get(time)
      return slot === undefined ? null : value(slot)
    })
  const signals = [...new Set(track.slots.flatMap(({ evidence }) => Object.keys(evidence)))]
  return {
    everyMs: track.everyMs,
    at,
    sides: sides.map(({ side, version }) => {
      const of = (value: (seen: Side) => number | null, none: number | null) =>
        column((slot) => (slot.sides[side] === undefined ? none : value(slot.sides[side])))
      return {
        side,
        version,
        answers: of(({ answers }) => answers, 0),
        bad: of(({ bad }) => bad, 0),
        copies: of(({ copies }) => copies, 0),
        p50Ms: of(({ times }) => quantile(times, 0.5), null),
        p95Ms: of(({ times }) => quantile(times, 0.95), null),
      }
    }),
    evidence: signals.map((signal) => ({
      signal,
      rollback: column((slot) => slot.evidence[signal]?.[0] ?? null),
      promotion: column((slot) => slot.evidence[signal]?.[1] ?? null),
    })),
    feedback: said.flatMap(({ side, said: all }) => feedbackOf(side, all, at)),
  }
}

/** From the first slot to the last, holes included; the newest where a gap is longer than a screen. */
function timesOf({ everyMs, slots }: Track): number[] {
  const [first, last] = [slots[0], slots.at(-1)]
  if (first === undefined || last === undefined) return []
  const count = Math.min(slotsMax, (last.at - first.at) / everyMs + 1)
  return Array.from({ length: count }, (_, index) => last.at - (count - 1 - index) * everyMs)
}

function feedbackOf(side: Feedback['side'], said: readonly Said[], at: number[]): Feedback[] {
  return [...Map.groupBy(said, ({ kind }) => kind)].map(([kind, some]) => {
    const bySlot = new Map(some.map((one) => [one.at, one]))
    return {
      side,
      kind,
      count: at.map((time) => bySlot.get(time)?.count ?? 0),
      mean: at.map((time) => bySlot.get(time)?.mean ?? null),
    }
  })
}
