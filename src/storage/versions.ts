/** Registered versions: a name has one digest for ever, also when the version was removed. */
import { transaction } from './database.ts'
import type { Database } from './database.ts'
import { insertEvent } from './events.ts'
import type { NewEvent } from './events.ts'

export type RegisteredVersion = {
  service: string
  version: string
  digest: string
  registeredAt: number
  description: unknown
  /** As it was added beside those of the manifest; null: the manifest is where it stands. */
  added: unknown
  /** Wall time, ms; null: it is there. */
  removedAt: number | null
}

export function versionsIn(database: Database) {
  const select = database.prepare('SELECT * FROM versions WHERE service = ? AND version = ?')
  const list = database.prepare(
    'SELECT * FROM versions WHERE service = ? AND removed_at IS NULL ORDER BY registered_at, version',
  )
  const put = database.prepare(
    `INSERT INTO versions (service, version, digest, registered_at, description, added) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (service, version) DO UPDATE SET registered_at = excluded.registered_at,
       description = excluded.description, added = excluded.added, removed_at = NULL
     WHERE digest = excluded.digest`,
  )
  const remove = database.prepare(
    'UPDATE versions SET removed_at = ?, added = NULL WHERE service = ? AND version = ?',
  )
  return {
    /** One that was removed, too. */
    find: (service: string, version: string): RegisteredVersion | null => {
      const row = select.get(service, version)
      return row === undefined ? null : toVersion(row)
    },
    list: (service: string): RegisteredVersion[] => list.all(service).map(toVersion),
    /** New, or the same again. @param event null: the release that it is registered for says so @throws when its name has another digest */
    put(
      { service, version, digest, registeredAt, ...rest }: Omit<RegisteredVersion, 'removedAt'>,
      event: NewEvent | null,
    ): void {
      const [description, added] = [rest.description, rest.added].map((one) => JSON.stringify(one))
      transaction(database, () => {
        const { changes } = put.run(
          service,
          version,
          digest,
          registeredAt,
          description!,
          rest.added === null ? null : added!,
        )
        if (changes !== 1) throw new Error(`${version} of ${service} has another digest`)
        if (event !== null) insertEvent(database, event)
      })
    },
    remove(service: string, versions: readonly string[], at: number, event: NewEvent): void {
      transaction(database, () => {
        for (const version of versions) remove.run(at, service, version)
        insertEvent(database, event)
      })
    },
  }
}

function toVersion(row: Record<string, unknown>): RegisteredVersion {
  return {
    service: String(row['service']),
    version: String(row['version']),
    digest: String(row['digest']),
    registeredAt: Number(row['registered_at']),
    description: JSON.parse(String(row['description'])) as unknown,
    added: JSON.parse((row['added'] as string | null) ?? 'null') as unknown,
    removedAt: row['removed_at'] as number | null,
  }
}
