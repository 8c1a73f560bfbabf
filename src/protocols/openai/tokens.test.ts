import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokensOf } from './tokens.ts'

const stream = (...all: unknown[]) =>
  [...all.map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n'].join('')
const says = (delta: object) => ({ choices: [{ index: 0, delta }] })
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }
const told = { asked: 9, written: 4, isEstimate: false }

test('what the server says counts, of whole answers and of streams', () => {
  assert.deepEqual(tokensOf(JSON.stringify({ choices: [], usage }), 'application/json'), told)
  const body = stream(says({ content: 'a' }), { choices: [], usage })
  assert.deepEqual(tokensOf(body, 'text/event-stream'), told)
})

test('a stream that does not say is counted by what brings something, as an estimate', () => {
  const body = stream(
    says({ role: 'assistant', content: '' }),
    says({ reasoning_content: 'hm' }),
    says({ content: 'a' }),
    says({ tool_calls: [{ index: 0 }] }),
    { choices: [{ index: 0, text: 'b' }], usage: null },
    says({}),
    { choices: [null] },
  )
  assert.deepEqual(tokensOf(body, 'text/event-stream'), {
    asked: null,
    written: 4,
    isEstimate: true,
  })
})

test('embeddings write none; where nothing says how many, nothing is made up', () => {
  const embedded = JSON.stringify({ data: [], usage: { prompt_tokens: 3, total_tokens: 3 } })
  assert.deepEqual(tokensOf(embedded, ''), { asked: 3, written: 0, isEstimate: false })
  for (const body of ['<html>', '{}', '{"usage":{"completion_tokens":-1}}', stream(says({}))])
    assert.equal(tokensOf(body, ''), null, body)
})
