/** What is frozen: saved together with the event that says who did it. */
import { transaction } from './database.ts'
import type { Database } from './database.ts'
import { insertEvent } from './events.ts'
import type { NewEvent } from './events.ts'

/** The scope, and the service of events, that is every service. */
export const everything = '*'

/** `scope`: a service, or `*`. Wall times in ms; `until` null: until somebody lifts it. */
export type Freeze = {
  scope: string
  by: string
  reason: string
  at: number
  until: number | null
}

export function freezesIn(database: Database) {
  const select = database.prepare(
    'SELECT * FROM freezes WHERE until IS NULL OR until > ? ORDER BY scope',
  )
  const upsert = database.prepare(
    'INSERT INTO freezes (scope, actor, reason, at, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET actor = excluded.actor, reason = excluded.reason, at = excluded.at, until = excluded.until',
  )
  const remove = database.prepare('DELETE FROM freezes WHERE scope = ?')
  return {
    /** Those that hold at this wall time; `*` first. */
    at: (wall: number): Freeze[] =>
      select.all(wall).map((row) => ({
        scope: String(row['scope']),
        by: String(row['actor']),
        reason: String(row['reason']),
        at: Number(row['at']),
        until: row['until'] === null ? null : Number(row['until']),
      })),
    /** Takes the place of an earlier one of this scope. */
    put: ({ scope, by, reason, at, until }: Freeze, event: NewEvent): void =>
      transaction(database, () => {
        upsert.run(scope, by, reason, at, until)
        insertEvent(database, event)
      }),
    remove: (scope: string, event: NewEvent): void =>
      transaction(database, () => {
        remove.run(scope)
        insertEvent(database, event)
      }),
  }
}
