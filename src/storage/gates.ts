/** Verdicts, keyed by release and gate: no verdict ever counts for another release. */
import type { GateState } from '../release/release.ts'
import type { Database } from './database.ts'

/** `onSpot`: of one that runs, what it asks on spot capacity. */
export type StoredGate = { state: GateState; startedAt: number; onSpot?: readonly string[] }

export function gatesIn(database: Database) {
  const select = database.prepare('SELECT state, started_at FROM gates WHERE release = ?')
  const upsert = database.prepare(
    'INSERT INTO gates (release, gate, state, started_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, started_at = excluded.started_at',
  )
  return {
    of: (release: string): StoredGate[] =>
      select.all(release).map((row) => {
        const { onSpot, ...state } = JSON.parse(String(row['state'])) as GateState &
          Pick<StoredGate, 'onSpot'>
        const startedAt = Number(row['started_at'])
        return { state, startedAt, ...(onSpot === undefined ? {} : { onSpot }) }
      }),
    put: (release: string, { state, startedAt, onSpot }: StoredGate): void => {
      const kept = onSpot === undefined ? state : { ...state, onSpot }
      upsert.run(release, state.name, JSON.stringify(kept), startedAt)
    },
  }
}
