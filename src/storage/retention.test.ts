/** The record on a real database: nothing rewrites it, retention takes the oldest whole, and a backup is all of it. */
import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openDatabase } from './database.ts'
import { openStore } from './store.ts'
import { temporary } from './testing/directory.ts'

const at = temporary()
const day = 86_400_000
let count = 0

type Row = { id: string; service: string; phase: { name: string; since: { wall: number } } }

/** Releases of `chat` by the day on which they ended; `r1` on day 1 and so on. */
function filled(days: number) {
  const file = at(`${count++}.db`)
  const store = openStore<unknown, never, unknown, unknown, unknown>(file)
  const database = openDatabase(file)
  const insert = database.prepare(
    'INSERT INTO releases (number, service, row, plan) VALUES (?, ?, ?, ?)',
  )
  const replica = database.prepare(
    'INSERT INTO replicas (id, service, ended, record) VALUES (?, ?, 1, ?)',
  )
  for (let number = 1; number <= days; number++) {
    const id = `r${number}`
    const phase = { name: 'finished', since: { wall: number * day } }
    insert.run(number, 'chat', JSON.stringify({ id, service: 'chat', phase } satisfies Row), '{}')
    replica.run(`${id}-1`, 'chat', JSON.stringify({ spec: { release: id }, endedAt: 1 }))
    store.gates.put(id, { state: { name: 'warmUp', state: 'waiting' } as never, startedAt: 0 })
    for (const text of ['began', 'ended'])
      store.events.add(event({ at: number * day, release: id, text }))
    store.events.add(event({ at: number * day, release: null, text: `a token on day ${number}` }))
  }
  return { store, database, file }
}

function event({ at: when, release, text }: { at: number; release: string | null; text: string }) {
  return { at: when, service: 'chat', release, kind: 'phase', by: 'beryl', text, data: {} }
}

test('nothing rewrites the record, and nothing but retention takes anything out of it', () => {
  const { database } = filled(1)
  for (const sql of [
    "UPDATE events SET text = 'never happened'",
    'DELETE FROM events',
    'DELETE FROM events WHERE id = 1',
    'INSERT OR REPLACE INTO events (id, at, service, kind, actor, text, data) VALUES (1, 0, "", "", "", "", "")',
  ])
    assert.throws(() => database.exec(sql.replaceAll('"', "'")), /append-only/, sql)
  database.exec(
    "INSERT INTO aliases (service, name, to_version, at, actor) VALUES ('chat', 'champion', 'v1', 0, 'ada')",
  )
  assert.throws(() => database.exec("UPDATE aliases SET to_version = 'v2'"), /append-only/)
  assert.throws(() => database.exec('DELETE FROM aliases'), /append-only/)
  assert.equal(database.prepare('SELECT count(*) AS n FROM events').get()!['n'], 3)
})

test('no code but retention and migrations names a way to change the record', () => {
  const source = fileURLToPath(new URL('../', import.meta.url))
  const writers = globSync('**/*.ts', { cwd: source })
    .filter((file) => !file.endsWith('.test.ts'))
    .filter((file) =>
      /(UPDATE|DELETE FROM|REPLACE INTO|DROP TABLE|DROP TRIGGER)\s+(IF EXISTS\s+)?(events|aliases|\$\{)/i.test(
        readFileSync(`${source}${file}`, 'utf8'),
      ),
    )
  assert.deepEqual(writers, ['storage/retention.ts'])
})

test('a release is forgotten as a whole, the oldest first, and what is in use stays', () => {
  const { store, database } = filled(6)
  const removed = store.retention.remove(4.5 * day, ['r2'], 10)
  assert.deepEqual(removed, { releases: ['r1', 'r3', 'r4'], events: 3 * 2 + 4 })
  const left = (table: string) =>
    database.prepare(`SELECT DISTINCT release FROM ${table} ORDER BY release`).all()
  assert.deepEqual(
    left('gates').map(({ release }) => release),
    ['r2', 'r5', 'r6'],
  )
  assert.deepEqual(
    store.events.after(0, null, 100).map(({ release, text }) => release ?? text),
    ['r2', 'r2', 'r5', 'r5', 'a token on day 5', 'r6', 'r6', 'a token on day 6'],
  )
  assert.deepEqual(
    database
      .prepare('SELECT id FROM replicas ORDER BY id')
      .all()
      .map(({ id }) => id),
    ['r2-1', 'r5-1', 'r6-1'],
  )
  assert.deepEqual(store.retention.remove(4.5 * day, ['r2'], 10), { releases: [], events: 0 })
})

test('the newest release of a service stays, however old: the next one is numbered after it', () => {
  const { store } = filled(3)
  store.retention.remove(1000 * day, [], 10)
  assert.equal(store.services.nextReleaseId(), 'r4')
  assert.equal(store.retention.size().releases, 1)
})

test('what has not ended, and what has a replica left, stays', () => {
  const { store, database } = filled(4)
  const running = { id: 'r1', service: 'chat', phase: { name: 'watching', since: { wall: day } } }
  database.prepare('UPDATE releases SET row = ? WHERE number = 1').run(JSON.stringify(running))
  database.exec("UPDATE replicas SET ended = 0 WHERE id = 'r2-1'")
  assert.deepEqual(store.retention.remove(1000 * day, [], 10).releases, ['r3'])
})

test('retention that fails half-way has removed nothing, and the record is closed again', () => {
  const { store, database } = filled(3)
  database.exec(
    "CREATE TRIGGER broken BEFORE DELETE ON releases BEGIN SELECT raise(ABORT, 'a disk error'); END",
  )
  assert.throws(() => store.retention.remove(10 * day, [], 10), /a disk error/)
  assert.equal(store.events.ofRelease('r1').length, 2)
  assert.throws(() => database.exec('DELETE FROM events'), /append-only/)
})

test('a backup is all of it, as of one moment, and nobody else can read it', async () => {
  const { store, database } = filled(3)
  const file = at('backup.db')
  const made = store.backUp(file)
  store.events.add(event({ at: 9 * day, release: 'r3', text: 'while it is made' }))
  await made
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const copy = openDatabase(file)
  assert.equal(copy.prepare('PRAGMA integrity_check').get()!['integrity_check'], 'ok')
  const schema = (one: typeof copy) =>
    one.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all()
  assert.deepEqual(schema(copy), schema(database))
  assert.ok(Number(copy.prepare('SELECT count(*) AS n FROM events').get()!['n']) >= 9)
  copy.close()
  await assert.rejects(store.backUp(file), /EEXIST/)
  assert.ok(statSync(file).size > 0, 'a backup that is there is never written over')
})
