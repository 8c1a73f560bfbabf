/** Answers to writes that came with a key of their client: kept for a day, so that nothing is done twice. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { transaction } from './database.ts'
import type { Database } from './database.ts'

export type Asked = {
  holder: string
  key: string
  /** SHA-256 of what was asked. */ hash: Uint8Array
}

/** `open`: not answered yet; `event`, `release`: what it has brought about, if it has. `body` null: it is not kept. */
export type Begun =
  | { state: 'new'; id: number }
  | { state: 'answered'; isSame: boolean; status: number; body: string | null }
  | { state: 'open'; id: number; isSame: boolean; event: number | null; release: string | null }

const keptMs = 86_400_000
/** Over all clients: beyond, the oldest is forgotten. */
const keptMax = 20_000
const dropAtOnce = 100

/** The request that is being answered: the first entry of the record that it writes is noted in the same transaction. */
const beingAnswered = new AsyncLocalStorage<number>()

export function answersIn(database: Database) {
  const find = database.prepare(
    'SELECT answers.id, asked, status, body, event, release FROM answers LEFT JOIN events ON events.id = event WHERE holder = ? AND key = ?',
  )
  const insert = database.prepare(
    'INSERT INTO answers (holder, key, asked, at) VALUES (?, ?, ?, ?)',
  )
  const drop = database.prepare(
    'DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE at < ? OR id <= (SELECT max(id) FROM answers) - ? ORDER BY id LIMIT ?)',
  )
  const done = database.prepare('UPDATE answers SET status = ?, body = ? WHERE id = ?')
  const forget = database.prepare('DELETE FROM answers WHERE id = ? AND event IS NULL')
  return {
    /** @param at wall time, ms */
    begin: ({ holder, key, hash }: Asked, at: number): Begun =>
      transaction(database, () => {
        drop.run(at - keptMs, keptMax, dropAtOnce)
        const row = find.get(holder, key)
        if (row === undefined)
          return { state: 'new', id: Number(insert.run(holder, key, hash, at).lastInsertRowid) }
        const isSame = Buffer.from(row['asked'] as Uint8Array).equals(hash)
        if (row['status'] !== null)
          return {
            state: 'answered',
            isSame,
            status: Number(row['status']),
            body: row['body'] as string | null,
          }
        return {
          state: 'open',
          id: Number(row['id']),
          isSame,
          event: row['event'] as number | null,
          release: row['release'] as string | null,
        }
      }),
    /** What it writes into the record is known to be of this request. */
    during: <Result>(id: number, act: () => Result): Result => beingAnswered.run(id, act),
    done: (id: number, status: number, body: string | null): void =>
      void done.run(status, body, id),
    /** It was refused, and has brought nothing about: it may be asked again. */
    forget: (id: number): void => void forget.run(id),
  }
}

/** Called with each entry of the record, within its transaction. */
export function noteEvent(database: Database, event: number): void {
  const id = beingAnswered.getStore()
  if (id === undefined) return
  database.prepare('UPDATE answers SET event = ? WHERE id = ? AND event IS NULL').run(event, id)
}
