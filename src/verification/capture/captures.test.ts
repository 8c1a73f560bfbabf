/** What is recorded of which service, what is dropped and counted, and what may be imported. */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ProblemError } from '../../ipc/problem.ts'
import { directory } from '../testing.ts'
import { openCaptures } from './captures.ts'
import type { CaptureSettings } from './captures.ts'
import { tappedOf } from './testing.ts'

const settings: CaptureSettings = {
  share: 0.5,
  keepS: 3600,
  atMostBytes: 64 * 1024 * 1024,
  redact: { paths: ['$.email'], headers: [], patterns: [] },
}

async function opened(context: TestContext) {
  const home = join(await directory(context), 'captures')
  const captures = openCaptures(home)
  context.after(() => captures.close())
  captures.configure({ tiny: settings })
  return { home, captures }
}

const problem = (code: string, title: RegExp) => (error: unknown) =>
  error instanceof ProblemError && error.problem.code === code && title.test(error.problem.title)

test('a record says what was asked and answered, unpacked, with the time of each piece', async (context) => {
  const { captures } = await opened(context)
  captures.exchange(
    tappedOf({
      target: '/predict?x=1',
      headers: {
        'content-type': 'application/json',
        'accept-encoding': 'gzip',
        'content-length': '9',
      },
      body: '{"email":"a@b","n":1}',
      answerHeaders: { 'content-type': 'text/event-stream' },
      answer: 'data: {"t":"one"}\n\ndata: {"email":"a@b"}\n\n',
      pieces: [3, 19, 7, 24],
    }),
  )
  captures.exchange(
    tappedOf({ answer: gzipSync('{"a":1}'), answerHeaders: { 'content-encoding': 'gzip' } }),
  )
  captures.exchange(tappedOf({ body: Buffer.from([0, 255]) }))
  await captures.settled()
  const { records } = await captures.page('tiny', null)
  assert.equal(records.length, 2)
  const [first, packed] = records
  assert.deepEqual(first!.request, {
    method: 'POST',
    target: '/predict?x=1',
    headers: [['content-type', 'application/json']],
    body: { text: '{"email":"[redacted]","n":1}' },
  })
  assert.deepEqual(first!.answer.body, {
    text: 'data: {"t":"one"}\n\ndata: {"email":"[redacted]"}\n\n',
  })
  assert.deepEqual(first!.answer.pieces, [3, 19, 7, 30])
  assert.deepEqual(packed!.answer.body, { text: '{"a":1}' })
  assert.deepEqual(packed!.answer.headers, [])
  assert.deepEqual((await captures.state('tiny')).dropped, { 'cannot-be-redacted': 1 })
})

test('only the share that was asked for is recorded, of the services that asked; what the gateway dropped is counted', async (context) => {
  const { captures } = await opened(context)
  for (const point of [0, 0.49, 0.5, 0.99]) captures.exchange(tappedOf({ point, body: '{}' }))
  captures.exchange(tappedOf({ service: 'other', body: '{}' }))
  captures.dropped({ 'tiny too-large': 3, 'other full': 1 })
  await captures.settled()
  const { records, dropped, newest } = await captures.state('tiny')
  assert.deepEqual([records, dropped, newest.length], [2, { 'too-large': 3 }, 2])
  captures.configure({})
  captures.exchange(tappedOf({ body: '{}' }))
  await captures.settled()
  assert.equal((await captures.state('tiny')).records, 2)
  assert.equal((await captures.state('tiny')).settings, null)
})

test('when recording falls behind, exchanges are dropped and counted, and memory stays bounded', async (context) => {
  const { captures } = await opened(context)
  const one = tappedOf({ body: JSON.stringify({ text: 'x'.repeat(250_000) }) })
  for (let turn = 0; turn < 1000; turn++) captures.exchange(one)
  await captures.settled()
  const { records, dropped } = await captures.state('tiny')
  assert.ok(records > 50 && records < 200, `${records} records`)
  assert.equal(records + dropped['behind']!, 1000)
})

test('a disk that takes nothing costs records, and they are counted; when it takes again, it goes on', async (context) => {
  const { home, captures } = await opened(context)
  // Where the directory would be.
  await writeFile(home, '')
  captures.exchange(tappedOf({ body: '{}' }))
  await captures.settled()
  await rm(home)
  captures.exchange(tappedOf({ body: '{}' }))
  await captures.settled()
  const { records, dropped } = await captures.state('tiny')
  assert.deepEqual([records, dropped], [1, { disk: 1 }])
})

test('what was exported is imported, by the rules of today; a wrong record, or one of another service, is named and nothing taken', async (context) => {
  const { captures } = await opened(context)
  captures.exchange(tappedOf({ body: '{"email":"a","name":"n"}', answer: '{"b":2}' }))
  await captures.settled()
  const exported = (await captures.page('tiny', null)).records
  assert.deepEqual(await captures.purge('tiny'), { records: 1 })
  const redact = { paths: ['$.name'], headers: ['content-type'], patterns: [] }
  captures.configure({ tiny: { ...settings, redact }, other: settings })
  assert.deepEqual(await captures.take('tiny', exported), { records: 1 })
  const [again] = (await captures.page('tiny', null)).records
  assert.deepEqual(again!.request.body, { text: '{"email":"[redacted]","name":"[redacted]"}' })
  assert.deepEqual(again!.request.headers, [['content-type', '[redacted]']])
  assert.deepEqual(again!.answer.body, exported[0]!.answer.body)

  const refused: [string, unknown[], string, RegExp][] = [
    ['other', exported, 'wrong-record', /record 1: it is of tiny, not of other/],
    ['tiny', [...exported, { service: 'tiny' }], 'wrong-record', /record 2: version/],
    ['tiny', [{ ...exported[0], more: 1 }], 'wrong-record', /record 1: .*more/],
    ['tiny', ['text'], 'wrong-record', /record 1/],
    ['unknown', exported, 'no-capture', /nothing is recorded for unknown/],
    ['../etc', exported, 'no-capture', /nothing is recorded/],
  ]
  for (const [service, records, code, title] of refused)
    await assert.rejects(captures.take(service, records), problem(code, title))
  assert.equal((await captures.state('tiny')).records, 1)
  assert.equal((await captures.state('other')).records, 0)
})
