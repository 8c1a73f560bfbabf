/** For tests only: a directory that is gone when its test file is over. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

export function temporary(): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-storage-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  return (name) => join(directory, name)
}
