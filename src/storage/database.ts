/** The only file that opens SQLite. WAL, synchronous=FULL: what was saved is saved. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class StorageError extends Error {
  override name = 'StorageError'
}

export type Database = DatabaseSync

/** @throws StorageError when the directory cannot be written, the file is no database, or a newer Beryl wrote it. */
export function openDatabase(file: string): Database {
  prepareDirectory(dirname(file))
  const database = open(file)
  const migrations = readMigrations()
  const version = schemaVersion(database, file)
  if (version > migrations.length) {
    database.close()
    throw new StorageError(
      `${file} has schema ${version}, and this Beryl knows schemas up to ${migrations.length}: a newer Beryl wrote it. Nothing was changed. Start that newer Beryl, or use another data directory (--data).`,
    )
  }
  for (const [index, sql] of migrations.entries()) {
    if (index >= version)
      transaction(database, () => database.exec(`${sql}; PRAGMA user_version = ${index + 1}`))
  }
  return database
}

/** Runs everything in it, or nothing; within another it is a part of that. */
export function transaction<Result>(database: Database, act: () => Result): Result {
  if (database.isTransaction) return act()
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = act()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Makes a data directory that only its owner may read. */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const probe = `${directory}/.writable`
    writeFileSync(probe, '')
    rmSync(probe, { force: true })
  } catch (cause) {
    throw new StorageError(
      `cannot write to the data directory ${directory}: ${(cause as Error).message}. Give a directory that you may write to with --data.`,
      { cause },
    )
  }
}

/** As it is: without migrations. */
export function open(file: string): Database {
  try {
    const database = new DatabaseSync(file, { timeout: 2000 })
    // Recursive triggers: what REPLACE removes is guarded as what DELETE removes.
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON',
    )
    chmodSync(file, 0o600)
    return database
  } catch (cause) {
    throw new StorageError(
      `cannot open ${file}: ${(cause as Error).message}. If it was damaged, move it away and restore a backup.`,
      { cause },
    )
  }
}

function schemaVersion(database: Database, file: string): number {
  try {
    return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
  } catch (cause) {
    throw new StorageError(`${file} is not a database of Beryl: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function readMigrations(): string[] {
  const directory = new URL('migrations/', import.meta.url)
  return readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => readFileSync(new URL(name, directory), 'utf8'))
}
