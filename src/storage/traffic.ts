/** What was counted of live traffic, and how far: counters, watches and the cursor are written in one transaction. */
import { transaction } from './database.ts'
import type { Database } from './database.ts'
import { insertEvent } from './events.ts'
import type { NewEvent } from './events.ts'

export type Cursor = { run: string; after: number }
/** Whose: what the gateway saw, what the examiner said of answers. */
export type CursorName = 'observations' | 'verdicts'
export type SignalTotals = Totals & {
  service: string
  release: string
  signal: string
  rule: string
}
export type Totals = { total: number; bad: number }

/** What one batch of observations changes. */
export type Counted<WatchState, Times> = {
  totals: readonly ({ service: string; release: string } & Totals)[]
  /** By release. */
  watches: ReadonlyMap<string, WatchState>
  times: readonly { service: string; release: string; times: Times }[]
  signals: readonly SignalTotals[]
  events: readonly NewEvent[]
}

export function trafficIn<WatchState, Times>(database: Database) {
  const selectCursor = database.prepare('SELECT value FROM cursors WHERE name = ?')
  const putCursor = database.prepare(
    'INSERT INTO cursors (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  )
  const addSignals = database.prepare(
    'INSERT INTO signals (service, release, signal, rule, total, bad) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total, bad = bad + excluded.bad',
  )
  const selectSignals = database.prepare(
    'SELECT total, bad FROM signals WHERE service = ? AND release = ? AND signal = ? AND rule = ?',
  )
  const addTotals = database.prepare(
    'INSERT INTO traffic (service, release, total, bad) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total, bad = bad + excluded.bad',
  )
  const selectTotals = database.prepare(
    'SELECT total, bad FROM traffic WHERE service = ? AND release = ?',
  )
  const selectWatch = database.prepare('SELECT state FROM watches WHERE release = ?')
  const putWatch = database.prepare(
    'INSERT INTO watches (release, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state',
  )
  const selectTimes = database.prepare(
    'SELECT times FROM latencies WHERE service = ? AND release = ?',
  )
  const putTimes = database.prepare(
    'INSERT INTO latencies (service, release, times) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET times = excluded.times',
  )
  return {
    cursor: (name: CursorName): Cursor | null => {
      const row = selectCursor.get(name)
      return row === undefined ? null : (JSON.parse(String(row['value'])) as Cursor)
    },
    totals: (service: string, release: string): Totals => {
      const row = selectTotals.get(service, release)
      return row === undefined
        ? { total: 0, bad: 0 }
        : { total: Number(row['total']), bad: Number(row['bad']) }
    },
    /** What a signal said of a release, taken by this rule. */
    signal: (service: string, release: string, signal: string, rule: string): Totals => {
      const row = selectSignals.get(service, release, signal, rule)
      return row === undefined
        ? { total: 0, bad: 0 }
        : { total: Number(row['total']), bad: Number(row['bad']) }
    },
    watch: (release: string): WatchState | null => {
      const row = selectWatch.get(release)
      return row === undefined ? null : (JSON.parse(String(row['state'])) as WatchState)
    },
    putWatch: (release: string, state: WatchState): void =>
      void putWatch.run(release, JSON.stringify(state)),
    /** How long a release's answers took; null before the first one. */
    times: (service: string, release: string): Times | null => {
      const row = selectTimes.get(service, release)
      return row === undefined ? null : (JSON.parse(String(row['times'])) as Times)
    },
    /** All of it or nothing: a crash in between neither loses nor doubles an observation. */
    count(
      cursors: Readonly<Partial<Record<CursorName, Cursor>>>,
      { totals, watches, times, signals, events }: Counted<WatchState, Times>,
    ): void {
      transaction(database, () => {
        for (const { service, release, total, bad } of totals)
          addTotals.run(service, release, total, bad)
        for (const [release, state] of watches) putWatch.run(release, JSON.stringify(state))
        for (const one of times) putTimes.run(one.service, one.release, JSON.stringify(one.times))
        for (const one of signals)
          addSignals.run(one.service, one.release, one.signal, one.rule, one.total, one.bad)
        for (const event of events) insertEvent(database, event)
        for (const [name, cursor] of Object.entries(cursors))
          putCursor.run(name, JSON.stringify(cursor))
      })
    },
  }
}
