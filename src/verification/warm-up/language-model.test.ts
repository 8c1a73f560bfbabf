import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { calm, goldenFile, model, target, warmUpSpec, unrecorded } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import type { Heat } from './heat.ts'
import { warmUp } from './warm-up.ts'

const event = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const whole = `${event({ content: 'Aye' }, null)}${event({}, 'stop')}data: [DONE]\n\n`

async function warmed(context: TestContext, behaviour: Behaviour, stream: boolean) {
  const request = { messages: [{ role: 'user', content: 'Ready?' }], stream }
  const { file } = await goldenFile(context, [{ request, expected: null }])
  const server = await model(context, () => behaviour)
  return warmUp(warmUpSpec({ protocol: 'openai', file }), target('v2', server), unrecorded, calm())
}

test('streams warm a replica up, and the time of the first token is told', async (context) => {
  const { verdict, because, evidence } = await warmed(context, { raw: whole }, true)
  assert.equal(verdict, 'pass', because)
  assert.match(because, /now \d+\.\d ms \(median\), the first token after \d+\.\d ms$/)
  const [heat] = evidence['replicas'] as Heat[]
  assert.ok(heat!.firstTokenMs! > 0)
})

test('a whole answer has no first token', async (context) => {
  const answer = { choices: [{ message: { content: 'Aye' }, finish_reason: 'stop' }] }
  const { verdict, because } = await warmed(context, { raw: JSON.stringify(answer) }, false)
  assert.equal(verdict, 'pass', because)
  assert.doesNotMatch(because, /first token/)
})

test('streams that are cut, and answers that are none, are errors though their status is 200', async (context) => {
  for (const [raw, stream, expected] of [
    [event({ content: 'Aye' }, null), true, /without \[DONE\]/],
    [`${event({ content: '' }, 'stop')}data: [DONE]\n\n`, true, /the answer is empty/],
    ['{"choices": []}', false, /no choices/],
  ] as const) {
    const { verdict, because } = await warmed(context, { raw }, stream)
    assert.equal(verdict, 'fail')
    assert.match(because, expected)
  }
})
