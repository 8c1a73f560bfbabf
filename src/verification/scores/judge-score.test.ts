/** A judge is another model: its grades count, its failures decide nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { nobody, userServer } from '../hooks/testing.ts'
import { scorerOf } from './scores.ts'
import { lineOf } from './testing.ts'

const rules = {
  kind: 'judge',
  model: 'judge-1',
  rubric: 'Polite.',
  headers: { authorization: 'Bearer t' },
  timeoutS: 5,
} as const

const says = (content: unknown) =>
  JSON.stringify({ choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop' }] })

async function judged(context: TestContext, answers: (count: number) => string, more = {}) {
  const server = await userServer(context, (response, _, count) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(answers(count)),
  )
  const scorer = await scorerOf({ ...rules, url: `${server.url}/v1/`, ...more })
  context.after(() => scorer.close())
  return { server, scorer }
}

test('it is asked in one fixed form, with the rubric, and its grade is the score', async (context) => {
  const { server, scorer } = await judged(context, () => says('{"because": "kind", "score": 0.75}'))
  const line = lineOf('Hello', 3, { text: 'Hi' })
  assert.equal(await scorer.score('Good day', line), 0.75)
  const [asked] = server.asked
  assert.equal(asked!.url.pathname, '/v1/chat/completions')
  assert.equal(asked!.headers.authorization, 'Bearer t')
  const body = JSON.parse(asked!.body) as Record<string, any>
  assert.equal(body['model'], 'judge-1')
  assert.equal(body['temperature'], 0)
  assert.match(body['messages'][0].content, /Grade by this rubric, and nothing else:\nPolite\./)
  assert.deepEqual(JSON.parse(body['messages'][1].content), {
    request: { text: 'Hi' },
    expected: 'Hello',
    answer: 'Good day',
  })
  assert.equal(body['response_format'].json_schema.strict, true)
})

test('equal answers get one grade: a judge that wavers makes no difference between equal versions', async (context) => {
  const { server, scorer } = await judged(context, (count) => says(`{"score": ${count / 10}}`))
  const line = lineOf(null, 1, 'Hi')
  const grades = await Promise.all([scorer.score('a', line), scorer.score('a', line)])
  assert.equal(grades[0], grades[1])
  assert.equal(server.asked.length, 1)
  await scorer.score('b', line)
  assert.equal(server.asked.length, 2)
})

test('what it costs is counted: of its answers that say so, and those that do not are named', async (context) => {
  const usage = { prompt_tokens: 40, completion_tokens: 9 }
  const { scorer } = await judged(context, (count) =>
    JSON.stringify({
      choices: [{ message: { content: '{"score": 1}' } }],
      ...(count === 1 ? { usage } : {}),
    }),
  )
  await scorer.score('a', lineOf(null, 1, 'Hi'))
  await scorer.score('b', lineOf(null, 1, 'Hi'))
  assert.deepEqual(scorer.tokens!.told(), {
    asked: 40,
    written: 9,
    estimated: 0,
    askedNotKnown: 1,
    writtenNotKnown: 1,
  })
})

test('a fence around all that it says is taken off', async (context) => {
  const { scorer } = await judged(context, () => says('```json\n{"because":"x","score":1}\n```'))
  assert.equal(await scorer.score('a', lineOf(null)), 1)
})

for (const [name, answer, expected] of [
  [
    'prose',
    says('I would give this a 7 out of 10.'),
    /must answer \{"because".*and says: I would give/,
  ],
  ['prose around a grade', says('Sure: {"score": 1}'), /and says: Sure/],
  ['a grade out of range', says('{"score": 7}'), /score": 0 to 1\}, and says: \{"score": 7\}/],
  ['a grade as a word', says('{"score": "high"}'), /and says/],
  ['no score', says('{"because": "fine"}'), /and says/],
  ['no text', says(null), /answers no chat completion/],
  ['no choices', '{"choices": []}', /answers no chat completion/],
  ['no JSON', '<html>', /answers no chat completion \(<html>\)/],
] as const)
  test(`a judge that answers ${name} decides nothing, and is quoted`, async (context) => {
    const { scorer } = await judged(context, () => answer)
    await assert.rejects(
      async () => scorer.score('a', lineOf(null, 12)),
      (error: Error) => {
        assert.match(error.message, /^the judge http:\/\/127\.0\.0\.1:\d+ failed on line 12: /)
        assert.match(error.message, expected)
        return true
      },
    )
  })

test('an error, a time-out and nobody decide nothing', async (context) => {
  const server = await userServer(context, (response, asked) =>
    asked.url.pathname.startsWith('/hangs') ? null : response.writeHead(429).end('slow down'),
  )
  for (const [url, timeoutS, expected] of [
    [server.url, 5, /failed on line 1: status 429 \(slow down\)/],
    [`${server.url}/hangs`, 0.1, /failed on line 1: no answer in 0\.1 s/],
    [await nobody(), 5, /failed on line 1: no answer from .* in 4 tries: .*ECONNREFUSED/],
  ] as const) {
    const scorer = await scorerOf({ ...rules, url, timeoutS })
    await assert.rejects(async () => scorer.score('a', lineOf(null)), expected)
    await scorer.close()
  }
})

test('when the gate is over, the judge is not waited for', async (context) => {
  const server = await userServer(context, () => null)
  const scorer = await scorerOf({ ...rules, url: server.url, timeoutS: 60 })
  const waiting = assert.rejects(async () => scorer.score('a', lineOf(null)), /the gate is over/)
  await scorer.close()
  await waiting
})
