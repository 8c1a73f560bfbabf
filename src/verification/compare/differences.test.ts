import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sameJson } from '../scores/same-json.ts'
import type { Comparison } from './comparison.ts'
import { differences } from './differences.ts'
import { asChat, asJson, chat, json, stream } from './testing.ts'
import { textDistance } from './text-distance.ts'

/** Field and kind of each difference. */
function found(a: unknown, b: unknown, how: Partial<Comparison> = {}): string[] {
  return differences(json(a), json(b), { ...asJson, ...how }).map(
    ({ field, kind }) => `${kind} ${field}`,
  )
}

test('every kind of difference is told with its field, indexes generalised', () => {
  assert.deepEqual(found({ a: 1 }, { a: 1.5 }), ['number $.a'])
  assert.deepEqual(found({ a: 'cat' }, { a: 'dog' }), ['label $.a'])
  assert.deepEqual(found({ a: true }, { a: false }), ['label $.a'])
  assert.deepEqual(found({ a: 1 }, { a: '1' }), ['type $.a'])
  assert.deepEqual(found({ a: {} }, { a: null }), ['type $.a'])
  assert.deepEqual(found({ a: 1, b: 2 }, { a: 1 }), ['missing $.b'])
  assert.deepEqual(found({ a: 1 }, { a: 1, b: null }), ['extra $.b'])
  assert.deepEqual(found([1, 2], [1]), ['length $'])
  assert.deepEqual(found({ all: [{ x: 1 }, { x: 2 }] }, { all: [{ x: 1 }, { x: 3 }] }), [
    'number $.all[*].x',
  ])
  assert.deepEqual(found({ a: 'one two three four' }, { a: 'one two three five' }), ['text $.a'])
  assert.deepEqual(found({ 'a b': 1 }, { 'a b': 2 }), ['number $["a b"]'])
  const [exact] = differences(json({ all: [{ x: 1 }] }), json({ all: [{ x: 2 }] }), asJson)
  assert.deepEqual([exact!.at, exact!.a, exact!.b], ['$.all[0].x', '1', '2'])
})

test('another status says all; what errors say in their bodies does not count', () => {
  const all = differences(json({ a: 1 }), json({ a: 2 }, 500), asJson)
  assert.deepEqual(
    all.map(({ field, a, b }) => [field, a, b]),
    [['status', '200', '500']],
  )
  assert.deepEqual(differences(json({ a: 1 }, 404), json({ a: 2 }, 404), asJson), [])
  const none = { status: 0, headers: {}, body: '' }
  assert.equal(differences(json({ a: 1 }), none, asJson)[0]!.b, 'no answer')
})

test('numbers are equal within the first tolerance that fits their place, absolute or relative', () => {
  const tolerances = [
    { path: '$.scores', absolute: 0.05, relative: 0 },
    { path: '$', absolute: 0, relative: 0.1 },
  ]
  assert.deepEqual(found({ scores: [0.5] }, { scores: [0.55] }, { tolerances }), [])
  assert.deepEqual(found({ scores: [0.5] }, { scores: [0.56] }, { tolerances }), [
    'number $.scores[*]',
  ])
  assert.deepEqual(found({ price: 100 }, { price: 109 }, { tolerances }), [])
  assert.deepEqual(found({ price: 100 }, { price: 112 }, { tolerances }), ['number $.price'])
  assert.deepEqual(found({ a: 0.1 + 0.2 }, { a: 0.3 }), [])
})

test('what is ignored is ignored with all below it, and nothing beside it', () => {
  const ignore = ['$.meta', '$.items[*].id', "$['a b']"]
  const a = { meta: { at: 1, by: [1] }, items: [{ id: 1, v: 1 }], 'a b': 1, metal: 1 }
  const b = { meta: 'gone', items: [{ id: 2, v: 2 }], metal: 2 }
  assert.deepEqual(found(a, b, { ignore }), ['number $.items[*].v', 'number $.metal'])
})

test('scored labels: who leads, the order by score and what is on the list count; the order of writing does not', () => {
  const list = (...pairs: [string, number][]) => pairs.map(([label, score]) => ({ label, score }))
  const tolerances = [{ path: '$', absolute: 0.02, relative: 0 }]
  const base = list(['cat', 0.6], ['dog', 0.3], ['cow', 0.1])
  assert.deepEqual(found(base, base.toReversed()), [])
  assert.deepEqual(found(base, list(['dog', 0.6], ['cat', 0.3], ['cow', 0.1])), [
    'ranking $',
    'number $[*].score',
  ])
  const close = list(['cat', 0.4], ['dog', 0.39], ['cow', 0.2])
  const swapped = list(['cat', 0.39], ['dog', 0.4], ['cow', 0.2])
  assert.deepEqual(found(close, swapped, { tolerances }), [], 'a tie has no order')
  assert.deepEqual(found(base, list(['cat', 0.6], ['dog', 0.3], ['fox', 0.1])), ['ranking $'])
  const [lead] = differences(
    json(base),
    json(list(['dog', 0.6], ['cat', 0.3], ['cow', 0.1])),
    asJson,
  )
  const [tail] = differences(
    json(base),
    json(list(['cat', 0.6], ['dog', 0.1], ['cow', 0.3])),
    asJson,
  )
  assert.equal(lead!.distance, 1)
  assert.ok(Math.abs(tail!.distance - 1 / 3) < 1e-9)
})

test('an embedding may be rounded otherwise, and a forecast of as many numbers may not', () => {
  const numbers = Array.from({ length: 64 }, (_, index) => Math.sin(index + 1))
  const near = numbers.map((one, index) => one * (1 + (index % 2 === 0 ? 1e-4 : -1e-4)))
  const embedding = (list: number[]) => ({ data: [{ embedding: list }] })
  assert.deepEqual(found(embedding(numbers), embedding(near)), [])
  assert.deepEqual(found(embedding(numbers), embedding(numbers.toReversed())), [
    'vector $.data[*].embedding',
  ])
  assert.ok(found({ hours: numbers }, { hours: near }).includes('number $.hours[*]'))
})

test('an answer that is not what the protocol says differs from one that is, and only then', () => {
  const garbage = { ...json({}), body: '<html>' }
  assert.equal(differences(json({}), garbage, asJson)[0]!.kind, 'form')
  assert.deepEqual(differences(garbage, garbage, asJson), [])
  const bytes = { ...json({}), body: new Uint8Array([0xff, 0xfe]) }
  assert.equal(differences(json({}), bytes, asJson)[0]!.kind, 'form')
  const image = (byte: number) => ({
    status: 200,
    headers: { 'content-type': 'image/png' },
    body: new Uint8Array([0xff, byte]),
  })
  const http = { ...asJson, protocol: 'http' as const }
  assert.deepEqual(differences(image(1), image(1), http), [])
  assert.equal(differences(image(1), image(2), http).length, 1)
  assert.equal(differences(json({}), image(1), http)[0]!.field, 'content-type')
})

test('ids, times and counts of an OpenAI answer do not count; its text and its end do', () => {
  const text = 'Call me Ishmael, he said to the others.'
  assert.deepEqual(differences(chat(text, 'x1'), chat(text, 'x2'), asChat), [])
  const [one] = differences(chat(text), chat('Something else entirely was written here.'), asChat)
  assert.deepEqual([one!.field, one!.kind], ['$.choices[*].message.content', 'text'])
  assert.ok(one!.distance > 0.7 && one!.distance <= 1)
})

test('a stream is compared as the answer that it adds up to, with its tool calls', () => {
  const call = (...pieces: string[]) =>
    stream(
      { id: 'a', choices: [{ index: 0, delta: { role: 'assistant', content: null } }] },
      ...pieces.map((piece, index) => ({
        choices: [
          {
            index: 0,
            delta: {
              tool_calls: [
                {
                  index: 0,
                  ...(index === 0 ? { id: `call-${piece}`, type: 'function' } : {}),
                  function: { ...(index === 0 ? { name: 'weather' } : {}), arguments: piece },
                },
              ],
            },
          },
        ],
      })),
      { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    )
  const paris = call('{"city": "Pa', 'ris", "days": 3}')
  assert.deepEqual(differences(paris, call('{"days":3,"ci', 'ty":', '"Paris"}'), asChat), [])
  const [other] = differences(paris, call('{"city": "Rome", "days": 3}'), asChat)
  assert.deepEqual(
    [other!.field, other!.kind, other!.b],
    ['$.choices[*].message.tool_calls[*].function.arguments.city', 'toolCall', 'Rome'],
  )
  const said = stream({ choices: [{ index: 0, delta: { content: 'It is sunny in Paris.' } }] })
  assert.ok(differences(paris, said, asChat).some(({ kind }) => kind === 'toolCall'))
  const cut = { ...paris, body: Buffer.from(paris.body.toString().replace('data: [DONE]\n\n', '')) }
  assert.match(differences(paris, cut, asChat)[0]!.b, /cut/)
})

test('an answer that is too large or too deep is never called equal, and costs little', () => {
  const deep = (end: number) => `${'['.repeat(5000)}${end}${']'.repeat(5000)}`
  const [one] = differences({ ...json(0), body: deep(1) }, { ...json(0), body: deep(1) }, asJson)
  assert.equal(one!.kind, 'tooLarge')
  const many = { list: Array.from({ length: 60_000 }, () => ({})) }
  assert.ok(found(many, many).includes('tooLarge $.list[*]'))
  const words = Array.from({ length: 200_000 }, (_, index) => `w${index * 7919}`)
  const begun = performance.now()
  textDistance(words.join(' '), words.toReversed().join(' '))
  assert.ok(performance.now() - begun < 20_000, 'all against all would take minutes')
})

test('the distance of texts: the reference, and what sampling does beside what breaking does', () => {
  assert.ok(Math.abs(textDistance('a b c d', 'a b x d') - 0.25) < 1e-9)
  assert.equal(textDistance('a b', 'c d'), 1)
  assert.ok(textDistance('今天天气很好', '今天天气不好') < 0.5, 'signs are words')
})

/** Whole numbers: others may be equal within their tolerance. */
const { value: anyJson } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, '', 'a', 'b', 'one two three four', 'one two three'),
    fc.integer({ min: -3, max: 3 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'label', 'score'), tie('value'), { maxKeys: 3 }),
  ),
}))

test('any two JSON values: alike is what is the same, and only that, both ways', () => {
  fc.assert(
    fc.property(anyJson, anyJson, (a, b) => {
      assert.deepEqual(found(a, structuredClone(a)), [])
      const there = differences(json(a), json(b), asJson)
      assert.equal(there.length === 0, sameJson(a, b))
      assert.equal(there.length === 0, differences(json(b), json(a), asJson).length === 0)
      for (const { distance } of there) assert.ok(distance > 0 && distance <= 1)
    }),
    { numRuns: 2000 },
  )
})

test('the distance of any two texts lies between 0 and 1, and is the same both ways', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'dd', '.', '天')).map((all) => all.join(' '))
  fc.assert(
    fc.property(text, text, (a, b) => {
      const distance = textDistance(a, b)
      assert.ok(distance >= 0 && distance <= 1, String(distance))
      assert.equal(distance === 0, a === b)
      assert.ok(Math.abs(distance - textDistance(b, a)) < 1e-12)
    }),
  )
})
