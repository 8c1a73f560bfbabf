/** The way in is short: a verb is loaded once it is typed, and none of what only some verbs need before. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const statically = /^import (?!type )[^'"]*from '([^']+)'/gm

/** Of a file, and of all that it imports before its first line runs. */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>()
  if (seen.has(file)) return packages
  seen.add(file)
  for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(statically)) {
    if (from.startsWith('.'))
      for (const one of packagesOf(resolve(dirname(file), from), seen)) packages.add(one)
    else if (!from.startsWith('node:')) packages.add(from)
  }
  return packages
}

test('help, completion and mistakes wait for no schema, no parser and no log', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  assert.deepEqual([...packagesOf(main)], ['commander'])
})
