import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { PairError, endOf, readPair } from './pair.ts'
import type { Pair } from './pair.ts'
import { makePair } from './testing.ts'
import { watchPair } from './watch-pair.ts'

let directory: string
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'beryl-tls-'))))
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function filesOf({ cert, key }: Pair) {
  const files = { cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  return files
}

test('a certificate and its key are read, and so is when they end', () => {
  const pair = makePair('a', 10)
  assert.deepEqual(readPair(filesOf(pair)), pair)
  assert.ok(Math.abs(endOf(pair) - Date.now() - 10 * 86_400_000) < 60_000)
})

test('what is wrong with a pair is said by file, and nothing of the key', () => {
  const [one, other] = [makePair('one'), makePair('other')]
  const cases: [Pair, 'cert' | 'key', RegExp][] = [
    [{ cert: one.cert, key: other.key }, 'key', /is not that of the certificate/],
    [{ cert: 'nothing', key: one.key }, 'cert', /holds no certificate/],
    [{ cert: one.cert, key: one.key.slice(0, 60) }, 'key', /holds no private key/],
    [{ cert: one.key, key: one.cert }, 'cert', /holds no certificate/],
  ]
  for (const [pair, which, said] of cases)
    assert.throws(
      () => readPair(filesOf(pair)),
      (error: unknown) =>
        error instanceof PairError &&
        error.which === which &&
        said.test(error.message) &&
        !error.message.includes(one.key.split('\n')[1]!),
    )
  assert.throws(() => readPair({ cert: join(directory, 'none'), key: '' }), /no such file/)
})

test('a new pair is taken once it is whole; what is of no use is named once, and the old one stays', async () => {
  const [first, second] = [makePair('first'), makePair('second')]
  const files = filesOf(first)
  const said: (string | Pair)[] = []
  let wake = () => {}
  const heard = (what: string | Pair) => {
    said.push(what)
    wake()
  }
  const until = async (count: number) => {
    while (said.length < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  const keep = setInterval(() => {}, 1000)
  const watching = watchPair(files, first, { changed: heard, refused: heard }, 5)
  writeFileSync(files.cert, second.cert)
  await until(1)
  assert.match(said[0] as string, /is not that of the certificate/)
  writeFileSync(`${files.key}.new`, second.key)
  renameSync(`${files.key}.new`, files.key)
  await until(2)
  assert.deepEqual(said[1], second)
  watching.close()
  clearInterval(keep)
})
