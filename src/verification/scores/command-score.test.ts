/** A user's program scores: a line in, a line out; what it does wrong is an error, soon, and nothing of it is left. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { directory, ended } from '../testing.ts'
import { scorerOf } from './scores.ts'
import type { Scorer } from './scores.ts'
import { lineOf } from './testing.ts'

const eachLine = (body: string) => `
const lines = require('node:readline').createInterface({ input: process.stdin })
lines.on('line', (text) => { const line = JSON.parse(text); ${body} })
`

async function scoring(context: TestContext, code: string, timeoutS = 10) {
  const at = await directory(context)
  await writeFile(join(at, 'score.js'), code)
  const scorer = await scorerOf({
    kind: 'command',
    run: [process.execPath, 'score.js'],
    env: { BONUS: '0.25' },
    directory: at,
    timeoutS,
  })
  context.after(() => scorer.close())
  return scorer
}

const rejects = (scored: ReturnType<Scorer['score']>, expected: RegExp) =>
  assert.rejects(async () => scored, expected)

test('it is started once, told everything, and scores line by line', async (context) => {
  const scorer = await scoring(
    context,
    eachLine(`
      const right = line.answer === line.expected && line.request.text === 'x'
      console.log(JSON.stringify({ score: (right ? 0.5 : 0) + Number(process.env.BONUS), pid: process.pid }))`),
  )
  const scores = await Promise.all(
    Array.from({ length: 50 }, async (_, nth) =>
      scorer.score(nth % 2, lineOf(0, nth + 1, { text: 'x' })),
    ),
  )
  assert.deepEqual(
    scores,
    Array.from({ length: 50 }, (_, nth) => (nth % 2 === 0 ? 0.75 : 0.25)),
  )
})

test('a number or a boolean is a score too', async (context) => {
  const scorer = await scoring(context, eachLine('console.log(line.answer)'))
  assert.equal(await scorer.score(0.5, lineOf(null)), 0.5)
  assert.equal(await scorer.score(true, lineOf(null)), 1)
})

test('what is no score, an end, silence and a program that is not there are errors that say so', async (context) => {
  const prose = await scoring(context, eachLine("console.log('quite good')"))
  await rejects(
    prose.score(1, lineOf(null, 7)),
    /score command .* failed on line 7: it must answer .*and says: quite good/,
  )
  const ends = await scoring(context, "console.error('no weights'); process.exit(3)")
  await rejects(ends.score(1, lineOf(null)), /it ended with code 3 \(no weights\)/)
  await rejects(ends.score(1, lineOf(null)), /it ended with code 3/)
  const silent = await scoring(context, eachLine(''), 0.2)
  await rejects(silent.score(1, lineOf(null)), /no line of it in 0\.2 s: does it flush/)
  const missing = await scorerOf({
    kind: 'command',
    run: ['./nowhere'],
    env: {},
    directory: '.',
    timeoutS: 5,
  })
  await rejects(missing.score(1, lineOf(null)), /it cannot be run: .*ENOENT/)
  await missing.close()
})

test('when the gate is over nothing of it is left, not even its children', async (context) => {
  const scorer = await scoring(
    context,
    `const child = require('node:child_process').spawn('sleep', ['60'])
     ${eachLine('console.error(`pids ${process.pid} ${child.pid}`); console.log("pids")')}`,
  )
  const said = await (async () => scorer.score(1, lineOf(null)))().catch(
    ({ message }: Error) => message,
  )
  const pids = /pids (\d+) (\d+)/.exec(JSON.stringify(said))
  assert.ok(pids, JSON.stringify(said))
  await scorer.close()
  for (const pid of pids.slice(1)) await ended(pid)
})
