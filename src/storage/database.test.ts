/** What may be wrong with a data directory, on real files. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { isDiskTrouble } from '../ipc/disk-trouble.ts'
import { openDatabase, StorageError, transaction } from './database.ts'
import type { Database } from './database.ts'
import { temporary } from './testing/directory.ts'

const at = temporary()
const migrations = new URL('migrations/', import.meta.url)
const names = readdirSync(migrations).toSorted()
const sqlOf = (name: string) => readFileSync(new URL(name, migrations), 'utf8')
const schemaOf = (database: Database) =>
  database.prepare('PRAGMA user_version').get()!['user_version']

test('a new database has the last schema, and only its owner may read it', () => {
  const database = openDatabase(at('new/beryl.db'))
  assert.ok(Number(schemaOf(database)) >= 2)
  assert.equal(statSync(at('new')).mode & 0o777, 0o700)
  for (const end of ['', '-wal', '-shm'])
    assert.equal(statSync(at(`new/beryl.db${end}`)).mode & 0o777, 0o600, end)
  assert.ok(!existsSync(at('new/.writable')))
  database.close()
})

test('an older schema is brought up to date, and what was in it is still there', () => {
  const file = at('old.db')
  const first = readFileSync(new URL('migrations/0001-foundation.sql', import.meta.url), 'utf8')
  const old = new DatabaseSync(file)
  old.exec(`${first}; PRAGMA user_version = 1; INSERT INTO services VALUES ('tiny', '{}', 7)`)
  old.close()
  const database = openDatabase(file)
  const newest = schemaOf(database)
  assert.ok(Number(newest) >= 2)
  assert.equal(database.prepare('SELECT revision FROM services').get()!['revision'], 7)
  database.close()
  const again = openDatabase(file)
  assert.equal(schemaOf(again), newest)
  again.close()
})

test('the schema’s number is that of its last migration: none is missing, none is there twice', () => {
  const numbers = names.map((name) => Number(name.slice(0, 4)))
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
  const database = openDatabase(at('counted.db'))
  assert.equal(schemaOf(database), numbers.at(-1))
  database.close()
})

test('from every schema there was, one comes to the same one', () => {
  const made = (file: string) => {
    const database = openDatabase(file)
    const all = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    database.close()
    return all
  }
  const whole = made(at('whole.db'))
  for (let version = 1; version < names.length; version++) {
    const old = new DatabaseSync(at(`from-${version}.db`))
    for (const name of names.slice(0, version)) old.exec(sqlOf(name))
    old.exec(`PRAGMA user_version = ${version}`)
    old.close()
    assert.deepEqual(made(at(`from-${version}.db`)), whole, `from ${version}`)
  }
})

test('a newer schema is refused with what to do, and the file is left as it was', () => {
  const file = at('newer.db')
  const database = openDatabase(file)
  database.exec('PRAGMA user_version = 999')
  database.close()
  const before = readFileSync(file)
  assert.throws(
    () => openDatabase(file),
    (error: Error) =>
      error instanceof StorageError &&
      /has schema 999, .*up to \d+: a newer Beryl wrote it.*Nothing was changed.*--data/.test(
        error.message,
      ),
  )
  assert.deepEqual(readFileSync(file), before)
})

test('a directory that cannot be written is said so, by name', () => {
  writeFileSync(at('file'), '')
  assert.throws(
    () => openDatabase(at('file/inside/beryl.db')),
    (error: Error) =>
      error instanceof StorageError &&
      error.message.includes(`cannot write to the data directory ${at('file/inside')}`) &&
      error.cause instanceof Error,
  )
})

test('a file that is no database is refused, and not written over', () => {
  const text = 'these are my notes, and they are longer than a header of SQLite would be: '.repeat(
    20,
  )
  writeFileSync(at('notes.db'), text)
  assert.throws(() => openDatabase(at('notes.db')), StorageError)
  assert.equal(readFileSync(at('notes.db'), 'utf8'), text)
})

test('a transaction is all or nothing, also when it throws half way', () => {
  const database = openDatabase(at('all.db'))
  const insert = () => database.exec("INSERT INTO services VALUES ('tiny', '{}', 1)")
  assert.throws(() =>
    transaction(database, () => {
      insert()
      throw new Error('half way')
    }),
  )
  assert.equal(database.prepare('SELECT count(*) AS n FROM services').get()!['n'], 0)
  assert.equal(
    transaction(database, () => 'done'),
    'done',
  )
  database.close()
})

test('a full disk is told from other failures', () => {
  const database = openDatabase(at('full.db'))
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as {
    page_count: number
  }
  database.exec(`PRAGMA max_page_count = ${pages}`)
  const fill = database.prepare("INSERT INTO cursors VALUES ('big', ?)")
  const caught = (act: () => void) => {
    try {
      act()
    } catch (error) {
      return error
    }
    return assert.fail('it did not throw')
  }
  assert.equal(isDiskTrouble(caught(() => fill.run('x'.repeat(100_000)))), true)
  fill.run('small')
  assert.equal(isDiskTrouble(caught(() => fill.run('again'))), false)
  assert.equal(isDiskTrouble(new Error('something else')), false)
  assert.equal(isDiskTrouble(null), false)
  database.close()
})
