import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assembled, isEventStream } from './assembled.ts'

const events = (...all: unknown[]) =>
  all.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('')

test('every choice of a chat is put together, in order, with what it thinks and calls', () => {
  const body = events(
    { id: 'a', object: 'chat.completion.chunk', choices: [{ index: 1, delta: { content: 'B' } }] },
    { choices: [{ index: 0, delta: { role: 'assistant', reasoning_content: 'hm' } }] },
    { choices: [{ index: 0, delta: { reasoning_content: 'm', content: 'A' } }] },
    {
      choices: [
        {
          index: 0,
          delta: {
            content: 'a',
            tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"x"' } }],
          },
        },
      ],
    },
    {
      choices: [
        {
          index: 0,
          delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
          finish_reason: 'tool_calls',
        },
      ],
    },
    { choices: [], usage: { total_tokens: 9 } },
    '[DONE]',
  )
  assert.deepEqual(assembled(body), {
    ended: true,
    whole: {
      id: 'a',
      object: 'chat.completion.chunk',
      usage: { total_tokens: 9 },
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            reasoning_content: 'hmm',
            content: 'Aa',
            tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"x":1}' } }],
          },
          finish_reason: 'tool_calls',
        },
        { index: 1, message: { content: 'B' } },
      ],
    },
  })
})

test('the text of completions is continued; a stream without its end says so; garbage is null', () => {
  const cut = events({ choices: [{ index: 0, text: 'a' }] }, { choices: [{ index: 0, text: 'b' }] })
  assert.deepEqual(assembled(cut), {
    ended: false,
    whole: { choices: [{ index: 0, text: 'ab' }] },
  })
  assert.equal(assembled(events('nonsense')), null)
  assert.equal(assembled(events({ choices: [null] })), null)
})

test('names of a tool call cannot reach the prototype of anything', () => {
  const body = 'data: {"choices":[{"index":0,"delta":{"__proto__":{"polluted":true}}}]}\n\n'
  assembled(body)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('a stream is known by its type, or by how it begins', () => {
  assert.ok(isEventStream('', 'text/event-stream; charset=utf-8'))
  assert.ok(isEventStream(': ping\n\ndata: {}\n\n', ''))
  assert.ok(!isEventStream('{"data": 1}', 'application/json'))
})
