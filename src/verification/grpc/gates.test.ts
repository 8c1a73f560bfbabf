/** Gates against real servers of gRPC: what is asked and answered in messages is judged as anything else, and what cannot be read never passes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { inferPath, metadataMethod } from '../../protocols/grpc/kserve-messages.ts'
import { encode } from '../../protocols/grpc/encode.ts'
import { capturedOf } from '../capture/captured.ts'
import { redactorOf } from '../capture/redact.ts'
import { tappedOf } from '../capture/testing.ts'
import { compatibility } from '../compatibility/compatibility.ts'
import { goldenSet } from '../golden-set/golden-set.ts'
import { identity } from '../identity/identity.ts'
import { load } from '../load/load.ts'
import { replay } from '../replay/replay.ts'
import { shadow } from '../shadow/shadow.ts'
import type { TapListener } from '../tap/hear.ts'
import {
  calm,
  goldenFile,
  goldenSpec,
  model,
  replaySpec,
  shadowSpec,
  unrecorded,
  warmUpSpec,
} from '../testing.ts'
import { warmUp } from '../warm-up/warm-up.ts'
import { grpcModel, grpcTarget, labelBytes, question, questionBytes } from './testing.ts'
import type { Asked, Call } from './testing.ts'
import { framed } from '../../protocols/grpc/framing.ts'

const right = ({ text }: Asked): Call => ({ label: text?.[0] ?? '?' })
const wrong = (): Call => ({ label: 'z' })
const method = { method: 'POST' as const, path: inferPath, headers: {}, timeoutS: 5 }
const texts = (count: number) => Array.from({ length: count }, (_, nth) => `${'ab'[nth % 2]}${nth}`)
const rules = { paths: [], headers: [], patterns: [] }
const copy = { methods: ['POST'], exclude: [] }

async function golden(context: TestContext, behave: (asked: Asked, count: number) => Call) {
  const lines = texts(20).map((text) => ({ request: question(text), expected: text[0] }))
  const spec = goldenSpec({
    ...(await goldenFile(context, lines)),
    protocol: 'grpc',
    request: method,
    answer: null,
    atLeast: 0.9,
  })
  const server = await grpcModel(context, behave)
  return { ...(await goldenSet(spec, grpcTarget('v2', server), null, calm())), server }
}

/** As the gateway taps a call: the status stands behind the answer. */
function tapped(text: string, label: string, more: Parameters<typeof tappedOf>[0] = {}) {
  const one = tappedOf({
    target: inferPath,
    headers: {
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '1S',
      'x-tenant': 't',
    },
    body: questionBytes(text),
    answerHeaders: { 'content-type': 'application/grpc' },
    answer: framed(labelBytes(label)),
    ...more,
  })
  return { ...one, trailerLines: 'grpc-status: 0\r\n' }
}

test('a golden set in JSON is asked in messages; right answers pass, wrong ones fail', async (context) => {
  const good = await golden(context, right)
  assert.equal(good.verdict, 'pass', good.because)
  assert.equal(good.server.asked.length, 20)
  const [first] = good.server.asked
  assert.deepEqual(
    [
      first!.path,
      first!.headers['content-type'],
      first!.headers['te'],
      first!.headers['beryl-test'],
    ],
    [inferPath, 'application/grpc', 'trailers', 'golden-set'],
  )
  const bad = await golden(context, wrong)
  assert.equal(bad.verdict, 'fail', bad.because)
})

test('whatever is no answer fails: an error status, none at all, a page, silence, a server of HTTP/1.1', async (context) => {
  const cases: [Call, RegExp][] = [
    [
      { code: 13, words: 'out of 100 % memory' },
      /grpc-status 13 \(INTERNAL\): out of 100 % memory/,
    ],
    [{ code: 3 }, /grpc-status 3 \(INVALID_ARGUMENT\)/],
    ['without status', /without a grpc-status/],
    [{ html: '<p>' }, /status 200 with text\/html: no answer of gRPC/],
    [{ message: Buffer.from('0a02c328', 'hex') }, /the answer has no outputs/],
  ]
  for (const [call, said] of cases) {
    const { verdict, because, evidence } = await golden(context, () => call)
    assert.equal(verdict, 'fail', because)
    assert.match(JSON.stringify(evidence), said)
  }
  const { file } = await goldenFile(context, [{ request: question('a'), expected: 'a' }])
  const old = await model(context, () => ({ label: 'a' }))
  const target = { ...grpcTarget('v2'), addresses: [old.address] }
  const { verdict } = await warmUp(
    warmUpSpec({ protocol: 'grpc', request: method, file, withinS: 2 }),
    target,
    unrecorded,
    calm(),
  )
  assert.notEqual(verdict, 'pass')
  assert.equal(old.asked.length, 0)
})

test('warm-up and load send messages; calls that end with an error count as errors', async (context) => {
  const { file } = await goldenFile(
    context,
    texts(10).map((text) => ({ request: question(text), expected: null })),
  )
  const warm = async (behave: (asked: Asked, count: number) => Call) =>
    warmUp(
      warmUpSpec({ protocol: 'grpc', request: method, file }),
      grpcTarget('v2', await grpcModel(context, behave)),
      unrecorded,
      calm(),
    )
  assert.equal((await warm(right)).verdict, 'pass')
  const failing = await warm((_, count) => (count % 3 === 0 ? { code: 14 } : { label: 'a' }))
  assert.notEqual(failing.verdict, 'pass', failing.because)
  const loaded = async (behave: (asked: Asked, count: number) => Call) =>
    load(
      {
        kind: 'load',
        protocol: 'grpc',
        rate: { perSecond: 40 },
        forS: 1,
        ramp: null,
        p95Ms: 2000,
        firstTokenMs: null,
        errors: 0.01,
        request: method,
        file,
        captured: null,
        withinS: 30,
      },
      grpcTarget('v2', await grpcModel(context, behave)),
      unrecorded,
      calm(),
    )
  assert.notEqual((await loaded(right)).verdict, 'fail')
  const bad = await loaded((_, count) =>
    count % 5 === 0 ? { code: 8, words: 'busy' } : { label: 'a' },
  )
  assert.equal(bad.verdict, 'fail', bad.because)
  assert.match(JSON.stringify(bad.evidence), /grpc-status 8 \(RESOURCE_EXHAUSTED\): busy/)
})

test('messages that nobody here knows are sent and compared as bytes', async (context) => {
  const echo = ({ bytes }: Asked): Call => ({ message: bytes.subarray(5) })
  const server = await grpcModel(context, echo)
  const lines = ['CgFh', 'CgFi'].map((base64) => ({ request: { base64 }, expected: base64 }))
  const spec = goldenSpec({
    ...(await goldenFile(context, lines)),
    protocol: 'grpc',
    request: { ...method, path: '/shop.Cart/Add' },
    answer: null,
    atLeast: 1,
  })
  const { verdict, because } = await goldenSet(spec, grpcTarget('v2', server), null, calm())
  assert.equal(verdict, 'pass', because)
  assert.deepEqual(
    server.asked
      .map(({ path, bytes }) => `${path} ${bytes.subarray(5).toString('base64')}`)
      .toSorted((a, b) => (a < b ? -1 : 1)),
    ['/shop.Cart/Add CgFh', '/shop.Cart/Add CgFi'],
  )
})

test('identity asks for the metadata of the model', async (context) => {
  const asked = async (versions: string[]) => {
    const server = await grpcModel(context, ({ path }) =>
      path === metadataMethod
        ? {
            message: encode(
              {
                1: { name: 'name', kind: 'string' },
                2: { name: 'versions', kind: 'string', many: true },
              },
              { name: 'm', versions },
            ),
          }
        : { code: 12 },
    )
    const request = { ...method, path: metadataMethod }
    return identity(
      {
        kind: 'identity',
        request,
        body: { name: 'm' },
        answer: '$.versions[*]',
        is: 'v2',
        withinS: 5,
      },
      grpcTarget('v2', server),
      calm(),
    )
  }
  assert.equal((await asked(['v1', 'v2'])).verdict, 'pass')
  const other = await asked(['v1'])
  assert.equal(other.verdict, 'fail')
  assert.match(other.because, /should say v2 at POST .*ModelMetadata, and says \["v1"\]/)
})

test('recorded calls are kept as JSON, without what must go, and are asked again: replay and compatibility', async (context) => {
  const redactor = redactorOf({ ...rules, paths: ['$.id'], patterns: ['secret\\d+'] })
  const records = texts(60).map((text, nth) =>
    capturedOf({ ...tapped(text, text[0]!), at: nth }, redactor)!,
  )
  assert.match(JSON.stringify(records[0]), /model_name/)
  assert.deepEqual(
    [records[0]!.request.headers[0], records[0]!.answer.status],
    [['content-type', 'application/json'], 200],
  )
  const hidden = capturedOf(tapped('a secret12', 'a'), redactor)!
  assert.match(JSON.stringify(hidden.request.body), /a \[redacted\]/)

  const captures = { newest: async (_: string, count: number) => records.slice(-count) }
  const asked = async (behave: (asked: Asked) => Call) => {
    const [own, live] = [await grpcModel(context, behave), await grpcModel(context, right)]
    const sides = {
      service: 'tiny',
      candidate: grpcTarget('v2', own),
      live: grpcTarget('v1', live),
    }
    const how = { protocol: 'grpc', ignore: [], tolerances: [], text: 'exact' } as const
    return {
      own,
      replayed: await replay(
        replaySpec({ how, requests: 60, copy, noWorseBy: 0.1, liveAgain: 1 }),
        sides,
        captures,
        calm(),
      ),
      compatible: await compatibility(
        {
          kind: 'compatibility',
          protocol: 'grpc',
          requests: 60,
          schema: null,
          ignore: [],
          headers: {},
          copy,
          redact: rules,
          timeoutS: 5,
          concurrency: 4,
          withinS: 20,
        },
        sides,
        captures,
        calm(),
      ),
    }
  }
  const equal = await asked(right)
  assert.equal(equal.replayed.verdict, 'pass', equal.replayed.because)
  assert.equal(equal.compatible.verdict, 'pass', equal.compatible.because)
  const { headers } = equal.own.asked[0]!
  assert.deepEqual(
    [headers['x-tenant'], headers['beryl-copy'], headers['grpc-timeout']],
    ['t', '1', undefined],
  )
  const other = await asked(wrong)
  assert.equal(other.replayed.verdict, 'fail', other.replayed.because)
  assert.equal(other.compatible.verdict, 'pass', other.compatible.because)
  const refusing = await asked(() => ({ code: 3, words: 'another shape' }))
  assert.equal(refusing.compatible.verdict, 'fail', refusing.compatible.because)
  assert.equal(refusing.replayed.verdict, 'fail', refusing.replayed.because)
})

test('what cannot be read is not recorded, unless the manifest says so; what failed is recorded as failed', () => {
  const strange = tapped('a', 'a', { target: '/shop.Cart/Add' })
  assert.equal(capturedOf(strange, redactorOf(rules)), null)
  const kept = capturedOf(strange, redactorOf({ ...rules, paths: ['$.x'], binary: true }))!
  assert.deepEqual(kept.request.body, { text: strange.request.toString() })
  const failed = {
    ...tapped('a', 'a', { answer: '' }),
    trailerLines: 'grpc-status: 5\r\ngrpc-message: no%20model\r\n',
  }
  const { status, body } = capturedOf(failed, redactorOf(rules))!.answer
  assert.deepEqual([status, body], [404, { text: 'grpc-status 5 (NOT_FOUND): no model' }])
})

test('a shadow compares what clients were answered with what the candidate answers', async (context) => {
  const shadowed = async (behave: (asked: Asked) => Call, live: string | null = null) => {
    const [own, other] = [await grpcModel(context, behave), await grpcModel(context, right)]
    const tap = {
      listen(listener: TapListener) {
        const clock = setInterval(() => {
          for (const text of texts(10)) listener.exchange(tapped(text, live ?? text[0]!))
        }, 5)
        return () => clearInterval(clock)
      },
    }
    const how = { protocol: 'grpc', ignore: [], tolerances: [], text: 'exact' } as const
    return shadow(
      shadowSpec({ how, atLeast: 40, noWorseBy: 0.1, liveAgain: 0.1 }),
      { service: 'tiny', candidate: grpcTarget('v2', own), live: grpcTarget('v1', other) },
      tap,
      calm(),
    )
  }
  const equal = await shadowed(right)
  assert.equal(equal.verdict, 'pass', equal.because)
  const worse = await shadowed(wrong)
  assert.equal(worse.verdict, 'fail', worse.because)
})
