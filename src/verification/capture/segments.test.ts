/** The files of a capture: bounded by age and size, and a write that is cut short costs one record. */
import assert from 'node:assert/strict'
import { appendFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { directory } from '../testing.ts'
import { capturedOf, lineOf } from './captured.ts'
import type { Captured } from './captured.ts'
import { redactorOf } from './redact.ts'
import { openSegments } from './segments.ts'
import type { Place, Segments } from './segments.ts'
import { tappedOf } from './testing.ts'

const redactor = redactorOf({ paths: [], headers: [], patterns: [] })
const bounds = { keepS: 800, atMostBytes: 1024 * 1024 }

const recordOf = (body: string): Captured => capturedOf(tappedOf({ body, answer: '{}' }), redactor)!
const lineWith = (body: string) => lineOf(recordOf(body))
const bodiesOf = (records: readonly Captured[]) =>
  records.map(({ request }) => (request.body as { text: string }).text)

async function opened(context: TestContext) {
  const home = await directory(context)
  const clock = { ms: 1_800_000_000_000 }
  const segments = await openSegments(home, () => clock.ms)
  context.after(() => segments.close())
  return { home, clock, segments, again: () => openSegments(home, () => clock.ms) }
}

async function allOf(segments: Segments) {
  const records: Captured[] = []
  let damaged = 0
  for (let place: Place | null = null; ;) {
    const page = await segments.page(place)
    records.push(...page.records)
    damaged += page.damaged
    if (page.next === null) return { bodies: bodiesOf(records), damaged }
    place = page.next
  }
}

test('what was appended is read again, in order, also by a successor', async (context) => {
  const { segments, again } = await opened(context)
  await segments.append([lineWith('a'), lineWith('b')], bounds)
  await segments.append([lineWith('c')], bounds)
  assert.deepEqual(await allOf(segments), { bodies: ['a', 'b', 'c'], damaged: 0 })
  const successor = await again()
  await successor.append([lineWith('d')], bounds)
  assert.deepEqual(await allOf(successor), { bodies: ['a', 'b', 'c', 'd'], damaged: 0 })
  assert.deepEqual(bodiesOf(await successor.newest(2)), ['c', 'd'])
  assert.equal((await successor.size()).records, 4)
  await successor.close()
})

test('a crash in the middle of a write, wherever it is, loses at most the last record and never the store', async (context) => {
  const lines = ['first', 'second \u00e9', 'third'].map(lineWith)
  const text = Buffer.from(lines.join(''))
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), async (cut) => {
      const { home, segments, again } = await opened(context)
      await segments.append(lines, bounds)
      await segments.close()
      const [file] = await readdir(home)
      await truncate(join(home, file!), cut)
      const whole = text.subarray(0, cut).toString().split('\n').length - 1
      const successor = await again()
      await successor.append([lineWith('later')], bounds)
      const { bodies } = await allOf(successor)
      assert.deepEqual(bodies, [...['first', 'second \u00e9', 'third'].slice(0, whole), 'later'])
      await successor.close()
    }),
    { numRuns: 60 },
  )
})

test('a line that was changed, and garbage, are passed over and counted', async (context) => {
  const { home, segments } = await opened(context)
  await segments.append(['a', 'b', 'c'].map(lineWith), bounds)
  const [name] = await readdir(home)
  const file = join(home, name!)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"text":"b"', '"text":"B"'))
  await appendFile(file, 'garbage\n\n\u0000\n')
  assert.deepEqual(await allOf(segments), { bodies: ['a', 'c'], damaged: 4 })
})

test('there is never more on the disk than may be, and the oldest goes first', async (context) => {
  const { home, clock, segments } = await opened(context)
  const large = 'x'.repeat(20_000)
  for (let turn = 0; turn < 120; turn++) {
    clock.ms += 10
    await segments.append([lineWith(`${turn} ${large}`)], bounds)
    const sizes = await Promise.all(
      (await readdir(home)).map(async (name) => (await stat(join(home, name))).size),
    )
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= bounds.atMostBytes)
  }
  const { bodies } = await allOf(segments)
  assert.match(bodies.at(-1)!, /^119 /)
  assert.ok(bodies.length > 35, `${bodies.length} are left`)
  const first = Number(bodies[0]!.split(' ')[0])
  assert.deepEqual(
    bodies.map((body) => Number(body.split(' ')[0])),
    Array.from({ length: bodies.length }, (_, index) => first + index),
  )
  await segments.prune({ ...bounds, atMostBytes: 300_000 })
  assert.ok((await segments.size()).bytes <= 300_000)
})

test('nothing is older than it may be, also where nobody records any more', async (context) => {
  const { home, clock, segments, again } = await opened(context)
  for (let turn = 0; turn < 20; turn++) {
    clock.ms += 100_000
    await segments.append([lineWith(String(turn))], bounds)
    await segments.prune(bounds)
    const { bodies } = await allOf(segments)
    assert.ok(turn - Number(bodies[0]) <= 8, `${bodies[0]} is still there after ${turn}`)
  }
  await segments.close()
  const successor = await again()
  clock.ms += 800_000
  assert.deepEqual((await allOf(successor)).bodies, [])
  await successor.prune(null)
  assert.deepEqual(await readdir(home), [])
})

test('bounds that were narrowed hold for what is there', async (context) => {
  const { clock, segments } = await opened(context)
  await segments.append([lineWith('a')], bounds)
  clock.ms += 200_000
  await segments.append([lineWith('b')], bounds)
  await segments.prune({ ...bounds, keepS: 100 })
  assert.deepEqual((await allOf(segments)).bodies, ['b'])
  await segments.purge()
  assert.deepEqual(await segments.size(), { records: 0, bytes: 0, oldest: null })
})
