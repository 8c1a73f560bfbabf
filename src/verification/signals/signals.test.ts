/** What the guard's signals take from answers, and that nothing in an answer can break the taking. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { framed } from '../../protocols/grpc/framing.ts'
import { inferPath } from '../../protocols/grpc/kserve-messages.ts'
import { tappedOf } from '../capture/testing.ts'
import type { Told } from '../capture/testing.ts'
import { labelBytes, questionBytes } from '../grpc/testing.ts'
import { judgeOf } from './judges.ts'
import { arrivedIn, saidBy } from './said.ts'
import type { SignalSettings, SignalSpec, SignalVerdict } from './signal.ts'
import { openSignals } from './signals.ts'
import { openVerdictLedger } from './verdict-ledger.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-signals-'))
after(() => rmSync(directory, { recursive: true }))

const validity: SignalSpec & { kind: 'validity' } = {
  kind: 'validity',
  answer: null,
  json: false,
  schema: null,
  nonEmpty: true,
  finish: null,
  refusal: null,
}

/** Values of one signal for bodies, one by one. */
async function valuesFor(
  context: TestContext,
  spec: SignalSpec,
  bodies: readonly string[],
  protocol: SignalSettings['protocol'] = 'http',
) {
  const judge = await judgeOf(spec)
  context.after(() => judge.close())
  const values = []
  for (const [seq, body] of bodies.entries())
    values.push(
      await judge.value(
        saidBy([{ text: body, ms: 0 }], 'application/json', protocol, '/v1/chat/completions'),
        seq,
      ),
    )
  return values
}

test('validity: JSON that parses, matches its schema, is not empty, refuses nothing', async (context) => {
  const json = { ...validity, json: true }
  assert.deepEqual(
    await valuesFor(context, json, ['{"a":1}', '{"a":', '', '  ', '[]', '""', 'null']),
    [false, true, true, true, true, true, true],
  )
  const schema = JSON.stringify({ type: 'object', required: ['label'] })
  const matching = { ...validity, schema }
  assert.deepEqual(await valuesFor(context, matching, ['{"label":1}', '{"tag":1}', 'x']), [
    false,
    true,
    true,
  ])
  const never = { ...validity, schema: JSON.stringify({ not: {} }) }
  assert.deepEqual(await valuesFor(context, never, ['{"label":1}']), [true])
  const refusing = { ...validity, answer: '$.text', refusal: "^(I'm sorry|I cannot)" }
  assert.deepEqual(
    await valuesFor(context, refusing, ['{"text":"I cannot do that"}', '{"text":"Yes"}', '{}']),
    [true, false, true],
  )
})

test('validity of a language model: how it ended, cut streams, JSON in what it wrote', async (context) => {
  const whole = (content: unknown, finish: string | null = 'stop', more = {}) =>
    JSON.stringify({ choices: [{ message: { content, ...more }, finish_reason: finish }] })
  const stream = (end: string) =>
    `data: {"choices":[{"delta":{"content":"Call me"}}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n${end}`
  const calls = { tool_calls: [{ id: '1', function: { name: 'f', arguments: '{}' } }] }
  const bodies = [
    whole('Ishmael'),
    whole('cut', 'length'),
    whole('', 'stop'),
    whole('x', null),
    whole('', 'tool_calls', calls),
    stream('data: [DONE]\n\n'),
    stream(''),
    '{"error":"x"}',
  ]
  assert.deepEqual(await valuesFor(context, validity, bodies, 'openai'), [
    false,
    false,
    true,
    true,
    false,
    false,
    true,
    true,
  ])
  const strict = { ...validity, finish: ['stop', 'tool_calls'] }
  assert.equal((await valuesFor(context, strict, bodies, 'openai'))[1], true)
  const inText = { ...validity, json: true }
  assert.deepEqual(await valuesFor(context, inText, [whole('{"a":1}'), whole('{"a"')], 'openai'), [
    false,
    true,
  ])
})

test('a yes/no and a number of the user, by path, by pattern, by module; what is none is null', async (context) => {
  const flag: SignalSpec = { kind: 'yesNo', answer: '$.handoff', matches: null, bad: true }
  assert.deepEqual(
    await valuesFor(context, flag, [
      '{"handoff":true}',
      '{"handoff":false}',
      '{"handoff":1}',
      '{}',
      'x',
    ]),
    [true, false, null, null, null],
  )
  const pattern: SignalSpec = { kind: 'yesNo', answer: null, matches: 'please', bad: false }
  assert.deepEqual(await valuesFor(context, pattern, ['yes please', 'no']), [false, true])
  const path: SignalSpec = {
    kind: 'number',
    answer: '$.p',
    matches: null,
    from: 0,
    to: 10,
    better: 'lower',
  }
  assert.deepEqual(
    await valuesFor(context, path, [
      '{"p":2}',
      '{"p":11}',
      '{"p":"2"}',
      '{"p":null}',
      '{}',
      '{"p":1e999}',
    ]),
    [0.8, null, null, null, null, null],
  )
  const group: SignalSpec = { ...path, answer: null, matches: 'took (\\d+)', better: 'higher' }
  assert.deepEqual(await valuesFor(context, group, ['took 5', 'took none', '']), [0.5, null, null])
  const file = join(directory, 'polite.mjs')
  writeFileSync(
    file,
    `export default ({ text }) => { if (text === 'throw') throw new Error('no'); if (text === 'exit') process.exit(1); return text === 'odd' ? 'odd' : text.includes('please') }`,
  )
  const module: SignalSpec = { kind: 'module', file, digest: '', bad: false }
  const bodies = ['yes please', 'no', 'throw', 'odd', 'yes please'].map((text) =>
    JSON.stringify({ text }),
  )
  assert.deepEqual(await valuesFor(context, module, bodies), [false, true, null, null, false])
})

test('a module that ends its thread is started anew', async (context) => {
  const file = join(directory, 'ends.mjs')
  writeFileSync(file, `export default ({ end }) => { if (end) process.exit(1); return 1 }`)
  const judge = await judgeOf({ kind: 'module', file, digest: '', bad: null })
  context.after(() => judge.close())
  const value = (end: boolean) =>
    judge.value(saidBy([{ text: JSON.stringify({ end }), ms: 0 }], '', 'http', '/'), 0)
  assert.equal(await value(true), null)
  while ((await value(false)) !== 1) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('what drifts: labels, lengths, numbers', async (context) => {
  const of = (kind: 'category' | 'length' | 'number', answer: string | null): SignalSpec => ({
    kind: 'category',
    of: kind,
    answer,
  })
  const labels = [
    '{"l":"fr"}',
    '{"l":3}',
    '{"l":true}',
    '{"l":{}}',
    `{"l":"${'x'.repeat(200)}"}`,
    '',
  ]
  assert.deepEqual(await valuesFor(context, of('category', '$.l'), labels), [
    'fr',
    '3',
    'true',
    null,
    null,
    null,
  ])
  const [short, near, long, none] = await valuesFor(context, of('length', null), [
    'x'.repeat(92),
    'x'.repeat(100),
    'x'.repeat(130),
    '',
  ])
  assert.equal(short, near)
  assert.notEqual(short, long)
  assert.equal(none, '0')
  assert.deepEqual(
    await valuesFor(context, of('number', '$.p'), [
      '{"p":0.93}',
      '{"p":-3}',
      '{"p":0}',
      '{"p":"1"}',
    ]),
    ['0.9', '-2^1.5', '0', null],
  )
})

test('a path, pattern, schema or module that is none cannot become a signal', async () => {
  const wrong: SignalSpec[] = [
    { ...validity, answer: 'text' },
    { ...validity, schema: '{"tipe":1}' },
    { ...validity, schema: '{' },
    { ...validity, refusal: '(' },
    { kind: 'yesNo', answer: null, matches: '(', bad: true },
    { kind: 'module', file: join(directory, 'none.mjs'), digest: '', bad: true },
  ]
  for (const spec of wrong) await assert.rejects(judgeOf(spec), Error)
})

test('a pattern that would take years says nothing, and holds nothing up', async (context) => {
  const slow: SignalSpec = { kind: 'yesNo', answer: null, matches: '^(a+)+$', bad: true }
  assert.deepEqual(await valuesFor(context, slow, [`${'a'.repeat(40)}b`, 'aa']), [null, true])
})

test('times of tokens: of streams that ended well, wherever their pieces were cut; other answers say nothing', async (context) => {
  const token = (content: string) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`
  const begin = 'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n'
  const end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
  const [first, per] = await Promise.all(
    (['firstToken', 'perToken'] as const).map((of) => judgeOf({ kind: 'time', of })),
  )
  context.after(() => Promise.all([first!.close(), per!.close()]))
  const timesOf = async (body: string | readonly (readonly [number, string])[]) => {
    const pieces = typeof body === 'string' ? [[5, body] as const] : body
    const bytes = Buffer.from(pieces.map(([, text]) => text).join(''))
    const flat = pieces.flatMap(([ms, text]) => [ms, Buffer.byteLength(text)])
    const said = saidBy(
      arrivedIn(bytes, flat),
      'text/event-stream',
      'openai',
      '/v1/chat/completions',
    )
    return [await first!.value(said, 0), await per!.value(said, 0)]
  }
  const stream = [
    [2, begin],
    [40, token('Wal')],
    [50, token('fi')],
    [80, token('ß')],
    [81, end],
  ] as const
  assert.deepEqual(await timesOf(stream), [40, 20])
  const [role, wal, fi, sz, last] = stream.map(([, text]) => text) as [
    string,
    string,
    string,
    string,
    string,
  ]
  // Several tokens in one piece, and one token in two.
  assert.deepEqual(
    await timesOf([
      [2, role + wal.slice(0, 9)],
      [40, wal.slice(9) + fi],
      [80, sz + last],
    ]),
    [40, 20],
  )
  assert.deepEqual(await timesOf([[7, role + wal + last]]), [7, undefined], 'one token has no next')
  for (const none of [
    '{"choices":[{"message":{"content":"Aye"},"finish_reason":"stop"}]}',
    role + wal + fi,
    '',
    'data: {',
  ])
    assert.deepEqual(await timesOf(none), [undefined, undefined], none)
})

test('a letter that lies in two pieces is one letter, and bytes beyond the pieces belong to the last', () => {
  const bytes = Buffer.from('aß…b')
  assert.equal(
    arrivedIn(bytes, [1, 2, 9, 1, 12, 1])
      .map(({ text }) => text)
      .join(''),
    'aß…b',
  )
  assert.deepEqual(arrivedIn(Buffer.alloc(0), []), [{ text: '', ms: 0 }])
})

test('each answer that is to be judged has one verdict, with its key; others have none', async (context) => {
  const signals = openSignals()
  context.after(() => signals.close())
  const spec: SignalSpec = { kind: 'yesNo', answer: '$.ok', matches: null, bad: false }
  signals.configure({
    tiny: { id: 'one', protocol: 'http', signals: { ok: spec, broken: { ...spec, answer: 'x' } } },
    llm: { id: 'two', protocol: 'openai', signals: { first: { kind: 'time', of: 'firstToken' } } },
  })
  const judged = { run: 'g', replica: 'r1', share: 0.1, client: 7 }
  const send = (seq: number | null, told: Told, isCopy = false) => {
    const one = { ...tappedOf(told), ...(seq === null ? {} : { judged: { ...judged, seq } }) }
    if (isCopy) signals.listener.copy!({ ...one, isCopy: true })
    else signals.listener.exchange(one)
  }
  send(0, { answer: '{"ok":true}' })
  send(0, { answer: '{"ok":false}', version: 'v2' }, true)
  send(null, { answer: '{"ok":true}' })
  send(1, { answer: '{"ok":true}', service: 'other' })
  send(2, { answer: gzipSync('{"ok":false}'), answerHeaders: { 'content-encoding': 'gzip' } })
  send(3, { answer: '{"ok":true}', status: 500 })
  send(4, { answer: '<html>' })
  const stream = `data: {"choices":[{"delta":{"content":"a"}}]}\n\n`
  const ended = `${stream}data: [DONE]\n\n`
  const streaming = { 'content-type': 'text/event-stream' }
  const pieces = [30, stream.length, 40, ended.length - stream.length]
  send(5, { answer: ended, answerHeaders: streaming, pieces, service: 'llm' })
  const packed = { ...streaming, 'content-encoding': 'gzip' }
  send(6, { answer: gzipSync(ended), answerHeaders: packed, service: 'llm' })
  const items: SignalVerdict[] = []
  let cursor = { run: '', next: 0 }
  while (items.length < 7) {
    const page = signals.verdicts(cursor.run, cursor.next)
    items.push(...page.items)
    cursor = page
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.deepEqual(
    items.map(({ seq, isCopy, release, values }) => [seq, isCopy, release, values]),
    [
      [0, false, 'r-v1', { ok: false, broken: null }],
      [0, true, 'r-v2', { ok: true, broken: null }],
      [2, false, 'r-v1', { ok: true, broken: null }],
      [3, false, 'r-v1', {}],
      [4, false, 'r-v1', { ok: null, broken: null }],
      [5, false, 'r-v1', { first: 30 }],
      // When the pieces of a packed body came says nothing.
      [6, false, 'r-v1', {}],
    ],
  )
  const { id, run, replica, share, client } = items[0]!
  assert.deepEqual([id, run, replica, share, client], ['one', 'g', 'r1', 0.1, 7])
  assert.deepEqual(signals.verdicts(cursor.run, cursor.next).items, [])
})

test('verdicts are kept until they are counted, in pages, and no more of them than there is room for', () => {
  const ledger = openVerdictLedger('x')
  for (let seq = 0; seq < 120_000; seq++) ledger.add({ seq } as SignalVerdict)
  const first = ledger.read('another', 3)
  assert.equal(first.items.length, 5000)
  assert.deepEqual(ledger.read('x', first.next - 5000).items, first.items)
  const second = ledger.read('x', first.next)
  assert.equal(second.items[0]!.seq, first.items[4999]!.seq + 1)
  assert.ok(first.items[0]!.seq > 0)
})

test('what is no text of a language model is valid as its protocol has it: embeddings, tensors, lists of models', () => {
  const wrong = (protocol: SignalSettings['protocol'], target: string, answer: unknown) =>
    saidBy([{ text: JSON.stringify(answer), ms: 0 }], 'application/json', protocol, target).wrong
  const vectors = { data: [{ embedding: [0.1, 0.2] }] }
  assert.equal(wrong('openai', '/v1/embeddings', vectors), null)
  assert.match(
    wrong('openai', '/v1/embeddings', { data: [{ embedding: [] }] })!,
    /no list of numbers/,
  )
  assert.equal(wrong('openai', '/v1/models', { data: [{ id: 'writer' }] }), null)
  assert.match(wrong('openai', '/v1/chat/completions', { data: [] })!, /no choices/)
  const output = { name: 'p', datatype: 'INT64', shape: [2], data: [1, 0] }
  assert.equal(wrong('kserve-v2', '/v2/models/p/infer', { outputs: [output] }), null)
  const short = { ...output, shape: [3] }
  assert.match(wrong('kserve-v2', '/v2/models/p/infer', { outputs: [short] })!, /has 2 values/)
  assert.match(wrong('kserve-v2', '/v2/models/p/infer', { error: 'x' })!, /is an error: x/)
})

test('over gRPC an answer of ModelInfer is judged by what it says; of messages that nobody knows nothing is said', async (context) => {
  const signals = openSignals()
  context.after(() => signals.close())
  const label: SignalSpec = { kind: 'category', of: 'category', answer: '$.outputs[0].data[0]' }
  signals.configure({ tiny: { id: 'one', protocol: 'grpc', signals: { validity, label } } })
  const send = (seq: number, target: string, answer: Uint8Array, trailerLines: string) =>
    signals.listener.exchange({
      ...tappedOf({
        target,
        headers: { 'content-type': 'application/grpc' },
        body: questionBytes('a'),
        answerHeaders: { 'content-type': 'application/grpc' },
        answer: framed(answer),
      }),
      trailerLines,
      judged: { run: 'g', replica: 'r1', share: 0.1, client: 7, seq },
    })
  send(0, inferPath, labelBytes('fr'), 'grpc-status: 0\r\n')
  send(1, inferPath, Buffer.from('junk'), 'grpc-status: 0\r\n')
  send(2, inferPath, labelBytes('fr'), 'grpc-status: 3\r\n')
  send(3, '/shop.Cart/Add', labelBytes('fr'), 'grpc-status: 0\r\n')
  let items: readonly SignalVerdict[] = []
  while (items.length < 4) {
    items = signals.verdicts('', 0).items
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.deepEqual(
    items.map(({ values }) => values),
    [{ validity: false, label: 'fr' }, { validity: true, label: null }, {}, {}],
  )
})
