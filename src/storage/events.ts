/** The record: who, when, what, on which evidence. Append-only. */
import { noteEvent } from './answers.ts'
import { transaction } from './database.ts'
import type { Database } from './database.ts'

export type NewEvent = {
  /** Wall time, ms. */
  at: number
  /** Empty: about Beryl itself. */
  service: string
  release: string | null
  /** `phase`, `gate`, `replica`, `routing`, `command`, `token`, `waiting` (for a person), `alarm`. */
  kind: string
  /** A person's token name, `guard`, `schedule` or `beryl`. */
  by: string
  /** One sentence. */
  text: string
  data: Record<string, unknown>
}

export type Event = NewEvent & { id: number }

/** What a view says of an event. */
export type StoryEvent = Pick<Event, 'at' | 'kind' | 'by' | 'data'>

/** A phase that began, or a routing change, without its evidence. */
export type MovingEvent = {
  at: number
  release: string
  phase: string | null
  change: string | null
  /** When the gateway stored it; wall time, ms. */
  movedAt: number | null
  /** On which the standby stands from then on; of a release on its ladder. */
  rung: string | null
}

/** How often something happened. */
export type EventCount = {
  service: string
  kind: string
  phase: string | null
  change: string | null
  verdict: string | null
  count: number
}

export function insertEvent(database: Database, event: NewEvent): void {
  transaction(database, () => {
    const { lastInsertRowid } = database
      .prepare(
        'INSERT INTO events (at, service, release, kind, actor, text, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        event.at,
        event.service,
        event.release,
        event.kind,
        event.by,
        event.text,
        JSON.stringify(event.data),
      )
    noteEvent(database, Number(lastInsertRowid))
  })
}

export function eventsIn(database: Database) {
  const after = database.prepare(
    'SELECT * FROM events WHERE id > ? AND (? IS NULL OR service = ?) ORDER BY id LIMIT ?',
  )
  const one = database.prepare('SELECT * FROM events WHERE id = ?')
  const ofRelease = database.prepare(
    'SELECT * FROM events WHERE release = ? AND id > ? ORDER BY id LIMIT ?',
  )
  const story = database.prepare(
    `SELECT at, kind, actor, data ->> '$.phase' AS phase, data ->> '$.because' AS because, data ->> '$.change' AS change,
       data ->> '$.at' AS moved_at, data ->> '$.tookMs' AS took_ms, data ->> '$.generation' AS generation
     FROM events WHERE release = ? AND kind IN ('phase', 'routing') ORDER BY id`,
  )
  const moving = database.prepare(
    `SELECT at, release, data ->> '$.phase' AS phase, data ->> '$.change' AS change, data ->> '$.at' AS moved_at, data ->> '$.rung' AS rung
     FROM events WHERE service = ? AND kind IN ('phase', 'routing', 'alarm') AND release IS NOT NULL ORDER BY id`,
  )
  const lastId = database.prepare('SELECT coalesce(max(id), 0) AS last FROM events')
  const counts = database.prepare(
    `SELECT service, kind, data ->> '$.phase' AS phase, data ->> '$.change' AS change, data ->> '$.verdict' AS verdict, count(*) AS count
     FROM events WHERE id > ? AND id <= ? AND kind IN ('phase', 'routing', 'gate', 'alarm') GROUP BY 1, 2, 3, 4, 5`,
  )
  const last = () => Number(lastId.get()!['last'])
  return {
    last,
    /** What happened after this event, until `last`. */
    counts(after: number): { last: number; all: EventCount[] } {
      const until = last()
      return {
        last: until,
        all: counts.all(after, until).map((row) => ({
          service: String(row['service']),
          kind: String(row['kind']),
          phase: row['phase'] as string | null,
          change: row['change'] as string | null,
          verdict: row['verdict'] as string | null,
          count: Number(row['count']),
        })),
      }
    },
    add: (event: NewEvent) => insertEvent(database, event),
    after: (id: number, service: string | null, limit: number): Event[] =>
      after.all(id, service, service, limit).map(toEvent),
    find: (id: number): Event | null => {
      const row = one.get(id)
      return row === undefined ? null : toEvent(row)
    },
    /** Oldest first. */
    ofRelease: (release: string): Event[] => ofRelease.all(release, 0, -1).map(toEvent),
    pageOfRelease: (release: string, after: number, limit: number): Event[] =>
      ofRelease.all(release, after, limit).map(toEvent),
    /** Phases and moves of a release without their evidence, which is large: what views are made of. */
    story: (release: string): StoryEvent[] =>
      story.all(release).map((row) => ({
        at: Number(row['at']),
        kind: String(row['kind']),
        by: String(row['actor']),
        data: {
          phase: row['phase'],
          because: row['because'],
          change: row['change'],
          at: row['moved_at'],
          tookMs: row['took_ms'],
          generation: row['generation'],
        },
      })),
    /** Of all releases of a service, oldest first. */
    moving: (service: string): MovingEvent[] =>
      moving.all(service).map((row) => ({
        at: Number(row['at']),
        release: String(row['release']),
        phase: row['phase'] as string | null,
        change: row['change'] as string | null,
        movedAt: row['moved_at'] as number | null,
        rung: row['rung'] as string | null,
      })),
  }
}

function toEvent(row: Record<string, unknown>): Event {
  return {
    id: Number(row['id']),
    at: Number(row['at']),
    service: String(row['service']),
    release: row['release'] as string | null,
    kind: String(row['kind']),
    by: String(row['actor']),
    text: String(row['text']),
    data: JSON.parse(String(row['data'])) as Record<string, unknown>,
  }
}
