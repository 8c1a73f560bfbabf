/** A worker's counters: added to at the end of each request, reported once in a while, and begun anew. */
import { addTo, emptyRow, one } from './counts.ts'
import type { Counts, Row } from './counts.ts'
import type { Ended, Flight } from './forward.ts'
import type { SlottedEnvironment } from './slotted.ts'

const reportMs = 500

export type Counter = ReturnType<typeof openCounter>

export function openCounter(report: (counts: Counts) => void) {
  let rows = new Map<SlottedEnvironment, Row>()
  let others = fresh()
  /** By service, then by what became of them: no text is made for each. */
  let copies = new Map<string, Record<string, number>>()
  let touched = false
  const clock = setInterval(flush, reportMs)
  clock.unref()

  return {
    ended({ claim, bytesIn, bytesOut, tries }: Flight, result: Ended): void {
      const { environment, table } = claim
      let row = rows.get(environment)
      if (row === undefined) {
        const { environment: colour, version } = environment
        row = emptyRow({ service: table.service, environment: colour, version })
        rows.set(environment, row)
      }
      touched = true
      one(row.statuses, result.status)
      row.outcomes[result.outcome] = (row.outcomes[result.outcome] ?? 0) + 1
      row.totals.sumS = addTo(row.totals, result.totalMs)
      if (result.firstByteMs > 0) row.firstBytes.sumS = addTo(row.firstBytes, result.firstByteMs)
      row.bytesIn += bytesIn
      row.bytesOut += bytesOut
      if (tries > 1) row.retries += tries - 1
    },
    refused: (code: string) => count(others.refused, code),
    unreadable: (status: number) => count(others.unreadable, status),
    copy: (service: string, what: string) => {
      let here = copies.get(service)
      if (here === undefined) copies.set(service, (here = {}))
      count(here, what)
    },
    flush,
  }

  function count(counts: Record<string, number>, key: string | number): void {
    touched = true
    one(counts, key)
  }

  function flush(): void {
    if (!touched) return
    touched = false
    report({ rows: [...rows.values()], ...others, copies: named(copies) })
    rows = new Map()
    copies = new Map()
    others = fresh()
  }
}

function named(copies: Map<string, Record<string, number>>): Counts['copies'] {
  const all: Counts['copies'] = {}
  for (const [service, counts] of copies)
    for (const [what, count] of Object.entries(counts)) all[`${service} ${what}`] = count
  return all
}

function fresh(): Omit<Counts, 'rows' | 'copies'> {
  return { refused: {}, unreadable: {} }
}
