/** When a controller was there, and of which replicas it knew what they had done meanwhile: the ledger counts nothing that nobody saw. */
import type { Database } from './database.ts'

export type Run = {
  /** Wall times, ms. `lastAt`: the last time it was surely there. */
  startedAt: number
  lastAt: number
  known: readonly string[]
}

export function runsIn(database: Database) {
  const insert = database.prepare(
    'INSERT INTO runs (started_at, last_at, known) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last_at = max(last_at, excluded.last_at)',
  )
  const update = database.prepare('UPDATE runs SET last_at = max(last_at, ?) WHERE started_at = ?')
  const list = database.prepare('SELECT * FROM runs ORDER BY started_at')
  return {
    begin: (at: number, known: readonly string[]): void =>
      void insert.run(at, at, JSON.stringify(known)),
    there: (startedAt: number, at: number): void => void update.run(at, startedAt),
    all: (): Run[] =>
      list.all().map((row) => ({
        startedAt: Number(row['started_at']),
        lastAt: Number(row['last_at']),
        known: JSON.parse(String(row['known'])) as string[],
      })),
  }
}
