import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnswer, wrongWith } from './answer.ts'
import type { Answer } from './answer.ts'
import { eventsIn } from './event-stream.ts'

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const chunk = (delta: object, finish: string | null = null) =>
  event({ id: 'a', choices: [{ index: 0, delta, finish_reason: finish }] })
const at = (...texts: string[]) => texts.map((text, index) => ({ text, ms: index * 10 }))

function answered(read: ReturnType<typeof readAnswer>): Answer {
  assert.ok('answer' in read, JSON.stringify(read))
  return read.answer
}

test('a whole chat and a whole completion give their text and how they ended', () => {
  const chat = { choices: [{ message: { content: 'Call me' }, finish_reason: 'stop' }] }
  const plain = { choices: [{ text: 'Ishmael', finish_reason: 'length' }] }
  for (const [body, text, finish] of [
    [chat, 'Call me', 'stop'],
    [plain, 'Ishmael', 'length'],
  ] as const) {
    const answer = answered(readAnswer(at(JSON.stringify(body)), false))
    assert.deepEqual([answer.text, answer.finish, answer.whole], [text, finish, body])
    assert.equal(wrongWith(answer), null)
  }
})

test('a stream gives what the same answer gives whole', () => {
  const stream = at(
    chunk({ role: 'assistant', content: '' }),
    ': still here\n\n',
    chunk({ content: 'Call ' }) + chunk({ content: 'me' }),
    chunk({}, 'stop'),
    event({ choices: [], usage: { completion_tokens: 2 } }),
    'data: [DONE]\n\n',
  )
  const { whole, text, finish, firstTokenMs, lastTokenMs, tokens } = answered(
    readAnswer(stream, true),
  )
  assert.deepEqual([text, finish], ['Call me', 'stop'])
  assert.deepEqual(whole['usage'], { completion_tokens: 2 })
  assert.deepEqual(whole['choices'], [
    { index: 0, message: { role: 'assistant', content: 'Call me' }, finish_reason: 'stop' },
  ])
  assert.equal(firstTokenMs, 20, 'neither the role nor the comment is a token')
  assert.equal(lastTokenMs, 20, 'nor is its end')
  assert.equal(tokens, 2)
})

test('tokens are those that the server counts, else the pieces that hold something, thoughts too', () => {
  const pieces = at(
    chunk({ role: 'assistant' }),
    chunk({ reasoning_content: 'A whale?' }),
    chunk({ content: 'Call ' }),
    chunk({ content: 'me' }, 'stop'),
    'data: [DONE]\n\n',
  )
  const { tokens, firstTokenMs, lastTokenMs } = answered(readAnswer(pieces, true))
  assert.deepEqual([tokens, firstTokenMs, lastTokenMs], [3, 10, 30])
  const counting = pieces.toSpliced(4, 0, {
    text: event({ choices: [], usage: { completion_tokens: 9 } }),
    ms: 35,
  })
  assert.equal(answered(readAnswer(counting, true)).tokens, 9)
  const whole = (usage: unknown) =>
    answered(
      readAnswer(
        at(JSON.stringify({ choices: [{ text: 'a', finish_reason: 'stop' }], usage })),
        false,
      ),
    ).tokens
  assert.deepEqual([{ completion_tokens: 4 }, {}, null, { completion_tokens: -1 }].map(whole), [
    4,
    null,
    null,
    null,
  ])
})

test('a completion is streamed as text, and CRLF ends lines too', () => {
  const stream = `${event({ choices: [{ text: 'a', finish_reason: null }] })}${event({ choices: [{ text: 'b', finish_reason: 'length' }] })}data:[DONE]\n\n`
  const answer = answered(readAnswer(at(stream.replaceAll('\n', '\r\n')), true))
  assert.deepEqual([answer.text, answer.finish], ['ab', 'length'])
})

test('events may be cut anywhere', () => {
  const stream =
    chunk({ content: 'Wal' }) + chunk({ content: 'fisch' }, 'stop') + 'data: [DONE]\n\n'
  for (let cut = 0; cut <= stream.length; cut++) {
    const pieces = at(stream.slice(0, cut), stream.slice(cut))
    assert.equal(answered(readAnswer(pieces, true)).text, 'Walfisch')
  }
  assert.deepEqual(eventsIn(at('data: a\ndata: b\n\ndata: never ended\n')), [
    { data: 'a\nb', ms: 0 },
  ])
})

test('what is no whole answer is a failure, never an answer', () => {
  const begun = chunk({ content: 'Call' })
  const failing: [string, boolean, RegExp][] = [
    [begun, true, /without \[DONE\]/],
    ['', true, /no stream came/],
    [JSON.stringify({ choices: [{ text: 'a' }] }), true, /no stream came/],
    [`${begun}${event({ error: { message: 'out of memory' } })}`, true, /broke off: out of memory/],
    [`${begun}data: {"choices"\n\n`, true, /no JSON object/],
    ['data: [DONE]\n\n', true, /no choices/],
    ['hello', false, /no JSON object/],
    [JSON.stringify({ error: { message: 'no such model' } }), false, /no choices: no such model/],
    [begun, false, /no JSON object/],
  ]
  for (const [body, streamed, expected] of failing) {
    const read = readAnswer(at(body), streamed)
    assert.match('failure' in read ? read.failure : 'it was taken for an answer', expected)
  }
})

test('an answer that was cut, filtered or is empty is not a valid one; a tool call needs no words', () => {
  const answer = (more: Partial<Answer>): Answer => ({
    whole: {},
    text: 'Aye',
    finish: 'stop',
    calls: false,
    firstTokenMs: null,
    lastTokenMs: null,
    tokens: null,
    ...more,
  })
  assert.equal(wrongWith(answer({})), null)
  assert.match(wrongWith(answer({ finish: null }))!, /no finish_reason/)
  assert.match(wrongWith(answer({ finish: 'content_filter' }))!, /content_filter/)
  assert.match(wrongWith(answer({ text: ' \n' }))!, /empty/)
  const calling = {
    message: { content: null, tool_calls: [{ id: 'x' }] },
    finish_reason: 'tool_calls',
  }
  const called = answered(readAnswer(at(JSON.stringify({ choices: [calling] })), false))
  assert.equal(wrongWith(called), null)
})
