/** Tokens by number and by name, as hashes. Revoked ones are never found again. */
import { transaction } from './database.ts'
import type { Database } from './database.ts'
import { insertEvent } from './events.ts'
import type { NewEvent } from './events.ts'

export type NewToken = {
  name: string
  role: 'viewer' | 'operator' | 'admin' | 'feedback'
  /** SHA-256. */
  hash: Uint8Array
  /** Wall time, ms. */
  createdAt: number
  createdBy: string
  /** Wall time, ms; null: never. */
  expiresAt: number | null
}

/** `usedOn`: the last day, UTC, such as 2026-05-01. */
export type Token = NewToken & { id: number; usedOn: string | null }

export function tokensIn(database: Database) {
  const insert = database.prepare(
    'INSERT INTO tokens (name, role, hash, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const byId = database.prepare('SELECT * FROM tokens WHERE id = ? AND revoked_at IS NULL')
  const byName = database.prepare('SELECT * FROM tokens WHERE name = ? AND revoked_at IS NULL')
  const all = database.prepare('SELECT * FROM tokens WHERE revoked_at IS NULL ORDER BY id')
  const use = database.prepare('UPDATE tokens SET used_on = ? WHERE id = ?')
  const revoke = database.prepare('UPDATE tokens SET revoked_at = ? WHERE id = ?')
  const one = (row: Record<string, unknown> | undefined) =>
    row === undefined ? null : toToken(row)
  return {
    find: (id: number): Token | null => one(byId.get(id)),
    named: (name: string): Token | null => one(byName.get(name)),
    all: (): Token[] => all.all().map(toToken),
    /** @returns its number. A name that is taken is refused by the database. */
    add: (token: NewToken, event: NewEvent): number =>
      transaction(database, () => {
        insertEvent(database, event)
        const { name, role, hash, createdAt, createdBy, expiresAt } = token
        return Number(insert.run(name, role, hash, createdAt, createdBy, expiresAt).lastInsertRowid)
      }),
    used: (id: number, day: string): void => void use.run(day, id),
    revoke: (id: number, event: NewEvent): void =>
      transaction(database, () => {
        insertEvent(database, event)
        revoke.run(event.at, id)
      }),
  }
}

function toToken(row: Record<string, unknown>): Token {
  return {
    id: Number(row['id']),
    name: String(row['name']),
    role: String(row['role']) as Token['role'],
    hash: row['hash'] as Uint8Array,
    createdAt: Number(row['created_at']),
    createdBy: String(row['created_by']),
    expiresAt: row['expires_at'] === null ? null : Number(row['expires_at']),
    usedOn: row['used_on'] as string | null,
  }
}
