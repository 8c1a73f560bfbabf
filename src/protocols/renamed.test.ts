/** A request that names one version's model is sent with the name of the other, and is changed in nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renamed } from './renamed.ts'
import type { Renames } from './renamed.ts'

const openai: Renames = {
  protocol: 'openai',
  from: { model: 'org/writer-v1', version: null },
  to: { model: 'writer "2" ü', version: null },
}
const asOpenai = (body: string | Buffer) =>
  renamed({ target: '/v1/chat/completions?a=1', body: Buffer.from(body) }, openai)

test('openai: `model` of the outermost object, however it is spelled; every other byte stays', () => {
  for (const [before, after] of [
    [
      '{ "n": 1.0, "id": 12345678901234567890, "model" : "org/writer-v1" }',
      '{ "n": 1.0, "id": 12345678901234567890, "model" : "writer \\"2\\" ü" }',
    ],
    ['{"model":"org\\/writer-v1"}', '{"model":"writer \\"2\\" ü"}'],
    [
      '{"messages":[{"content":"say \\"model\\": \\\\","model":"org/writer-v1"}],"model":"org/writer-v1","x":{"model":"org/writer-v1"}}',
      '{"messages":[{"content":"say \\"model\\": \\\\","model":"org/writer-v1"}],"model":"writer \\"2\\" ü","x":{"model":"org/writer-v1"}}',
    ],
    // The last one counts, as for every parser.
    ['{"model":"a","model":"org/writer-v1"}', '{"model":"a","model":"writer \\"2\\" ü"}'],
  ] as const)
    assert.equal(asOpenai(before)?.body.toString(), after)
  const odd = Buffer.from([
    ...Buffer.from('{"a":"'),
    0xff,
    ...Buffer.from('","model":"org/writer-v1"}'),
  ])
  assert.equal(asOpenai(odd)?.body[6], 0xff)
  assert.equal(asOpenai('{"model":"org/writer-v1"}')?.target, '/v1/chat/completions?a=1')
})

test('openai: what names another model, none, or is no JSON stays as it is', () => {
  for (const body of [
    '{"model":"writer"}',
    '{"model":"org/writer-v10"}',
    '{"x":{"model":"org/writer-v1"}}',
    '["model","org/writer-v1"]',
    '{"text":"model","y":"org/writer-v1"}',
    '{"model":["org/writer-v1"]}',
    '{"model":"org/writer-v1"',
    '{"model":"org/writer-v1',
    'model=org/writer-v1',
    '',
  ])
    assert.equal(asOpenai(body), null, body)
})

const kserve = (target: string, to: { model: string; version: string | null }) =>
  renamed(
    { target, body: Buffer.from('{"inputs":[]}') },
    { protocol: 'kserve-v2', from: { model: 'parity a', version: '1' }, to },
  )?.target

test('kserve-v2: the model and its version in the path', () => {
  const other = { model: 'parity-2', version: '2' }
  assert.equal(
    kserve('/v2/models/parity%20a/versions/1/infer?x=1', other),
    '/v2/models/parity-2/versions/2/infer?x=1',
  )
  assert.equal(kserve('/v2/models/parity%20a/infer', other), '/v2/models/parity-2/infer')
  // A version that is not live's stays: the server says what it makes of it.
  assert.equal(
    kserve('/v2/models/parity%20a/versions/7/infer', { model: 'parity a', version: '2' }),
    undefined,
  )
  for (const target of ['/v2/models/parity/infer', '/v2/health/ready', '/x/v2/models/parity%20a'])
    assert.equal(kserve(target, other), undefined, target)
})

test('grpc: the model and its version in a ModelInfer; other calls, models and bytes stay', () => {
  const target = '/inference.GRPCInferenceService/ModelInfer'
  const as = (body: string, at = target) =>
    renamed(
      { target: at, body: Buffer.from(body) },
      {
        protocol: 'grpc',
        from: { model: 'm-1', version: '1' },
        to: { model: 'm-2', version: '2' },
      },
    )?.body.toString()
  assert.equal(
    as('{"model_name":"m-1","model_version":"1","inputs":[{"name":"m-1"}]}'),
    '{"model_name":"m-2","model_version":"2","inputs":[{"name":"m-1"}]}',
  )
  assert.equal(as('{"model_name":"m-1","n":1.0}'), '{"model_name":"m-2","n":1.0}')
  assert.equal(as('{"model_name":"other","model_version":"1"}'), undefined)
  assert.equal(as('{"base64":"CgNtLTE="}'), undefined)
  assert.equal(as('{"model_name":"m-1"}', '/shop.Cart/Add'), undefined)
})
