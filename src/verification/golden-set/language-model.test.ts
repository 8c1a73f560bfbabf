/** Golden sets of language models, against a server that answers as the API of OpenAI does (a fake of ours, told what to say). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { calm, goldenFile, goldenSpec, model, target } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import type { GoldenSetSpec } from './evidence.ts'
import { goldenSet } from './golden-set.ts'

type Asked = { prompt: string; messages: { content: string }[]; stream?: boolean; echo?: boolean }

const prose =
  'Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, I thought I would sail about a little'
const loop = 'the whale and the sea and '.repeat(8)

const chat = (content: string, finish: string | null = 'stop'): Behaviour => ({
  raw: JSON.stringify({ choices: [{ message: { content }, finish_reason: finish }] }),
})

/** The same as a stream, word by word. */
const streamed = (content: string, end = 'data: [DONE]\n\n'): Behaviour => {
  const event = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
  const words = content.split(/(?= )/).map((word) => event({ content: word }, null))
  return { raw: `${event({ role: 'assistant' }, null)}${words.join('')}${event({}, 'stop')}${end}` }
}

/** One token for each word, all as probable; one more is written after the prompt. */
const echoed = ({ prompt }: Asked, logProbability: number): Behaviour => {
  const words = prompt.split(/(?= )/)
  let at = 0
  const logprobs = {
    tokens: [...words, ' more'],
    token_logprobs: [null, ...words.slice(1).map(() => logProbability), -0.001],
    text_offset: [...words, ' more'].map((word) => (at += word.length) - word.length),
  }
  return { raw: JSON.stringify({ choices: [{ text: prompt, logprobs, finish_reason: 'length' }] }) }
}

const passages = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    request: { prompt: `Chapter ${index}` },
    expected: ` begins with some words of its own, ${'and more, '.repeat((index % 3) + 1)}`,
  }))

const prompts = (count: number, stream: boolean) =>
  Array.from({ length: count }, (_, index) => ({
    request: { messages: [{ role: 'user', content: `go on ${index}` }], stream },
    expected: null,
  }))

async function judged(
  context: TestContext,
  lines: readonly object[],
  more: Partial<GoldenSetSpec>,
  candidate: (asked: Asked, count: number) => Behaviour,
  live?: (asked: Asked, count: number) => Behaviour,
) {
  const golden = await goldenFile(context, lines)
  const spec = goldenSpec({ ...golden, protocol: 'openai', answer: null, ...more })
  const server = async (behave: typeof candidate) =>
    model(context, (input, count) => behave(input as Asked, count))
  const other = live === undefined ? null : target('v1', await server(live))
  return goldenSet(spec, target('v2', await server(candidate)), other, calm())
}

const perplexity = { score: { kind: 'perplexity' } } as const
const nats = (value: number) => (asked: Asked) => echoed(asked, -Math.log(value))

test('a perplexity is held to its ceiling, to live and to what was stated', async (context) => {
  const lines = passages(20)
  const passed = await judged(
    context,
    lines,
    { ...perplexity, atMost: 21, noWorseBy: 0.02, expects: 20 },
    nats(20),
    nats(34),
  )
  assert.equal(passed.verdict, 'pass', passed.because)
  assert.match(
    passed.because,
    /^v2 has a perplexity of 20 on 20 texts \(\d+ tokens\), live v1 34; at most 21 kept, what was trained is served \(20 stated\), not higher than live's by 2 %/,
  )
  for (const [asked, own, live, why] of [
    [{ atMost: 19 }, 20, undefined, /at most 19 is asked/],
    [{ expects: 15 }, 20, undefined, /15 was stated .* what is served is not what was trained/],
    [{ noWorseBy: 0.02 }, 20, 19, /higher than live's by 2 % and is 1.053 times as high/],
    [{ atMost: 25, expects: 20.75 }, 3009, undefined, /a perplexity of 3009 .*at most 25 is asked/],
  ] as const) {
    const failed = await judged(
      context,
      lines,
      { ...perplexity, ...asked },
      nats(own),
      live && nats(live),
    )
    assert.equal(failed.verdict, 'fail', failed.because)
    assert.match(failed.because, why)
  }
})

test('a server that gives no log-probabilities of the prompt is not judged, and the way out is told', async (context) => {
  for (const answer of [
    { choices: [{ text: 'and so on', finish_reason: 'length' }] },
    { choices: [{ text: 'and so on', finish_reason: 'length', logprobs: { tokens: [] } }] },
  ])
    await assert.rejects(
      judged(context, passages(12), { ...perplexity, atMost: 25 }, () => ({
        raw: JSON.stringify(answer),
      })),
      /perplexity needs a \/v1\/completions that knows "echo" and "logprobs"/,
    )
})

test('one text without an answer fails a perplexity: left out, it would flatter', async (context) => {
  const { verdict, because } = await judged(
    context,
    passages(12),
    { ...perplexity, atMost: 25 },
    (asked, count) => (count === 7 ? { raw: 'out of memory', status: 500 } : nats(20)(asked)),
  )
  assert.equal(verdict, 'fail')
  assert.match(because, /1 of 12 texts had no answer \(1 failed: status 500\)/)
})

test('a few texts do not show what is chance: what was stated is not judged by them', async (context) => {
  const { verdict, because } = await judged(
    context,
    passages(9),
    { ...perplexity, expects: 20 },
    nats(20),
  )
  assert.equal(verdict, 'undecided')
  assert.match(because, /at least 10 are needed/)
})

test('a live version that fails is no measure: without a ceiling nothing is decided', async (context) => {
  const broken = (): Behaviour => ({ raw: '', status: 500 })
  const asked = { ...perplexity, noWorseBy: 0.02 }
  const alone = await judged(context, passages(12), asked, nats(20), broken)
  assert.equal(alone.verdict, 'undecided', alone.because)
  const floored = await judged(context, passages(12), { ...asked, atMost: 25 }, nats(20), broken)
  assert.equal(floored.verdict, 'pass', floored.because)
})

test('a line that asks for no perplexity is named before anything is sent', async (context) => {
  for (const [line, expected] of [
    [{ request: { messages: [] }, expected: ' sea' }, /golden.jsonl:1: .*needs a "prompt"/],
    [
      { request: { prompt: 'The' }, expected: null },
      /golden.jsonl:1: .*needs a text in "expected"/,
    ],
    [{ request: { prompt: 'The' }, expected: '' }, /golden.jsonl:1: .*needs a text in "expected"/],
    [{ request: 'The', expected: ' sea' }, /golden.jsonl:1: "request" must be an object/],
  ] as const)
    await assert.rejects(judged(context, [line], { ...perplexity, atMost: 9 }, nats(20)), expected)
})

const noRepeats = { score: { kind: 'noRepeats' }, atLeast: 0.9 } as const

for (const stream of [false, true]) {
  const said = (text: string) => (stream ? streamed(text) : chat(text))

  test(`a model that loops is caught by what it writes, ${stream ? 'streamed' : 'whole'}`, async (context) => {
    const lines = prompts(12, stream)
    const good = await judged(context, lines, noRepeats, () => said(prose))
    assert.equal(good.verdict, 'pass', good.because)
    const looping = await judged(context, lines, noRepeats, () => said(loop))
    assert.equal(looping.verdict, 'fail')
    assert.match(looping.because, /at least 90 % is asked/)
  })

  test(`an answer that is empty or too short counts as none, ${stream ? 'streamed' : 'whole'}`, async (context) => {
    for (const [text, why] of [
      [' ', /the answer is empty/],
      ['Aye aye', /fewer than 4 words/],
    ] as const) {
      const { verdict, because } = await judged(context, prompts(12, stream), noRepeats, () =>
        said(text),
      )
      assert.equal(verdict, 'fail')
      assert.match(because, why)
    }
  })
}

test('the first token of streams is told, for the candidate and for live', async (context) => {
  const { evidence } = await judged(
    context,
    prompts(12, true),
    { ...noRepeats, noWorseBy: 0.1 },
    () => streamed(prose),
    () => streamed(prose),
  )
  for (const key of ['firstTokenMs', 'liveFirstTokenMs']) {
    const { median, p95 } = evidence[key] as { median: number; p95: number }
    assert.ok(median > 0 && p95 >= median, key)
  }
})

test('a stream that is cut, or a whole answer in place of one, is no answer', async (context) => {
  const valid = { score: { kind: 'valid' }, atLeast: 0.9 } as const
  const good = await judged(context, prompts(12, true), valid, () => streamed(prose))
  assert.equal(good.verdict, 'pass', good.because)
  for (const [behaviour, why] of [
    [streamed(prose, ''), /ended without \[DONE\]/],
    [chat(prose), /no stream came/],
    [{ raw: 'data: {"error": {"message": "worker died"}}\n\n' }, /broke off: worker died/],
  ] as const) {
    const { verdict, because } = await judged(context, prompts(12, true), valid, () => behaviour)
    assert.equal(verdict, 'fail')
    assert.match(because, why)
  }
})

test('an answer that was filtered or cut is not valid, and one in ten is enough to see it', async (context) => {
  const valid = { score: { kind: 'valid' }, atLeast: 0.95 } as const
  const { verdict, because } = await judged(context, prompts(20, false), valid, (_, count) =>
    count % 10 === 0 ? chat(prose, 'content_filter') : chat(prose),
  )
  assert.equal(verdict, 'fail')
  assert.match(because, /2 failed: the answer ended with finish_reason content_filter/)
})

test('the scores that were there read the text that was written, or what a path names, from streams too', async (context) => {
  const lines = ['Paris', 'Rome'].map((city) => ({
    request: { messages: [{ role: 'user', content: city }], stream: city === 'Rome' },
    expected: city,
  }))
  const parrot = ({ messages, stream }: Asked) =>
    stream === true ? streamed(messages[0]!.content) : chat(messages[0]!.content)
  for (const answer of [null, '$.choices[0].message.content']) {
    const { verdict, because } = await judged(context, lines, { answer, atLeast: 1 }, parrot)
    assert.equal(verdict, 'pass', because)
  }
})

test('what both versions were asked and wrote in tokens is put down, streams that do not say as an estimate', async (context) => {
  const usage = { prompt_tokens: 11, completion_tokens: 3 }
  const saying: Behaviour = {
    raw: JSON.stringify({
      choices: [{ message: { content: 'Aye' }, finish_reason: 'stop' }],
      usage,
    }),
  }
  const { evidence } = await judged(
    context,
    prompts(4, true),
    { score: { kind: 'valid' }, noWorseBy: 1, atLeast: null },
    () => streamed('Call me Ishmael'),
    () => streamed('Aye'),
  )
  assert.deepEqual(evidence['tokens'], {
    asked: 0,
    written: 16,
    estimated: 16,
    askedNotKnown: 8,
    writtenNotKnown: 0,
  })
  const whole = await judged(context, prompts(4, false), { score: { kind: 'valid' } }, () => saying)
  assert.deepEqual(whole.evidence['tokens'], {
    asked: 44,
    written: 12,
    estimated: 0,
    askedNotKnown: 0,
    writtenNotKnown: 0,
  })
})
