import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedFor } from '../protocol.ts'
import { openai } from './openai.ts'

const read = (target: string, request: unknown, answer: unknown) => {
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer)
  return openai.read(
    { status: 200, body, pieces: [{ text: body, ms: 1 }] },
    askedFor(target, request),
  )
}
const embedding = (vector: unknown, index = 0) => ({
  object: 'embedding',
  index,
  embedding: vector,
})

test('embeddings are vectors: of one input one, of several a list', () => {
  const one = read('/v1/embeddings', { input: 'a' }, { data: [embedding([0.1, 0.2])] })
  assert.deepEqual('value' in one && [one.value, one.wrong], [[0.1, 0.2], null])
  const two = read('/v1/embeddings', {}, { data: [embedding([1, 2]), embedding([3, 4], 1)] })
  assert.deepEqual('value' in two && two.value, [
    [1, 2],
    [3, 4],
  ])
  const packed = read('/v1/embeddings', {}, { data: [embedding('AACAPw==')] })
  assert.deepEqual('value' in packed && [packed.value, packed.wrong], ['AACAPw==', null])
})

test('what is no embedding is said', () => {
  for (const [answer, expected] of [
    [{ choices: [] }, /no list of embeddings in "data"/],
    ['<html>', /no list of embeddings/],
    [{ data: [] }, /it has no embedding/],
    [{ data: [embedding([])] }, /one is no list of numbers/],
    [{ data: [embedding([1, null])] }, /one has what is no number in it/],
    [{ data: [embedding([1, 2]), embedding([1])] }, /of 2 and 1 numbers/],
  ] as const) {
    const found = read('/v1/embeddings', {}, answer)
    assert.match('failure' in found ? found.failure : (found.wrong ?? 'nothing'), expected)
  }
})

test('a text is read wherever one is asked for, and what asks for none is read as it is', () => {
  const whole = { choices: [{ message: { content: 'Aye' }, finish_reason: 'stop' }] }
  const found = read('/api/chat', { messages: [] }, whole)
  assert.equal('value' in found && found.value, 'Aye')
  const models = read('/v1/models', null, { data: [{ id: 'writer' }] })
  assert.equal('wrong' in models && models.wrong, null)
})
