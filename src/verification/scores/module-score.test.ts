import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { directory } from '../testing.ts'
import { openModuleScore } from './module-score.ts'
import { lineOf } from './testing.ts'

async function written(context: TestContext, source: string): Promise<string> {
  const file = join(await directory(context), 'score it.mjs')
  await writeFile(file, source)
  return file
}

async function opened(context: TestContext, source: string) {
  // A busy machine takes its time to run out of memory.
  const scorer = await openModuleScore(await written(context, source), { callMs: 60_000 })
  context.after(() => scorer.close())
  return scorer
}

test('a module scores with a number or a boolean, soon or later, and is told the line', async (context) => {
  const scorer = await opened(
    context,
    `import { basename } from 'node:path'
     export default async (answer, expected, line) => {
       await new Promise(setImmediate)
       return line === 7 ? basename(answer) === expected : answer / expected
     }`,
  )
  const cases = [
    ['a/b', 'b', 7],
    ['c', 'b', 7],
    [1, 4, 8],
  ] as const
  const scores = cases.map(async ([answer, expected, line]) =>
    scorer.score(answer, lineOf(expected, line)),
  )
  assert.deepEqual(await Promise.all(scores), [1, 0, 0.25])
})

test('calls come one after another, and each has its own time', async (context) => {
  const scorer = await opened(
    context,
    `let inside = 0
     export default async () => {
       if (++inside > 1) throw new Error('two at a time')
       await new Promise((resolve) => setTimeout(resolve, 5))
       inside--
       return 1
     }`,
  )
  const calls = Array.from({ length: 20 }, async (_, line) => scorer.score(1, lineOf(1, line)))
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([1]))
})

test('what is no score is an error that says what came', async (context) => {
  const scorer = await opened(context, 'export default (answer) => eval(answer)')
  const cases: [string, RegExp][] = [
    ['NaN', /it answered NaN/],
    ['1.01', /it answered 1\.01/],
    ['-0.1', /between 0 and 1 or a boolean, it answered -0\.1/],
    ['"1"', /it answered 1/],
    ['undefined', /it answered undefined/],
    ['null', /it answered null/],
    ['Symbol("s")', /Symbol\(s\)/],
    ['({ then: 1 })', /\[object Object\]/],
    ['nowhere', /nowhere is not defined/],
    ['(() => { throw "text" })()', /text/],
    ['(() => { throw undefined })()', /undefined/],
  ]
  for (const [answer, message] of cases)
    await assert.rejects(async () => scorer.score(answer, lineOf(1)), message, answer)
  assert.equal(await scorer.score('true', lineOf(1, 2)), 1)
})

test('what ends the thread is an error for this call and the next ones', async (context) => {
  const cases: [string, RegExp][] = [
    ['process.exit(0)', /ended its thread with code 0/],
    [
      'setTimeout(() => { throw new Error("late") }); return new Promise(() => {})',
      /crashed: late/,
    ],
    ['const all = []; for (;;) all.push(new Array(1e6).fill(all))', /crashed: .*memory/],
  ]
  for (const [body, message] of cases) {
    const scorer = await opened(context, `export default () => { ${body} }`)
    const calls = [1, 2].map(async (line) => scorer.score(1, lineOf(1, line)))
    for (const call of await Promise.allSettled(calls)) {
      assert.equal(call.status, 'rejected')
      assert.match(String(call.status === 'rejected' && call.reason), message)
    }
  }
})

test('a call that never ends is ended at its limit, and so are those behind it', async (context) => {
  const file = await written(context, 'export default () => { for (;;); }')
  const scorer = await openModuleScore(file, { callMs: 200 })
  context.after(() => scorer.close())
  const calls = [3, 4].map(async (line) => scorer.score(1, lineOf(1, line)))
  for (const call of await Promise.allSettled(calls))
    assert.match(
      String(call.status === 'rejected' && call.reason),
      /score it\.mjs failed: scoring line 3 took longer than 0\.2 s/,
    )
})

test('a module that posts to its parent scores nothing by that', async (context) => {
  const scorer = await opened(
    context,
    `import { parentPort } from 'node:worker_threads'
     export default () => { parentPort.postMessage({ value: 1 }); parentPort.postMessage(null); return 0 }`,
  )
  assert.equal(await scorer.score(1, lineOf(1)), 0)
})

test('a module does not see the variables of Beryl', async (context) => {
  const scorer = await opened(context, 'export default () => Object.keys(process.env).length === 0')
  assert.equal(await scorer.score(1, lineOf(1)), 1)
})

test('a module that cannot be loaded is an error before anything is scored', async (context) => {
  const cases: [string, RegExp][] = [
    ['export const score = 1', /no default export that is a function/],
    ['export default 1', /no default export that is a function/],
    ['export default (', /failed: /],
    ['import "./nowhere.mjs"', /nowhere\.mjs/],
    ['throw new Error("not today")', /not today/],
  ]
  for (const [source, message] of cases)
    await assert.rejects(openModuleScore(await written(context, source)), message, source)
})
