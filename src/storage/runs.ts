/** When a controller was there, and what it found up when it came: the ledger counts nothing that nobody saw. */
import type { Database } from './database.ts'

export type Run = {
  /** Wall times, ms. `lastAt`: the last time it was surely there. */
  startedAt: number
  lastAt: number
  foundUp: readonly string[]
}

export function runsIn(database: Database) {
  const insert = database.prepare(
    'INSERT INTO runs (started_at, last_at, found_up) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last_at = max(last_at, excluded.last_at)',
  )
  const update = database.prepare('UPDATE runs SET last_at = max(last_at, ?) WHERE started_at = ?')
  const list = database.prepare('SELECT * FROM runs ORDER BY started_at')
  return {
    begin: (at: number, foundUp: readonly string[]): void =>
      void insert.run(at, at, JSON.stringify(foundUp)),
    there: (startedAt: number, at: number): void => void update.run(at, startedAt),
    all: (): Run[] =>
      list.all().map((row) => ({
        startedAt: Number(row['started_at']),
        lastAt: Number(row['last_at']),
        foundUp: JSON.parse(String(row['found_up'])) as string[],
      })),
  }
}
