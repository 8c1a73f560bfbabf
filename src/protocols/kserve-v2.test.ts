import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byName } from './kserve-v2.ts'
import { askedFor } from './protocol.ts'
import { protocolOf } from './protocols.ts'

const kserve = protocolOf('kserve-v2')
const infer = askedFor('/v2/models/parity/versions/2/infer', {})
const read = (value: unknown, asked = infer) => {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return kserve.read({ status: 200, body, pieces: [{ text: body, ms: 1 }] }, asked)
}
const output = (name: string, data: unknown, shape: unknown) => ({
  name,
  datatype: 'INT64',
  shape,
  data,
})

test('one output of one element is that element; one of several its list, nested or not; several go by name', () => {
  const valueOf = (...outputs: unknown[]) => {
    const found = read({ model_name: 'parity', outputs })
    return 'failure' in found ? found.failure : found.value
  }
  assert.equal(valueOf(output('p', [1], [1, 1])), 1)
  assert.deepEqual(valueOf(output('p', [1, 0, 1, 1], [2, 2])), [1, 0, 1, 1])
  assert.deepEqual(
    valueOf(
      output(
        'p',
        [
          [1, 0],
          [1, 1],
        ],
        [2, 2],
      ),
    ),
    [1, 0, 1, 1],
  )
  assert.deepEqual(valueOf(output('p', [1], [1]), output('q', [0.5, 0.5], [2])), {
    p: 1,
    q: [0.5, 0.5],
  })
})

test('what is no answer of the protocol is said, and one whose shape lies is wrong', () => {
  for (const [answer, expected] of [
    ['<html>', /no JSON object/],
    [{ error: 'no such model' }, /is an error: no such model/],
    [{ outputs: [] }, /has no outputs/],
    [{ outputs: [{ name: 'p' }] }, /without name, shape, datatype or data/],
    [{ model_name: 'p' }, /has no outputs/],
  ] as const) {
    const found = read(answer)
    assert.match('failure' in found ? found.failure : '', expected)
  }
  const short = read({ outputs: [output('p', [1, 2], [3])] })
  assert.match(
    'wrong' in short ? short.wrong! : '',
    /output p has 2 values, and its shape \[3\] says 3/,
  )
})

test('other paths of a server are read as they are', () => {
  const found = read({ name: 'parity', versions: ['1'] }, askedFor('/v2/models/parity', null))
  assert.deepEqual('value' in found ? found.value : null, { name: 'parity', versions: ['1'] })
})

test('a request must have inputs', () => {
  assert.equal(kserve.wrongRequest({ inputs: [output('x', [1], [1])] }, '/v2/models/m/infer'), null)
  assert.match(kserve.wrongRequest({ input: 1 }, '/v2/models/m/infer')!, /"inputs", a list of/)
  assert.match(kserve.wrongRequest(null, '/v2/models/m/infer')!, /"inputs"/)
})

test('outputs are compared by their names, whatever order they are written in', () => {
  const [p, q] = [output('p', [1], [1]), output('q', [[2, 3]], [1, 2])]
  const one = byName({ id: '1', model_version: '1', outputs: [p, q] })
  assert.deepEqual(one, byName({ id: '2', model_version: '2', outputs: [q, p] }))
  assert.equal(byName({ error: 'x' }), null)
})
