/** How long the standby of each release stood on which rung, and what that saved against keeping it full. Pure. */
import type { Cost, Price } from './cost.ts'
import type { Entry, Piece, RungSpan } from './role-times.ts'

const hourMs = 3_600_000

/** @param entries oldest first */
export function rungSpansOf(entries: readonly Entry[]): RungSpan[] {
  const spans: RungSpan[] = []
  const open = new Map<string, RungSpan>()
  for (const { at, release, phase, rung = null } of entries) {
    if (phase === null) continue
    const now = open.get(release)
    const next = phase === 'stabilizing' ? rung : null
    if (now?.rung === next) continue
    if (now !== undefined) now.to = at
    open.delete(release)
    if (next === null) continue
    const span: RungSpan = { release, rung: next, from: at, to: null }
    spans.push(span)
    open.set(release, span)
  }
  return spans
}

export type RungLine = { release: string; rung: string; hours: number; kept: Cost; saved: Cost }

/** @param standbyOf the release that was left, and the replicas it has when it is full */
export function rungLines(
  spans: readonly RungSpan[],
  {
    pieces,
    standbyOf,
    priced,
    sum,
    within,
  }: {
    pieces: readonly Piece[]
    standbyOf: (release: string) => { release: string; replicas: number } | null
    priced: (release: string) => Price | null
    sum: (pieces: readonly Piece[]) => Cost
    within: { from: number; to: number }
  },
): RungLine[] {
  return spans.flatMap(({ release, rung, ...span }) => {
    const [from, to] = [Math.max(span.from, within.from), Math.min(span.to ?? within.to, within.to)]
    const standby = standbyOf(release)
    if (standby === null || to <= from) return []
    const here = pieces
      .filter((one) => one.record.spec.release === standby.release && one.role === 'standby')
      .filter((one) => one.from < to && one.to > from)
      .map((one) => ({ ...one, from: Math.max(one.from, from), to: Math.min(one.to, to) }))
    const kept = sum(here)
    const full = (standby.replicas * (to - from)) / hourMs
    const price = priced(standby.release)
    // A drill, or a step that takes its time, is more than the rung: never less than nothing.
    const replicaHours = Math.max(0, full - kept.replicaHours)
    const money = price === null ? null : Math.max(0, full * price.replicaHour - (kept.money ?? 0))
    const saved = { replicaHours, money, currency: price?.currency ?? null }
    return [{ release, rung, hours: (to - from) / hourMs, kept, saved }]
  })
}
