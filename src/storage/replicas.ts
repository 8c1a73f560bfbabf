/** The provider's journal: what was started where, written before it is started. */
import type { Database } from './database.ts'

/** What this table must know of a record; the rest belongs to its provider. */
export type Kept = { spec: { id: string; service: string }; endedAt: number | null }

export function replicasIn<Record extends Kept>(database: Database) {
  const running = database.prepare('SELECT record FROM replicas WHERE ended = 0')
  const ofService = database.prepare('SELECT record FROM replicas WHERE service = ?')
  const ofRelease = database.prepare(
    "SELECT record FROM replicas WHERE service = ? AND record ->> '$.spec.release' = ?",
  )
  const endedAfter = database.prepare(
    "SELECT id FROM replicas WHERE ended = 1 AND record ->> '$.endedAt' >= ?",
  )
  const upsert = database.prepare(
    'INSERT INTO replicas (id, service, ended, record) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET ended = excluded.ended, record = excluded.record',
  )
  const parse = (row: { [column: string]: unknown }) => JSON.parse(String(row['record'])) as Record
  return {
    /** Those that have not ended. */
    all: (): Record[] => running.all().map(parse),
    put: (record: Record): void =>
      void upsert.run(
        record.spec.id,
        record.spec.service,
        record.endedAt === null ? 0 : 1,
        JSON.stringify(record),
      ),
    /** Ids. @param at wall time, ms */
    endedAfter: (at: number): string[] => endedAfter.all(at).map((row) => String(row['id'])),
    ofRelease: (service: string, release: string): Record[] =>
      ofRelease.all(service, release).map(parse),
    /** Ended ones too: what the bill is made of. */
    ofService: (service: string): Record[] => ofService.all(service).map(parse),
  }
}
