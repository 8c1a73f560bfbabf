/** Registered versions: a name has one digest for ever. */
import type { Database } from './database.ts'

export type RegisteredVersion = {
  service: string
  version: string
  digest: string
  registeredAt: number
  description: unknown
}

export function versionsIn(database: Database) {
  const select = database.prepare('SELECT * FROM versions WHERE service = ? AND version = ?')
  const list = database.prepare(
    'SELECT * FROM versions WHERE service = ? ORDER BY registered_at, version',
  )
  const insert = database.prepare(
    'INSERT INTO versions (service, version, digest, registered_at, description) VALUES (?, ?, ?, ?, ?)',
  )
  return {
    find: (service: string, version: string): RegisteredVersion | null => {
      const row = select.get(service, version)
      return row === undefined ? null : toVersion(row)
    },
    list: (service: string): RegisteredVersion[] => list.all(service).map(toVersion),
    add: ({ service, version, digest, registeredAt, description }: RegisteredVersion): void => {
      insert.run(service, version, digest, registeredAt, JSON.stringify(description))
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
  }
}
