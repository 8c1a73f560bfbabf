/** What is to be told to whom. Taken from the record in one transaction with how far it was read: nothing is lost, or taken twice. */
import { transaction } from './database.ts'
import type { Database } from './database.ts'

export type Delivery = {
  hook: string
  /** Id in the record. */
  event: number
  told: string
  dead: boolean
  tries: number
  /** Wall times, ms. */
  since: number
  nextAt: number
  /** Why the last try failed. */
  because: string
}

/** Dead letters of one hook: the oldest go first. */
const deadMax = 1000

export function deliveriesIn(database: Database) {
  const cursor = database.prepare("SELECT value FROM cursors WHERE name = 'notifications'")
  const newest = database.prepare('SELECT coalesce(max(id), 0) AS id FROM events')
  const move = database.prepare(
    "INSERT INTO cursors (name, value) VALUES ('notifications', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  )
  const forget = database.prepare("DELETE FROM cursors WHERE name = 'notifications'")
  const insert = database.prepare(
    'INSERT INTO deliveries (hook, event, told, since, next_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  // A clock that was set back must not put off for hours what was due in minutes.
  const due = database.prepare(
    'SELECT * FROM deliveries WHERE hook = ? AND dead = 0 AND (next_at <= ? OR next_at > ?) ORDER BY event LIMIT 1',
  )
  const remove = database.prepare('DELETE FROM deliveries WHERE hook = ? AND event = ?')
  const update = database.prepare(
    'UPDATE deliveries SET tries = ?, next_at = ?, because = ?, dead = ? WHERE hook = ? AND event = ?',
  )
  const trim = database.prepare(
    'DELETE FROM deliveries WHERE hook = ? AND dead = 1 AND event NOT IN (SELECT event FROM deliveries WHERE hook = ? AND dead = 1 ORDER BY event DESC LIMIT ?)',
  )
  const revive = database.prepare(
    'UPDATE deliveries SET dead = 0, tries = 0, since = ?, next_at = ? WHERE dead = 1',
  )
  const hurry = database.prepare('UPDATE deliveries SET next_at = ? WHERE dead = 0')
  const hooks = database.prepare('SELECT DISTINCT hook FROM deliveries')
  const drop = database.prepare('DELETE FROM deliveries WHERE hook = ?')
  const counts = database.prepare(
    'SELECT count(*) AS count, coalesce(min(since), 0) AS since FROM deliveries WHERE hook = ? AND dead = ?',
  )
  const last = database.prepare(
    "SELECT because FROM deliveries WHERE hook = ? AND because != '' ORDER BY event DESC LIMIT 1",
  )
  const dead = database.prepare(
    'SELECT * FROM deliveries WHERE dead = 1 ORDER BY event DESC LIMIT ?',
  )

  return {
    /** Up to which event the record was taken; what happened before there was anybody to tell is told to nobody. */
    begin: (): number => {
      const known = cursor.get()
      if (known !== undefined) return Number(known['value'])
      const from = Number(newest.get()!['id'])
      move.run(String(from))
      return from
    },
    /** Nobody is to be told any more: whoever comes later hears of what happens then. */
    end: (): void =>
      transaction(database, () => {
        forget.run()
        for (const { hook } of hooks.all()) drop.run(String(hook))
      }),
    take: (
      upTo: number,
      found: readonly { hook: string; event: number; told: string }[],
      at: number,
    ) =>
      transaction(database, () => {
        for (const { hook, event, told } of found) insert.run(hook, event, told, at, at)
        move.run(String(upTo))
      }),
    /** The oldest that may be tried now. */
    due: (hook: string, wall: number, waitMaxMs: number): Delivery | null => {
      const row = due.get(hook, wall, wall + waitMaxMs)
      return row === undefined ? null : toDelivery(row)
    },
    delivered: (hook: string, event: number): void => void remove.run(hook, event),
    failed: ({ hook, event, tries, nextAt, because, dead: isDead }: Delivery): void =>
      transaction(database, () => {
        update.run(tries, nextAt, because, isDead ? 1 : 0, hook, event)
        if (isDead) trim.run(hook, hook, deadMax)
      }),
    /** Dead ones again, and the others now. @returns how many were dead */
    retry: (at: number): number =>
      transaction(database, () => {
        hurry.run(at)
        return Number(revive.run(at, at).changes)
      }),
    /** @returns hooks that are known here and no more in the manifest: what was to be told them is dropped */
    keepOnly: (known: readonly string[]): string[] =>
      transaction(database, () => {
        const gone = hooks.all().map(({ hook }) => String(hook))
        const dropped = gone.filter((hook) => !known.includes(hook))
        for (const hook of dropped) drop.run(hook)
        return dropped
      }),
    count: (hook: string) => {
      const [waits, deads] = [counts.get(hook, 0)!, counts.get(hook, 1)!]
      return {
        waiting: Number(waits['count']),
        since: Number(waits['count']) === 0 ? null : Number(waits['since']),
        dead: Number(deads['count']),
        because: String(last.get(hook)?.['because'] ?? ''),
      }
    },
    /** Newest first. */
    dead: (limit: number): Delivery[] => dead.all(limit).map(toDelivery),
  }
}

function toDelivery(row: Record<string, unknown>): Delivery {
  return {
    hook: String(row['hook']),
    event: Number(row['event']),
    told: String(row['told']),
    dead: row['dead'] === 1,
    tries: Number(row['tries']),
    since: Number(row['since']),
    nextAt: Number(row['next_at']),
    because: String(row['because']),
  }
}
