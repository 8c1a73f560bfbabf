/**
 * How far the record goes back. A release is forgotten as a whole, with its events, verdicts and bill; what is in use is not, and
 * neither is what is needed to know a version again (digests, aliases). The only place that takes anything out of the record.
 */
import { transaction } from './database.ts'
import type { Database } from './database.ts'

export type RecordSize = {
  events: number
  releases: number
  /** Pages in use. What was removed leaves room in the file, which is filled again. */
  bytes: number
  /** Wall time of the oldest event, ms; null: there is none. */
  oldest: number | null
}

export type Removed = { releases: string[]; events: number }

const tablesOfRelease = [
  'events',
  'gates',
  'watches',
  'traffic',
  'latencies',
  'feedback',
  'curves',
] as const

export function retentionIn(database: Database) {
  const counts = database.prepare(
    'SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM releases) AS releases, (SELECT at FROM events ORDER BY id LIMIT 1) AS oldest',
  )
  // Only what has ended, and nothing that has a replica left. The newest of each service stays: it is what became of it, and the
  // next one is numbered after it.
  const ended = database.prepare(
    `SELECT number, service FROM releases
     WHERE row ->> '$.phase.name' IN ('finished', 'rejected', 'rolled-back', 'aborted', 'verified')
       AND row ->> '$.phase.since.wall' < ?
       AND number NOT IN (SELECT value FROM json_each(?))
       AND number NOT IN (SELECT max(number) FROM releases GROUP BY service)
       AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.service = releases.service AND ended = 0 AND record ->> '$.spec.release' = 'r' || number)
     ORDER BY number LIMIT ?`,
  )
  const removeRelease = database.prepare('DELETE FROM releases WHERE number = ?')
  const removeReplicas = database.prepare(
    "DELETE FROM replicas WHERE service = ? AND ended = 1 AND record ->> '$.spec.release' = ?",
  )
  const removeOf = tablesOfRelease.map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE release = ?`),
  )
  // Of no release: freezes, tokens, aliases, a service that was set up.
  const removeOthers = database.prepare(
    'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE release IS NULL AND at < ? ORDER BY id LIMIT ?)',
  )
  const open = database.prepare("INSERT INTO cursors (name, value) VALUES ('retention', '')")
  const close = database.prepare("DELETE FROM cursors WHERE name = 'retention'")

  return {
    size(): RecordSize {
      const row = counts.get()!
      return {
        events: Number(row['events']),
        releases: Number(row['releases']),
        bytes: bytesIn(database),
        oldest: row['oldest'] as number | null,
      }
    },
    bytes: (): number => bytesIn(database),
    /**
     * Removes at most `atMost` releases that ended before `before` (wall time, ms), oldest first, and as many hundred events of no
     * release: all of it or nothing.
     * @param inUse ids of releases that stay
     */
    remove(before: number, inUse: readonly string[], atMost: number): Removed {
      return transaction(database, () => {
        open.run()
        const numbers = JSON.stringify(inUse.map((id) => Number(id.slice(1))))
        const found = ended.all(before, numbers, atMost)
        let events = 0
        for (const { number, service } of found) {
          const id = `r${Number(number)}`
          for (const [index, remove] of removeOf.entries()) {
            const { changes } = remove.run(id)
            if (tablesOfRelease[index] === 'events') events += Number(changes)
          }
          removeReplicas.run(String(service), id)
          removeRelease.run(Number(number))
        }
        events += Number(removeOthers.run(before, atMost * 100).changes)
        close.run()
        return { releases: found.map(({ number }) => `r${Number(number)}`), events }
      })
    },
  }
}

function bytesIn(database: Database): number {
  const pragma = (name: string) =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0])
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}
