/** Names that people give to versions, with all they ever meant. Append-only, each change with the event that tells of it. */
import { transaction } from './database.ts'
import type { Database } from './database.ts'
import { insertEvent } from './events.ts'
import type { NewEvent } from './events.ts'

export type AliasChange = {
  id: number
  name: string
  /** Null: it meant nothing before, or means nothing from here on. */
  from: string | null
  to: string | null
  /** Wall time, ms. */
  at: number
  by: string
  reason: string | null
}

export function aliasesIn(database: Database) {
  const insert = database.prepare(
    'INSERT INTO aliases (service, name, from_version, to_version, at, actor, reason) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const newest = database.prepare(
    'SELECT to_version FROM aliases WHERE service = ? AND name = ? ORDER BY id DESC LIMIT 1',
  )
  const history = database.prepare(
    'SELECT * FROM aliases WHERE service = ? AND id < ? ORDER BY id DESC LIMIT ?',
  )
  const all = database.prepare(
    `SELECT name, to_version FROM aliases WHERE service = ? AND to_version IS NOT NULL
       AND id IN (SELECT max(id) FROM aliases WHERE service = ? GROUP BY name) ORDER BY name`,
  )
  const now = (service: string, name: string) =>
    (newest.get(service, name)?.['to_version'] ?? null) as string | null
  return {
    /** The version it means now; null: none. */
    find: now,
    /** Name → the version it means now. */
    all: (service: string): Record<string, string> =>
      Object.fromEntries(
        all.all(service, service).map((row) => [String(row['name']), String(row['to_version'])]),
      ),
    /** Newest first, older than the change `before`. */
    history: (service: string, before: number, limit: number): AliasChange[] =>
      history.all(service, before, limit).map((row) => ({
        id: Number(row['id']),
        name: String(row['name']),
        from: row['from_version'] as string | null,
        to: row['to_version'] as string | null,
        at: Number(row['at']),
        by: String(row['actor']),
        reason: row['reason'] as string | null,
      })),
    /** What it meant before is read in the same transaction. */
    set(
      service: string,
      { name, to, at, by, reason }: Omit<AliasChange, 'id' | 'from'>,
      event: (from: string | null) => NewEvent,
    ): void {
      transaction(database, () => {
        const from = now(service, name)
        insert.run(service, name, from, to, at, by, reason)
        insertEvent(database, event(from))
      })
    },
  }
}
