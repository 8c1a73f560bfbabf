import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { directory, goldenFile } from '../testing.ts'
import { goldenLines, GoldenSetError } from './lines.ts'
import type { GoldenLine } from './lines.ts'

async function all(file: string, signal = new AbortController().signal) {
  const lines: GoldenLine[] = []
  const reader = goldenLines(file, signal)
  for (;;) {
    const next = await reader.next()
    if (next.done === true) return { lines, digest: next.value }
    lines.push(next.value)
  }
}

async function written(context: TestContext, content: string | Buffer): Promise<string> {
  const file = join(await directory(context), 'golden.jsonl')
  await writeFile(file, content)
  return file
}

test('lines are read with their numbers, and the file has one digest', async (context) => {
  const { file, digest } = await goldenFile(context, [
    '\ufeff{"request":{"text":"été"},"expected":"fr","slice":"short"}\r',
    '',
    { request: null, expected: null },
  ])
  const read = await all(file)
  assert.deepEqual(read.lines, [
    { line: 1, request: { text: 'été' }, expected: 'fr', slice: 'short' },
    { line: 3, request: null, expected: null, slice: null },
  ])
  assert.equal(read.digest, digest)
})

test('lines that lie across the pieces of a file are whole', async (context) => {
  const lines = Array.from({ length: 3000 }, (_, index) => ({
    request: 'é'.repeat(index % 200),
    expected: index,
  }))
  const { file, digest } = await goldenFile(context, lines)
  const read = await all(file)
  assert.deepEqual(
    read.lines.map(({ request, expected }) => ({ request, expected })),
    lines,
  )
  assert.equal(read.digest, digest)
})

test('a line that cannot be used is named with its file', async (context) => {
  const fine = '{"request":1,"expected":1}\n'
  const cases: [string | Buffer, RegExp][] = [
    [`${fine}{"request": 1,`, /golden\.jsonl:2: not JSON/],
    [`${fine}\n[1]`, /golden\.jsonl:3: expected \{"request": …, "expected": …\}, came \[1\]/],
    [`{"expected":1}`, /golden\.jsonl:1: "request" is missing/],
    [`${fine}{"request":1}`, /golden\.jsonl:2: "expected" is missing/],
    [`{"request":1,"expected":1,"slice":2}`, /golden\.jsonl:1: "slice" must be a string, it is 2/],
    [Buffer.from([...Buffer.from(fine), 0x22, 0xff, 0x22]), /golden\.jsonl:2: not UTF-8/],
    [`${fine}"${'x'.repeat(5 * 1024 * 1024)}`, /golden\.jsonl:2: .* longer than 4194304 bytes/],
    ['\n \n', /is empty/],
    ['', /is empty/],
  ]
  for (const [content, message] of cases) {
    const file = await written(context, content)
    await assert.rejects(
      all(file),
      (error) => error instanceof GoldenSetError && message.test(error.message),
      String(message),
    )
  }
})

test('what is not a readable file is named', async (context) => {
  const path = await directory(context)
  await assert.rejects(all(join(path, 'none.jsonl')), /cannot read the golden set .*ENOENT/)
  await assert.rejects(all(path), /it is not a file/)
})

test('told to stop, reading ends with the reason', async (context) => {
  const { file } = await goldenFile(context, [{ request: 1, expected: 1 }])
  await assert.rejects(all(file, AbortSignal.abort(new Error('time is over'))), /time is over/)
})
