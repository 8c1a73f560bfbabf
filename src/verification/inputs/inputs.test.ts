/** Whose requests a gate sends: those that clients sent, where enough are recorded that may be sent again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturedOf } from '../capture/captured.ts'
import type { Captured } from '../capture/captured.ts'
import { redactedMark, redactorOf } from '../capture/redact.ts'
import { tappedOf } from '../capture/testing.ts'
import type { Told } from '../capture/testing.ts'
import { classify, goldenFile, labelled } from '../testing.ts'
import { goldenInputs } from './golden.ts'
import { inputsOf } from './inputs.ts'
import type { InputRules } from './inputs.ts'

const calm = new AbortController().signal
const copy = { methods: ['GET', 'POST'], exclude: ['/admin'] }
const redactor = redactorOf({ paths: ['$.secret'], headers: [], patterns: [] })

const recorded = (count: number, told: (nth: number) => Told = () => ({})): Captured[] =>
  Array.from({ length: count }, (_, nth) =>
    capturedOf(tappedOf({ body: `{"text":"${nth}"}`, at: 1000 + nth, ...told(nth) }), redactor)!,
  )

function chosen(records: readonly Captured[], rules: Partial<InputRules> = {}) {
  return inputsOf(
    {
      request: classify(10),
      file: null,
      captured: { copy, headers: {}, only: false },
      ...rules,
    },
    {
      service: 'tiny',
      captures: { newest: async (_, count) => records.slice(-count) },
      purpose: 'load',
      signal: calm,
    },
  )
}

test('recorded requests are sent as they came, in their order, marked as copies', async () => {
  const { inputs, from } = await chosen(
    recorded(30, (nth) => ({ target: `/v1/${nth}`, headers: { 'x-tenant': 'a', cookie: 'b' } })),
    { captured: { copy, headers: { Authorization: 'Bearer t' }, only: true } },
  )
  assert.equal(from, 'captures')
  assert.deepEqual(
    inputs.map(({ sent }) => sent.target),
    Array.from({ length: 30 }, (_, nth) => `/v1/${nth}`),
  )
  const { headers } = inputs[0]!.sent as { headers: Record<string, string> }
  assert.equal(headers['x-tenant'], 'a')
  assert.equal(headers['authorization'], 'Bearer t')
  assert.equal(headers['cookie'], undefined)
  assert.equal(headers['beryl-test'], 'load')
  assert.equal(headers['beryl-copy'], '1')
})

test('what may not be asked twice, and what live did not answer, is never sent', async () => {
  const { inputs } = await chosen(
    recorded(60, (nth) =>
      nth % 3 === 0 ? { target: '/admin/drop' } : nth % 3 === 1 ? { status: 500 } : {},
    ),
  )
  assert.equal(inputs.length, 20)
  assert.ok(inputs.every(({ sent }) => sent.target === '/predict'))
})

test('too few, or such from which something was taken out, and the golden set is asked instead', async (context) => {
  const { file } = await goldenFile(context, labelled(5))
  const few = await chosen(recorded(19), { file })
  assert.deepEqual([few.from, few.inputs.length], ['goldenSet', 5])
  for (const told of [
    { headers: { authorization: 'Bearer x' } },
    { body: '{"secret":"x"}', headers: { 'content-type': 'application/json' } },
  ]) {
    const records = recorded(50, () => told)
    assert.ok(JSON.stringify(records[0]!.request).includes(redactedMark))
    assert.equal((await chosen(records, { file })).from, 'goldenSet')
    const asked = await chosen(records, { captured: { copy, headers: {}, only: true } })
    assert.equal(asked.from, 'captures')
  }
  assert.equal((await chosen(recorded(50), { captured: null })).from, 'request')
})

test('where nothing else will do, too few are said with what to do', async () => {
  await assert.rejects(
    chosen(recorded(3), { captured: { copy, headers: {}, only: true } }),
    /3 requests are recorded .* 20 are the least: wait for traffic, raise capture.share/,
  )
})

test('a stream is known as one', async () => {
  const { inputs } = await chosen(recorded(20, () => ({ body: '{"stream":true}' })))
  assert.ok(inputs.every(({ asked }) => asked.streamed))
})

test('of a large golden set, inputs from all over the file are kept', async (context) => {
  const lines = Array.from({ length: 5000 }, (_, index) => ({ request: index, expected: 1 }))
  const { file } = await goldenFile(context, lines)
  const inputs = await goldenInputs(file, classify(1), { purpose: 'load', signal: calm })
  const seen = new Set(inputs.map(({ sent }) => Number(sent.body)))
  assert.ok(seen.size > 200 && seen.size <= 500, String(seen.size))
  assert.ok(Math.max(...seen) > 4900 && Math.min(...seen) < 100)
})
