/** docs/promises.md says which test holds each hard case: a row whose test is gone, or has another name, is not true any more. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const [, cases] = readFileSync(join(root, 'docs/promises.md'), 'utf8').split('## Hard cases')
const lines = cases!.split('\n').filter((line) => /^\| (?!case |---)/.test(line))
const rows = lines.flatMap((line) => {
  const [, file, name] =
    /^\| .+ \| (?:(?:e2e|unit)[^`]* )?`([\w/.-]+\.test\.ts)`: (.+?) +\|$/.exec(line) ?? []
  return file === undefined ? [] : [{ file, name: name!.trim() }]
})

test('the table of hard cases is read, every row of it', () => {
  assert.ok(rows.length >= 45, String(rows.length))
  assert.equal(rows.length, lines.length)
})

for (const { file, name } of rows)
  test(`${file} has: ${name}`, () => {
    assert.ok(existsSync(join(root, file)), file)
    const text = readFileSync(join(root, file), 'utf8')
    assert.ok(text.includes(name), `no test of this name in ${file}`)
  })
