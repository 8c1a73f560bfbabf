/** What people said of answers: one value for each request and kind, the last one. */
import type { Database } from './database.ts'

export type Feedback = {
  service: string
  release: string
  version: string
  /** Which request: the gateway's run and its assignment number. */
  run: string
  seq: number
  /** Of the routing by which it was assigned. */
  generation: number
  /** Whose request it was, where clients stuck to a version; else 0. */
  client: number
  kind: FeedbackKind
  /** JSON. */
  value: unknown
  /** When the request was assigned, and when this was said; wall, ms. */
  answeredAt: number
  at: number
  actor: string
}

export type FeedbackKind = 'score' | 'thumbs' | 'handoff' | 'label'

export type FeedbackTotals = { kind: FeedbackKind; count: number; mean: number | null }

/** Of what can have a mean, yes and thumbs up counting as 1, by the time of the answer. */
export type FeedbackSlot = {
  kind: Exclude<FeedbackKind, 'label'>
  at: number
  count: number
  mean: number | null
}

const mean =
  "avg(CASE json_type(value) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 WHEN 'text' THEN NULL ELSE json_extract(value, '$') END)"

export function feedbackIn(database: Database) {
  const find = database.prepare(
    'SELECT value FROM feedback WHERE service = ? AND run = ? AND seq = ? AND kind = ?',
  )
  const put = database.prepare(
    'INSERT INTO feedback (service, release, version, run, seq, kind, value, answered_at, at, actor, generation, client) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at, actor = excluded.actor',
  )
  const totals = database.prepare(
    `SELECT kind, count(*) AS count, ${mean} AS mean FROM feedback WHERE release = ? GROUP BY kind ORDER BY kind`,
  )
  const overTime = database.prepare(
    `SELECT kind, answered_at - answered_at % ? AS slot, count(*) AS count, ${mean} AS mean FROM feedback WHERE release = ? AND answered_at >= ? AND kind <> 'label' GROUP BY kind, slot ORDER BY slot`,
  )
  const between = database.prepare(
    'SELECT * FROM feedback WHERE service = ? AND answered_at > ? AND answered_at <= ? ORDER BY answered_at, run, seq, kind',
  )
  const ofRelease = database.prepare('SELECT * FROM feedback WHERE release = ?')
  return {
    /** On requests that were assigned after one time and up to another (wall, ms), in the order of their requests. */
    between: (service: string, after: number, until: number): Feedback[] =>
      between.all(service, after, until).map(feedbackOf),
    of: (release: string): Feedback[] => ofRelease.all(release).map(feedbackOf),
    /** @returns whether it took the place of an earlier one */
    put(one: Feedback): { replaced: boolean } {
      const { service, run, seq, kind } = one
      const replaced = find.get(service, run, seq, kind) !== undefined
      put.run(
        service,
        one.release,
        one.version,
        run,
        seq,
        kind,
        JSON.stringify(one.value),
        one.answeredAt,
        one.at,
        one.actor,
        one.generation,
        one.client,
      )
      return { replaced }
    },
    /** Yes and thumbs up count as 1; labels have no mean. */
    totals: (release: string): FeedbackTotals[] =>
      totals.all(release).map((row) => ({
        kind: String(row['kind']) as FeedbackKind,
        count: Number(row['count']),
        mean: row['mean'] === null ? null : Number(row['mean']),
      })),
    /** @param from wall time, ms @param everyMs length of a slot */
    overTime: (release: string, from: number, everyMs: number): FeedbackSlot[] =>
      overTime.all(everyMs, release, from).map((row) => ({
        kind: String(row['kind']) as FeedbackSlot['kind'],
        at: Number(row['slot']),
        count: Number(row['count']),
        mean: row['mean'] === null ? null : Number(row['mean']),
      })),
  }
}

function feedbackOf(row: Record<string, unknown>): Feedback {
  return {
    service: String(row['service']),
    release: String(row['release']),
    version: String(row['version']),
    run: String(row['run']),
    seq: Number(row['seq']),
    generation: Number(row['generation']),
    client: Number(row['client']),
    kind: String(row['kind']) as FeedbackKind,
    value: JSON.parse(String(row['value'])) as unknown,
    answeredAt: Number(row['answered_at']),
    at: Number(row['at']),
    actor: String(row['actor']),
  }
}
