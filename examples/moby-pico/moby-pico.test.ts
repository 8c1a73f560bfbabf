/** The figures that README, manifest and demo rely on, and what the server promises its clients. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { makeFaults } from './make-faults.ts'
import { emptyCache, loadModel, step } from './model.ts'
import { logProbabilityOf } from './sample.ts'
import { textOut } from './text-out.ts'
import { loadTokenizer } from './tokenizer.ts'

const here = import.meta.dirname
const models = join(here, 'models')
const made = mkdtempSync(join(tmpdir(), 'beryl-moby-pico-'))
const right = loadTokenizer(join(models, 'tokenizer.json'))
const passages = readFileSync(join(here, 'data', 'held-out.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { request: { prompt: string }; expected: string })

before(() => makeFaults(made))
after(() => rmSync(made, { recursive: true, force: true }))

/** Of a fifth of the golden set: of all of it they are 35.0, 21.7 and 2,384. */
for (const [name, version, tokenizer, expected] of [
  ['v1', 'v1', right, 34.76],
  ['v2', 'v2', right, 19.76],
  ['v3', 'v2', null, 2354],
] as const) {
  test(`${name} has a perplexity of ${expected} on every fifth held-out passage`, () => {
    const tokens = tokenizer ?? loadTokenizer(join(made, 'tokenizer-of-another-version.json'))
    const found = perplexity(version, tokens)
    assert.ok(Math.abs(found / expected - 1) < 0.002, String(found))
  })
}

test('any bytes become tokens and come back as they were', () => {
  let state = 1
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (let round = 0; round < 300; round++) {
    const bytes = Uint8Array.from({ length: random(40) }, () => random(256))
    assert.deepEqual([...right.decode(right.encode(bytes))], [...bytes])
  }
  for (const text of [
    'Call me Ishmael.',
    '  \n\t “Wal”—鯨 🐋 d’où\u00a0ça',
    "it's 1851",
    '\ufeff.',
    '',
  ]) {
    assert.equal(Buffer.from(right.decode(right.encode(text))).toString(), text)
    assert.deepEqual(right.encode(Buffer.from(text)), right.encode(text))
  }
})

test('text is given out in whole characters, and a stop text never', () => {
  const given = (pieces: readonly (string | Uint8Array)[], stops: string[] = []) => {
    const out = textOut(stops)
    const texts = pieces.map((piece) => out.take(Buffer.from(piece)))
    return [...texts, out.rest()]
  }
  const whale = Buffer.from('🐋')
  assert.deepEqual(given([whale.subarray(0, 2), whale.subarray(2)]), ['', '🐋', ''])
  assert.deepEqual(given(['the e', 'nd', ' is'], ['end']), ['the ', '', '', ''])
  assert.deepEqual(given(['the e', 'ar'], ['end']), ['the ', 'ear', ''])
})

test('a stream adds up to the whole answer at the same seed, in completions and chats, alone and beside others', async () => {
  await serving(async (ask) => {
    const bodies = [1, 2, 3].flatMap((seed) => [
      { path: 'completions', prompt: 'The whale', seed },
      { path: 'chat/completions', messages: [{ role: 'user', content: 'The sea' }], seed },
    ])
    const asked = bodies.map(({ path, ...body }) => ({
      path,
      body: { ...body, max_tokens: 40, temperature: 0.9 },
    }))
    const whole: string[] = []
    for (const { path, body } of asked) whole.push((await ask(path, body)).text)
    const streamed = await Promise.all(
      asked.map(({ path, body }) => ask(path, { ...body, stream: true })),
    )
    assert.deepEqual(
      streamed.map(({ text }) => text),
      whole,
    )
    assert.equal(new Set(whole).size, 6)
  })
})

test('streams progress side by side: a short one that came last is not the last to end', async () => {
  await serving(async (ask) => {
    const ended: string[] = []
    const stream = async (name: string, most: number) => {
      await ask('completions', { prompt: 'The whale', max_tokens: most, stream: true, seed: 7 })
      ended.push(name)
    }
    const long = [stream('long', 300), stream('long', 300)]
    await Promise.all([...long, stream('short', 10)])
    assert.deepEqual(ended, ['short', 'long', 'long'])
  })
})

test('answers say how many tokens, how they ended and how probable they were', async () => {
  await serving(async (ask) => {
    const greedy = { prompt: 'The captain looked at the sea and', max_tokens: 8, temperature: 0 }
    const { json, text } = await ask('completions', { ...greedy, logprobs: 0, echo: true })
    assert.equal(text, 'The captain looked at the sea and the English,')
    const [{ finish_reason: ended, logprobs }] = json['choices'] as [
      { finish_reason: string; logprobs: Record<string, (number | string | null)[]> },
    ]
    assert.equal(ended, 'length')
    assert.deepEqual(json['usage'], { prompt_tokens: 13, completion_tokens: 8, total_tokens: 21 })
    assert.equal(logprobs['tokens'].join(''), text)
    assert.equal(logprobs['token_logprobs'].length, 21)
    assert.equal(logprobs['token_logprobs'][0], null)
    assert.ok(logprobs['token_logprobs'].slice(1).every((one) => Number(one) < 0))
    const stopped = await ask('completions', { ...greedy, stop: ' English' })
    assert.deepEqual([stopped.text, stopped.ended], [' the', 'stop'])
  })
})

test('what cannot be answered is refused with its reason', async () => {
  await serving(async (ask) => {
    for (const [body, expected] of [
      [{ prompt: 'a', model: 'other' }, /404 .*no model "other" here; there is moby-pico/],
      [{ prompt: '' }, /400 .*"prompt": expected a text that is not empty/],
      [{ prompt: 'a', temperature: 3 }, /400 .*"temperature": expected a number from 0 to 2/],
      [{ prompt: 'a '.repeat(600) }, /400 .*tokens, and there is room for 512/],
    ] as const)
      await assert.rejects(ask('completions', body), expected)
  })
})

test('a temperature that is stuck at 0 loops, whatever is asked for', async () => {
  await serving(
    async (ask) => {
      const { text } = await ask('completions', { prompt: 'The captain', max_tokens: 120, seed: 1 })
      const words = text.split(' ')
      assert.ok(new Set(words).size < words.length / 2, text)
    },
    ['--fixed-temperature', '0'],
  )
})

function perplexity(version: string, tokenizer: ReturnType<typeof loadTokenizer>): number {
  const model = loadModel(join(models, `${version}.bin`))
  let [sum, count] = [0, 0]
  for (const { request, expected } of passages.filter((_, index) => index % 5 === 0)) {
    const tokens = tokenizer.encode(request.prompt + expected)
    const cache = emptyCache(model)
    let at = 0
    for (const [index, token] of tokens.entries()) {
      at += tokenizer.bytesOf(token).length
      const next = tokens[index + 1]
      if (next === undefined) break
      const logits = step(model, cache, token)
      if (at < request.prompt.length) continue
      sum += logProbabilityOf(logits, next)
      count++
    }
  }
  return Math.exp(-sum / count)
}

type Told = { text: string; ended: string; json: Record<string, unknown> }

/** Runs the server on v2, and ends it. */
async function serving(
  act: (ask: (path: string, body: object) => Promise<Told>) => Promise<void>,
  options: string[] = [],
): Promise<void> {
  const port = await freePort()
  const files = ['--model', join(models, 'v2.bin'), '--tokenizer', join(models, 'tokenizer.json')]
  const child = spawn(
    process.execPath,
    [join(here, 'server.ts'), ...files, '--port', String(port), ...options],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    await untilHealthy(port, child)
    await act((path, body) => asked(port, path, body))
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

async function untilHealthy(port: number, child: ReturnType<typeof spawn>): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** @throws Error with status and message where it is refused */
async function asked(port: number, path: string, body: object): Promise<Told> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status} ${text.replaceAll('\\"', '"')}`)
  if (!('stream' in body)) return toldBy([JSON.parse(text) as Record<string, unknown>])
  const events = text.split('\n\n').filter((event) => event !== '')
  assert.equal(events.pop(), 'data: [DONE]')
  return toldBy(events.map((event) => JSON.parse(event.slice(6)) as Record<string, unknown>))
}

type Choice = {
  text?: string
  message?: { content: string }
  delta?: { content?: string }
  finish_reason: string | null
}

function toldBy(parts: Record<string, unknown>[]): Told {
  const choices = parts.flatMap(({ choices }) => choices as Choice[])
  return {
    text: choices
      .map(({ text, message, delta }) => text ?? message?.content ?? delta?.content ?? '')
      .join(''),
    ended: choices.at(-1)!.finish_reason!,
    json: parts[0],
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
