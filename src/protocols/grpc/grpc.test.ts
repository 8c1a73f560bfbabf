/** Messages of KServe V2 over gRPC: bytes as the specification of Protocol Buffers has them, to JSON and back, and what is no message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failureSaid } from '../../gateway/http2/grpc.ts'
import { askedFor } from '../protocol.ts'
import { protocolOf } from '../protocols.ts'
import { framed, isGrpc, messagesIn } from './framing.ts'
import { inferPath, inferResponse } from './kserve-messages.ts'
import { messageFromJson, messageInJson } from './messages.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { ProtobufError } from './protobuf.ts'
import type { Shape } from './protobuf.ts'
import { statusOf } from './status.ts'

const service = '/inference.GRPCInferenceService'
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const request = (input: object, more: object = {}) => ({
  model_name: 'm',
  inputs: [{ name: 'x', ...input }],
  ...more,
})

/** Of https://protobuf.dev/programming-guides/encoding */
test('fields are written as the documentation of Protocol Buffers writes them', () => {
  const cases: [Shape, object, string][] = [
    [{ 1: { name: 'a', kind: 'int32' } }, { a: 150 }, '089601'],
    [{ 2: { name: 'b', kind: 'string' } }, { b: 'testing' }, '120774657374696e67'],
    [
      { 3: { name: 'c', kind: { 1: { name: 'a', kind: 'int32' } } } },
      { c: { a: 150 } },
      '1a03089601',
    ],
    [{ 6: { name: 'e', kind: 'int32', many: true } }, { e: [3, 270, 86942] }, '3206038e029ea705'],
    [{ 1: { name: 'a', kind: 'int64' } }, { a: -2 }, '08feffffffffffffffff01'],
  ]
  for (const [shape, value, bytes] of cases) {
    assert.equal(hex(encode(shape, value)), bytes)
    assert.equal(JSON.stringify(decode(shape, Buffer.from(bytes, 'hex'))), JSON.stringify(value))
  }
  // Numbers of a list may come each by itself, and in both ways.
  const list = { 6: { name: 'e', kind: 'int32', many: true } } as const
  assert.deepEqual(
    decode(list, Buffer.from('3003308e0232029ea7', 'hex').subarray(0, 5))['e'],
    [3, 270],
  )
})

test('a request of the REST form becomes the message that the specification numbers', () => {
  const bytes = messageFromJson(
    inferPath,
    request({ datatype: 'INT64', shape: [2], data: [[7], [-1]] }, { id: 'q' }),
  )
  // model_name 1, id 3, inputs 5 { name 1, datatype 2, shape 3, contents 5 { int64_contents 3 } }
  assert.equal(
    hex(bytes),
    '0a016d' +
      '1a0171' +
      '2a1c' +
      '0a0178' +
      '1205494e543634' +
      '1a0102' +
      '2a0d' +
      '1a0b07' +
      'ffffffffffffffffff01',
  )
  // raw_input_contents 7: an FP16 can only travel so.
  const raw = messageFromJson(inferPath, request({ datatype: 'FP16', shape: [1], data: [1.5] }))
  assert.equal(hex(raw).slice(-8), '3a02003e')
})

test('every datatype survives the way there and back, in lists and as bytes', () => {
  const values: Record<string, unknown[]> = {
    BOOL: [true, false],
    INT8: [-128, 127],
    INT16: [-32768, 32767],
    INT32: [-(2 ** 31), 2 ** 31 - 1],
    INT64: ['-9223372036854775808', 2 ** 53 - 1, '9223372036854775807'],
    UINT8: [0, 255],
    UINT16: [0, 65535],
    UINT32: [0, 2 ** 32 - 1],
    UINT64: ['18446744073709551615', 0],
    FP16: [1.5, -0.25, 'NaN'],
    BF16: [1.5, -3, 'Infinity'],
    FP32: [0.5, -1e10 + 0, 'NaN', '-Infinity'],
    FP64: [0.1, -1e300],
    BYTES: ['wörter', '', { base64: '/9j/' }],
  }
  for (const [datatype, data] of Object.entries(values))
    for (const raw of [false, true]) {
      const asked = request({ datatype, shape: [data.length], data }, { raw })
      const back = messageInJson(inferPath, 'request', messageFromJson(inferPath, asked)) as {
        inputs: object[]
        raw?: boolean
      }
      assert.deepEqual({ ...back.inputs[0] }, { name: 'x', datatype, shape: [data.length], data })
      assert.equal(back.raw ?? false, raw || datatype === 'FP16' || datatype === 'BF16')
    }
})

test('parameters keep their kind; what would lose it stays spelled out', () => {
  const parameters = {
    binary: true,
    priority: 3,
    ratio: 0.5,
    format: 'text',
    whole: { double_param: 2 },
    digits: { int64_param: '9007199254740993' },
  }
  const asked = request({ datatype: 'BOOL', shape: [1], data: [true], parameters }, { parameters })
  const bytes = messageFromJson(inferPath, asked)
  const back = messageInJson(inferPath, 'request', bytes)
  const plain = JSON.parse(JSON.stringify(back)) as {
    parameters: object
    inputs: { parameters: object }[]
  }
  assert.deepEqual([plain.parameters, plain.inputs[0]!.parameters], [parameters, parameters])
  assert.equal(hex(messageFromJson(inferPath, back)), hex(bytes))
})

test('whatever bytes come: a message, or an error that is its own', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        messageInJson(inferPath, 'response', bytes)
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error))
      }
    }),
    { numRuns: 500 },
  )
  for (const [bytes, said] of [
    ['3203', /it is cut/],
    ['f80101', /a field 31 that is not known/],
    ['08ffffffffffffffffffff01', /written as another type|no end/],
    ['0a02c328', /no UTF-8/],
  ] as const)
    assert.throws(() => decode(inferResponse, Buffer.from(bytes, 'hex')), said)
})

test('a request that is none says what is wrong, and where', () => {
  const wrong = (body: unknown, target = inferPath) => protocolOf('grpc').wrongRequest(body, target)
  const good = { datatype: 'FP32', shape: [1], data: [1] }
  assert.equal(wrong(request(good)), null)
  for (const [body, said] of [
    [null, /must have "inputs"/],
    [{ inputs: [good] }, /must have "model_name"/],
    [request({ ...good, data: ['1'] }), /inputs\[0\]\.data\[0\] must be a number, came "1"/],
    [
      request({ ...good, datatype: 'INT8', data: [200] }),
      /data\[0\] must be a whole number from -128 to 127, came 200/,
    ],
    [request({ ...good, datatype: 'FP8' }), /datatype "FP8"; there are BOOL/],
    [request({ ...good, colour: 'red' }), /inputs\.?\[0\]\.colour is no field of it/],
    [request(good, { modelName: 'm' }), /modelName is no field of it; there are model_name/],
  ] as const)
    assert.match(wrong(body) ?? 'taken', said)
  assert.match(
    wrong({ text: 'a' }, '/shop.Cart/Add')!,
    /the messages of \/shop\.Cart\/Add are not known .*"base64"/,
  )
  assert.equal(wrong({ base64: 'CgF4' }, '/shop.Cart/Add'), null)
  assert.equal(wrong(null, '/shop.Cart/List'), null)
})

test('an answer is read as KServe V2 is over REST; other messages are their bytes', () => {
  const read = (whole: unknown, target = inferPath) => {
    const body = JSON.stringify(whole)
    return protocolOf('grpc').read({ status: 200, body, pieces: [] }, askedFor(target, {}))
  }
  const tensor = (name: string, data: unknown[], shape: number[]) => ({
    name,
    datatype: 'FP32',
    shape,
    data,
  })
  assert.equal((read({ outputs: [tensor('y', [2], [1])] }) as { value: unknown }).value, 2)
  const short = read({ outputs: [tensor('y', [1], [3])] }) as { wrong: string }
  assert.match(short.wrong, /output y has 1 values/)
  assert.match((read({ base64: 'AA==' }) as { failure: string }).failure, /no outputs/)
  assert.equal((read({ base64: 'CgF4' }, '/shop.Cart/Add') as { value: unknown }).value, 'CgF4')
  const raw = encode(inferResponse, {
    outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2] }],
    raw_output_contents: [Buffer.from('0000803f00000040', 'hex')],
  })
  const { outputs } = messageInJson(inferPath, 'response', raw) as { outputs: { data: unknown }[] }
  assert.deepEqual(outputs[0]!.data, [1, 2])
  const ready = messageInJson(`${service}/ModelReady`, 'response', Buffer.alloc(0))
  assert.equal(JSON.stringify(ready), '{"ready":false}')
})

test('messages come one after the other in their frames, whole or not at all', () => {
  const [one, two] = [framed(Buffer.from('a')), framed(Buffer.alloc(0))]
  assert.deepEqual(
    messagesIn(Buffer.concat([one, two]))?.map(({ bytes }) => bytes.length),
    [1, 0],
  )
  assert.equal(messagesIn(one.subarray(0, 5)), null)
  assert.equal(messagesIn(Buffer.from([2, 0, 0, 0, 0])), null)
  assert.ok(isGrpc('application/grpc') && isGrpc('application/grpc+proto; a=b'))
  assert.ok(!isGrpc('application/grpc+json') && !isGrpc('application/grpc-web'))
})

test('what the gateway counts as a failure of the server is one here too, and nothing else is', () => {
  for (let code = 1; code <= 16; code++) {
    const said = failureSaid({ speaks: 'grpc' }, `grpc-status: ${code}\r\n`)
    const { status } = statusOf(String(code), undefined)
    assert.equal(status >= 500 ? status : null, said, String(code))
  }
  assert.deepEqual(statusOf('5', 'no%20model'), {
    status: 404,
    says: 'grpc-status 5 (NOT_FOUND): no model',
  })
  assert.equal(statusOf('99', undefined).status, 500)
})
