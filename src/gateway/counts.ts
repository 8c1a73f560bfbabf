/** What a worker counts between two reports, and how main sums the reports up. Plain numbers only: they cross a thread. */
import type { Environment, Observation } from './control.ts'

/** Upper bounds in seconds: from a small classifier to a long generation. */
export const bucketsS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
]

/** `counts` has one place more than there are bounds: what took longer. */
export type Histogram = { counts: number[]; sumS: number }

export type Row = {
  service: string
  environment: Environment
  version: string
  /** By status of the answer; 0: none was sent. */
  statuses: Record<string, number>
  outcomes: Partial<Record<Observation['outcome'], number>>
  totals: Histogram
  firstBytes: Histogram
  bytesIn: number
  bytesOut: number
  retries: number
}

export type Counts = {
  rows: readonly Row[]
  /** Requests that no replica was asked for, by code. */
  refused: Record<string, number>
  /** Requests that could not be read, by status. */
  unreadable: Record<string, number>
  /** Copies, by service and what became of them, e.g. `chat sent`. */
  copies: Record<string, number>
}

export function emptyRow(of: Pick<Row, 'service' | 'environment' | 'version'>): Row {
  const histogram = (): Histogram => ({ counts: bucketsS.map(() => 0).concat(0), sumS: 0 })
  return {
    ...of,
    statuses: {},
    outcomes: {},
    totals: histogram(),
    firstBytes: histogram(),
    bytesIn: 0,
    bytesOut: 0,
    retries: 0,
  }
}

export function addTo({ counts, sumS }: Histogram, ms: number): number {
  const seconds = ms / 1000
  let index = 0
  while (index < bucketsS.length && seconds > bucketsS[index]!) index++
  counts[index]!++
  return sumS + seconds
}

export function one(counts: Record<string, number>, key: string | number, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by
}

/** Rows that main keeps: versions come and go, and nobody asks for those of last year. */
const rowsMax = 10_000

export function openSums() {
  const rows = new Map<string, Row>()
  const sums = { refused: {}, unreadable: {}, copies: {} }
  return {
    add({ rows: reported, refused, unreadable, copies }: Counts): void {
      for (const row of reported) addRow(row)
      merge(sums.refused, refused)
      merge(sums.unreadable, unreadable)
      merge(sums.copies, copies)
    },
    read: (): Counts => ({ rows: [...rows.values()], ...sums }),
  }

  function addRow(row: Row): void {
    const key = `${row.service} ${row.environment} ${row.version}`
    const known = rows.get(key)
    if (known === undefined) {
      if (rows.size >= rowsMax) rows.delete(rows.keys().next().value!)
      rows.set(key, row)
      return
    }
    merge(known.statuses, row.statuses)
    merge(known.outcomes, row.outcomes)
    for (const which of ['totals', 'firstBytes'] as const) {
      for (const [index, count] of row[which].counts.entries()) known[which].counts[index]! += count
      known[which].sumS += row[which].sumS
    }
    known.bytesIn += row.bytesIn
    known.bytesOut += row.bytesOut
    known.retries += row.retries
  }
}

function merge(into: Record<string, number>, from: Partial<Record<string, number>>): void {
  for (const [key, count] of Object.entries(from)) one(into, key, count)
}
