/** A verdict is journalled, logged and sent around: nothing that must not be kept stands in it, wherever it was planted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { capturedOf } from '../capture/captured.ts'
import { redactorOf } from '../capture/redact.ts'
import { tappedOf } from '../capture/testing.ts'
import { compatibility } from '../compatibility/compatibility.ts'
import { calm, model, replaySpec, target } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import { replay } from '../replay/replay.ts'

const redact = {
  paths: ['$.user', '$.messages[*].content.email'],
  headers: ['x-patient'],
  patterns: ['sk-[a-z0-9]{16}'],
}
const hidden = fc.stringMatching(/^SECRET[A-Z]{12}$/)
const key = fc.stringMatching(/^sk-[a-z0-9]{16}$/)

/** Any JSON around what is found by its place, and keys anywhere, as values, in texts and as names. */
const body = (hidden: string, key: string, free: unknown) => ({
  user: { name: hidden, deep: [hidden, { [hidden]: 1 }] },
  messages: [{ content: { email: hidden, text: `my key is ${key}.` } }, { content: 'plain' }],
  free: [free, { [`named ${key}`]: key }],
})

const planted = fc.record({ hidden, key, other: hidden, free: fc.jsonValue({ maxDepth: 2 }) })

test('no planted secret stands in the verdicts of gates on production traffic', async (context) => {
  const all = fc.sample(planted, { numRuns: 60, seed: 4 })
  const redactor = redactorOf(redact)
  const records = all.map(({ hidden, key, free }, nth) =>
    capturedOf(
      tappedOf({
        target: `/predict?key=${key}&n=${nth}`,
        headers: { 'content-type': 'application/json', 'x-patient': hidden, authorization: key },
        body: JSON.stringify({ ...body(hidden, key, free), nth }),
        answer: JSON.stringify({ label: 'a', ...body(hidden, key, free) }),
        at: 1000 + nth,
      }),
      redactor,
    )!,
  )
  /** Another secret at each place where live has its own, and another label: the worst pairs are shown. */
  const answering =
    (label: string, which: 'hidden' | 'other') =>
    (input: object): Behaviour => {
      const one = all[(input as { nth: number }).nth]!
      return { raw: JSON.stringify({ label, ...body(one[which], one.key, one.free) }) }
    }
  const live = await model(context, answering('a', 'hidden'))
  const candidate = await model(context, answering('b', 'other'))
  const renamed = await model(context, (input) => {
    const one = all[(input as { nth: number }).nth]!
    return { raw: JSON.stringify({ said: one.key, ...body(one.other, one.key, one.free) }) }
  })
  const captures = { newest: async () => records }
  const sides = { service: 'tiny', candidate: target('v2', candidate), live: target('v1', live) }
  const compared = await replay(
    replaySpec({ requests: 60, redact, liveAgain: 1, timeoutS: 10 }),
    sides,
    captures,
    calm(),
  )
  const broken = await compatibility(
    {
      kind: 'compatibility',
      protocol: 'json',
      requests: 60,
      schema: null,
      ignore: [],
      headers: {},
      copy: { methods: ['POST'], exclude: [] },
      redact,
      timeoutS: 10,
      concurrency: 8,
      withinS: 20,
    },
    { ...sides, candidate: target('v3', renamed) },
    captures,
    calm(),
  )
  for (const verdict of [compared, broken]) {
    assert.equal(verdict.verdict, 'fail', verdict.because)
    const text = JSON.stringify(verdict)
    assert.match(text, /redacted/, 'examples are shown')
    for (const { hidden, key, other } of all)
      for (const secret of [hidden, key, other])
        assert.ok(!text.includes(secret), `${secret} stands in ${text.slice(0, 2000)}`)
  }
})
