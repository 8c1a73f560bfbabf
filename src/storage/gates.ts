/** Verdicts, keyed by release and gate: no verdict ever counts for another release. */
import type { GateState } from '../release/release.ts'
import type { Database } from './database.ts'

export type StoredGate = { state: GateState; startedAt: number }

export function gatesIn(database: Database) {
  const select = database.prepare('SELECT state, started_at FROM gates WHERE release = ?')
  const upsert = database.prepare(
    'INSERT INTO gates (release, gate, state, started_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, started_at = excluded.started_at',
  )
  return {
    of: (release: string): StoredGate[] =>
      select.all(release).map((row) => ({
        state: JSON.parse(String(row['state'])) as GateState,
        startedAt: Number(row['started_at']),
      })),
    put: (release: string, { state, startedAt }: StoredGate): void => {
      upsert.run(release, state.name, JSON.stringify(state), startedAt)
    },
  }
}
