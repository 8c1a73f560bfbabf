/**
 * What each replica was there for, and when: it was live, or a candidate before its switch, or a standby after it was left.
 * Pure; times are wall times in ms.
 */
import type { Environment } from '../../release/release.ts'
import type { ReplicaRecord } from '../../providers/provider.ts'
import type { Spell } from '../../providers/spells.ts'

/** A model in a pool, and what its place costs: it is no replica. */
type InPool = { pool?: string; price?: { placeHour: number; currency: string } }

/** `spot`: on capacity that may be taken away. */
export type Up = Pick<ReplicaRecord, 'startedAt' | 'endedAt' | 'spells'> & {
  spot?: boolean
  spec: { id: string; release: string; version: string; environment: Environment } & InPool
}

/** From `at` on, most clients were answered by the release `live`; `by` is the release that moved them. */
export type Move = { at: number; live: string; by: string }

/** Nobody looked. `known`: replicas that were the same process before and after it, or whose end is written down. */
export type Gap = { from: number; to: number; known: readonly string[] }

export type Piece = {
  record: Up
  from: number
  to: number
  /** `unknown`: it was up before a gap, and not found again after it. */
  role: 'live' | 'candidate' | 'standby' | 'unknown'
  /**
   * The release for whose sake it was there beside a live one: its own, or the one that left it. Null for what a single
   * environment would have needed too: what is live, and a first version while it comes up.
   */
  addedBy: string | null
  /** `lent`: somebody else was on its accelerators, and pays for them. `away`: its spot capacity was taken, and nobody pays. */
  is: Spell['is']
  gap: Gap | null
}

/** @param moves oldest first @param within what lies outside is left out */
export function piecesOf(
  records: readonly Up[],
  { moves, gaps }: { moves: readonly Move[]; gaps: readonly Gap[] },
  within: { from: number; to: number },
): Piece[] {
  const cuts = [
    ...moves.map(({ at }) => at),
    ...gaps.flatMap(({ from, to }) => [from, to]),
  ].toSorted((a, b) => a - b)
  return records.flatMap((record) => {
    const from = Math.max(record.startedAt, within.from)
    const to = Math.min(record.endedAt ?? within.to, within.to)
    if (to <= from) return []
    const own = [...cuts, ...(record.spells ?? []).map((spell) => spell.at)]
    const at = [from, ...own.toSorted((a, b) => a - b).filter((cut) => cut > from && cut < to), to]
    return at.slice(1).flatMap((end, index): Piece[] => {
      const begin = at[index]!
      if (end <= begin) return []
      const gap = gaps.find((one) => one.from <= begin && begin < one.to) ?? null
      const isUnknown = gap !== null && !gap.known.includes(record.spec.id)
      const what = roleAt(record.spec.release, moves, begin)
      return [
        {
          record,
          from: begin,
          to: end,
          ...(isUnknown ? { role: 'unknown', addedBy: null } : what),
          is: record.spells?.findLast((spell) => spell.at <= begin)?.is ?? 'awake',
          gap: isUnknown ? gap : null,
        },
      ]
    })
  })
}

function roleAt(
  release: string,
  moves: readonly Move[],
  at: number,
): Pick<Piece, 'role' | 'addedBy'> {
  const past = moves.filter((move) => move.at <= at)
  const live = past.at(-1)?.live ?? null
  if (live === release) return { role: 'live', addedBy: null }
  const last = past.findLastIndex((move) => move.live === release)
  if (last === -1) return { role: 'candidate', addedBy: live === null ? null : release }
  return { role: 'standby', addedBy: past[last + 1]!.by }
}

/** Between the last sign of a run and the beginning of the next. A clock that was set back leaves none. */
export function gapsOf(
  runs: readonly { startedAt: number; lastAt: number; known: readonly string[] }[],
): Gap[] {
  return runs.slice(1).flatMap((run, index) => {
    const from = runs[index]!.lastAt
    return run.startedAt > from ? [{ from, to: run.startedAt, known: run.known }] : []
  })
}

/** One line of the record that may have moved traffic. */
export type Entry = {
  at: number
  release: string
  /** Of a phase. */
  phase: string | null
  /** Of a routing change: what it was, and when the gateway stored it. */
  change: string | null
  movedAt: number | null
  /** Of the standby, from then on. */
  rung?: string | null
}

/** The standby that `release` left stood on this rung; wall times, ms. */
export type RungSpan = { release: string; rung: string; from: number; to: number | null }

/**
 * From the record: a switch or rollback as the gateway stored it; where a crash left that unsaid, the phase that begins once
 * it has happened.
 *
 * @param fromOf what was live before a release, by its release
 */
export function movesOf(
  entries: readonly Entry[],
  fromOf: (release: string) => string | null,
): Move[] {
  const moves: Move[] = []
  const phases = new Map<string, string>()
  for (const { at, release, phase, change, movedAt } of entries) {
    const before = phases.get(release)
    if (phase !== null) phases.set(release, phase)
    const isSwitch = change === 'switch' || phase === 'watching'
    const isBack =
      change === 'rollback' || (before === 'rolling-back' && phase !== null && phase !== before)
    const live = isSwitch ? release : isBack ? fromOf(release) : null
    if (live === null || moves.at(-1)?.live === live) continue
    moves.push({ at: movedAt ?? at, live, by: release })
  }
  return moves.toSorted((a, b) => a.at - b.at)
}
