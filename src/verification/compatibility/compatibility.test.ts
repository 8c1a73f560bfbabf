/** What clients rely on, held against a candidate on real sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { capturedOf } from '../capture/captured.ts'
import type { Captured } from '../capture/captured.ts'
import { redactorOf } from '../capture/redact.ts'
import { tappedOf } from '../capture/testing.ts'
import type { Told } from '../capture/testing.ts'
import { calm, model, target } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import { compatibility } from './compatibility.ts'
import type { CompatibilitySpec } from './compatibility.ts'

const redact = { paths: ['$.secret'], headers: [], patterns: [] }
const redactor = redactorOf(redact)
const spec: CompatibilitySpec = {
  kind: 'compatibility',
  protocol: 'json',
  requests: 100,
  schema: null,
  ignore: [],
  headers: {},
  copy: { methods: ['GET', 'POST'], exclude: ['/admin'] },
  redact,
  timeoutS: 1,
  concurrency: 8,
  withinS: 20,
}

const recorded = (count: number, told: (nth: number) => Told = () => ({})): Captured[] =>
  Array.from({ length: count }, (_, nth) =>
    capturedOf(
      tappedOf({
        body: JSON.stringify({ text: `t${nth}`, secret: 'hush' }),
        answer: JSON.stringify({ label: 'a', score: 0.5, ...(nth % 2 ? { why: 'x' } : {}) }),
        at: 1000 + nth,
        ...told(nth),
      }),
      redactor,
    )!,
  )

const answering = (value: unknown): Behaviour => ({ raw: JSON.stringify(value) })
const good = () => answering({ label: 'b', score: 1, new: true })

type Setup = {
  records?: readonly Captured[]
  candidate: (count: number) => Behaviour
  live?: (count: number) => Behaviour
  more?: Partial<CompatibilitySpec>
}

async function run(
  context: TestContext,
  { records = recorded(100), candidate, live, more }: Setup,
) {
  const own = await model(context, (_, count) => candidate(count))
  const other = await model(context, (_, count) => (live ?? good)(count))
  const sides = { service: 'tiny', candidate: target('v2', own), live: target('v1', other) }
  const captures = { newest: async (_: string, count: number) => records.slice(-count) }
  const verdict = await compatibility({ ...spec, ...more }, sides, captures, calm())
  return { ...verdict, own, other }
}

test('a version that answers with all that was always there passes, whatever it adds; live is not asked', async (context) => {
  const { verdict, because, own, other } = await run(context, { candidate: good })
  assert.equal(verdict, 'pass', because)
  assert.equal(
    because,
    'v2 takes 100 recorded requests and answers with the 2 fields that were always there',
  )
  assert.equal(own.asked.length, 100)
  assert.ok(
    own.asked.every((one) => one.test === 'compatibility' && one.headers['beryl-copy'] === '1'),
  )
  assert.equal(other.asked.length, 0)
})

test('a field that is gone, or of another type, fails, with the field and an example without secrets', async (context) => {
  const { verdict, because, evidence } = await run(context, {
    candidate: (count) =>
      answering(count % 4 === 0 ? { label: 3, score: 1, secret: 'deep' } : { label: 'a' }),
  })
  assert.equal(verdict, 'fail')
  assert.match(
    because,
    /^v2 breaks what clients rely on in 100 of 100 recorded requests: \$\.score \(number\) is missing \(75\)$/,
  )
  const { problems, examples } = evidence as {
    problems: { said: string; route: string; times: number }[]
    examples: { request: string; answer: string }[]
  }
  assert.deepEqual(problems[1], {
    route: 'POST /predict',
    field: '$.label',
    said: '$.label is number, and was always string',
    times: 25,
  })
  assert.ok(examples.length >= 2 && examples.length <= 10)
  assert.doesNotMatch(JSON.stringify(evidence), /hush|deep/)
})

test('requests that live took and the candidate refuses fail it', async (context) => {
  const { verdict, because } = await run(context, {
    candidate: (count) => (count % 10 === 0 ? { raw: '{"error":"no"}', status: 422 } : good()),
  })
  assert.equal(verdict, 'fail')
  assert.match(
    because,
    /in 10 of 100 recorded requests: live answered it, and it is refused with status 422 \(10\)/,
  )
})

test('what live does not keep to either, when it is asked the same now, is no break', async (context) => {
  const { verdict, because, evidence, other } = await run(context, {
    candidate: () => answering({ label: 'a' }),
    live: () => answering({ label: 'a' }),
  })
  assert.equal(verdict, 'pass', because)
  assert.equal(evidence['liveBreaksToo'], 100)
  assert.equal(other.asked.length, 100)
})

test('no answers, and 5xx, break nothing, and more than one in twenty decide nothing', async (context) => {
  const some = await run(context, {
    candidate: (count) => (count % 25 === 0 ? { raw: 'x', status: 503 } : good()),
  })
  assert.equal(some.verdict, 'pass', some.because)
  const many = await run(context, { candidate: (count) => (count % 4 === 0 ? 'close' : good()) })
  assert.equal(many.verdict, 'undecided')
  assert.match(many.because, /no answer to 25 of 100 recorded requests: too little was seen/)
  const hangs = await run(context, {
    records: recorded(24),
    candidate: () => 'hang',
    more: { timeoutS: 0.1 },
  })
  assert.equal(hangs.verdict, 'undecided')
})

test('with too few records, or none that may be asked twice, nothing is decided', async (context) => {
  for (const records of [
    [],
    recorded(19),
    recorded(100, () => ({ target: '/admin/x' })),
    recorded(100, () => ({ status: 404 })),
  ]) {
    const { verdict, because, own } = await run(context, { candidate: good, records })
    assert.equal(verdict, 'undecided')
    assert.match(because, /20 are the least: wait for traffic/)
    assert.equal(own.asked.length, 0)
  }
})

test('by a JSON Schema every answer is held to it, and what was recorded does not matter', async (context) => {
  const schema = {
    type: 'object',
    required: ['label'],
    properties: { label: { enum: ['a', 'b'] } },
  }
  const passed = await run(context, {
    candidate: () => answering({ label: 'a' }),
    more: { schema },
  })
  assert.equal(passed.verdict, 'pass', passed.because)
  assert.match(passed.because, /answers as the schema has it/)
  const failed = await run(context, {
    candidate: () => answering({ label: 'z' }),
    more: { schema },
  })
  assert.equal(failed.verdict, 'fail')
  assert.match(
    failed.because,
    /not as the schema has it: \/label must be equal to one of the allowed values/,
  )
})

test('streams of a language model are read as the answers that they add up to', async (context) => {
  const stream = (choices: readonly object[]) =>
    `${choices.map((one) => `data: ${JSON.stringify({ id: 'x', choices: [one] })}\n\n`).join('')}data: [DONE]\n\n`
  const whole = stream([
    { index: 0, delta: { role: 'assistant', content: 'Aye' } },
    { index: 0, delta: {}, finish_reason: 'stop' },
  ])
  const records = recorded(30, () => ({
    target: '/v1/chat/completions',
    body: '{"messages":[],"stream":true}',
    answer: whole,
    answerHeaders: { 'content-type': 'text/event-stream' },
  }))
  const more = { protocol: 'openai' } as const
  const passed = await run(context, { records, candidate: () => ({ raw: whole }), more })
  assert.equal(passed.verdict, 'pass', passed.because)
  const cut = await run(context, {
    records,
    candidate: () => ({
      raw: stream([{ index: 0, delta: { role: 'assistant' }, finish_reason: 'stop' }]),
    }),
    live: () => ({ raw: whole }),
    more,
  })
  assert.equal(cut.verdict, 'fail')
  assert.match(cut.because, /\$\.choices\[\*\]\.message\.content \(string\) is missing/)
})

test('it asks by the names that clients use: one that the candidate does not know is a break', async (context) => {
  const named = (own: string) => (input: object) =>
    'model' in input && input.model === own ? good() : { status: 404, raw: '{}' }
  const [own, other] = [await model(context, named('w-2')), await model(context, named('w-1'))]
  const records = recorded(100, () => ({ body: '{"model":"w-1"}' }))
  const [v1, v2] = [
    { model: 'w-1', version: null },
    { model: 'w-2', version: null },
  ]
  const { verdict } = await compatibility(
    spec,
    {
      service: 'tiny',
      candidate: { ...target('v2', own), renames: { protocol: 'openai', from: v1, to: v2 } },
      live: target('v1', other),
    },
    { newest: async () => records },
    calm(),
  )
  assert.equal(verdict, 'fail')
})
