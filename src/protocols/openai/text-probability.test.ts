import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notServed } from './models.ts'
import { probabilityRequest, textProbability } from './text-probability.ts'

const answer = (token_logprobs: unknown, text_offset: unknown) => ({
  choices: [{ text: '', logprobs: { token_logprobs, text_offset } }],
})
const text = { given: 'Call me', expected: ' Ishmael' }

test('asked for is the whole text, echoed, with log-probabilities; the rest of the body stays', () => {
  assert.deepEqual(
    probabilityRequest({ model: 'm', prompt: 'Call me', max_tokens: 90, stream: true }, ' Ishmael'),
    {
      model: 'm',
      prompt: 'Call me Ishmael',
      echo: true,
      logprobs: 1,
      max_tokens: 1,
      temperature: 0,
      stream: false,
    },
  )
})

test('counted are the tokens that begin in the expected text: not the given ones, not the one that was written', () => {
  assert.deepEqual(textProbability(answer([null, -9, -1, -2.5, -0.1], [0, 4, 7, 10, 15]), text), {
    logProbability: -3.5,
    tokens: 2,
  })
})

test('with nothing given, the very first token has no probability and is left out', () => {
  assert.deepEqual(
    textProbability(answer([null, -1, -2], [0, 2, 4]), { given: '', expected: 'Ahab!' }),
    { logProbability: -3, tokens: 2 },
  )
})

test('offsets count characters, not halves of them', () => {
  assert.deepEqual(
    textProbability(answer([null, -4, -1], [0, 1, 2]), { given: '🐋🐋', expected: '!' }),
    { logProbability: -1, tokens: 1 },
  )
})

test('what a server leaves out is missing, never assumed', () => {
  for (const told of [
    {},
    { choices: [{ text: 'x', logprobs: null }] },
    answer([null, -1], [0]),
    answer([null, null], [0, 7]),
    answer([null, Number.NaN], [0, 7]),
    answer([null, 0.5], [0, 7]),
    answer([null, -1], [0, 3]),
    answer([], []),
  ])
    assert.ok('missing' in textProbability(told, text), JSON.stringify(told))
})

test('a server is the one that was expected only where its list says so', () => {
  const list = (...data: object[]) => JSON.stringify({ object: 'list', data })
  assert.equal(notServed(list({ id: 'chat' }, { id: 'chat-v2' }), 'chat-v2'), null)
  assert.equal(notServed(list({ id: 'chat', root: '/models/v2' }), '/models/v2'), null)
  assert.match(notServed(list({ id: 'chat-v1' }), 'chat-v2')!, /lists chat-v1, expected chat-v2/)
  assert.match(notServed(list(), 'chat-v2')!, /lists no model/)
  for (const body of ['', '[]', '{"data": 1}', '{"error": {}}'])
    assert.match(notServed(body, 'chat-v2')!, /no list of models/)
})
