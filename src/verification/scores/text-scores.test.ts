import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chrf } from './chrf.ts'
import { labelsOf } from './labels.ts'
import { scorerOf } from './scores.ts'
import { lineOf } from './testing.ts'
import { tokenF1 } from './token-f1.ts'

test('chrF is what sacreBLEU 2.6.0 says of a sentence', () => {
  for (const [text, reference, expected] of [
    ['The cat sat on the mat.', 'The cat is sitting on the mat.', 49.6485170311433],
    ['das ist ein Test', 'Das ist ein kleiner Test!', 40.9483789145371],
    ['', 'abc', 0],
    ['ab', 'ab', 100],
    ['ネコがいる', '猫がいる', 44.88925199709513],
    ['completely different', 'xyz', 5.376344086021505],
    ['a b c d e f g', 'abcdefg', 100],
    ['😀 smile', '😀 smiles', 77.57103344229319],
  ] as const)
    assert.ok(
      Math.abs(chrf(text, reference) * 100 - expected) < 1e-9,
      `${text}: ${chrf(text, reference)}`,
    )
})

test('an answer of megabytes is scored soon', () => {
  assert.ok(chrf('word '.repeat(500_000), 'word') > 0)
  assert.ok(tokenF1('word '.repeat(500_000), ['word']) > 0)
})

test('words are counted as SQuAD counts them: without articles, case and punctuation, the best reference', () => {
  assert.equal(tokenF1('The Eiffel Tower!', ['eiffel tower']), 1)
  assert.ok(Math.abs(tokenF1('in the year 1889', ['1889']) - 0.5) < 1e-12)
  assert.equal(tokenF1('Paris', ['London', 'paris']), 1)
  assert.equal(tokenF1('', ['Paris']), 0)
  assert.equal(tokenF1('the', ['']), 1)
  assert.ok(
    Math.abs(tokenF1('a a b', ['b b']) - 2 / 3) < 1e-12,
    'of two, one is shared; a is an article',
  )
})

test('labels are told apart by what they are, and a long text stays one label', () => {
  assert.deepEqual(labelsOf(['fr', 1, '1', true]), ['"fr"', '1', '"1"', 'true'])
  assert.deepEqual(labelsOf('fr'), ['"fr"'])
  assert.deepEqual(labelsOf(null), [])
  const [one] = labelsOf('x'.repeat(10_000))
  const [other] = labelsOf(`${'x'.repeat(9_999)}y`)
  assert.ok(one!.length < 300)
  assert.notEqual(one, other)
})

test('a score says what it needs in "expected" before anything is asked', async () => {
  for (const [score, good, bad, message] of [
    [{ kind: 'f1', average: 'macro' }, ['a', 'b'], { a: 1 }, /needs a label, or a list of labels/],
    [{ kind: 'f1', average: 'tokens' }, ['a', 'b'], 3, /needs a text, or a list of texts/],
    [{ kind: 'chrf' }, 'text', ['text'], /needs a text in "expected"/],
  ] as const) {
    const scorer = await scorerOf(score)
    assert.equal(scorer.wrongWith(good), null)
    assert.match(scorer.wrongWith(bad)!, message)
  }
})

test('a JSON Schema takes what is as it has it, says what is not, and reads JSON that is written as text', async () => {
  const schema = { type: 'object', required: ['order'], properties: { order: { type: 'integer' } } }
  const scorer = await scorerOf({ kind: 'jsonSchema', schema })
  assert.equal(await scorer.score({ order: 3 }, lineOf(null)), 1)
  assert.equal(await scorer.score('{"order": 3}', lineOf(null)), 1)
  assert.deepEqual(await scorer.score({ order: 'three' }, lineOf(null)), {
    failure: 'not as the schema has it: /order must be integer',
  })
  assert.deepEqual(await scorer.score('Sure! {"order": 3}', lineOf(null)), {
    failure: 'not as the schema has it: the value must be object',
  })
})

test('a JSON Schema that does not compile decides nothing, and says why', async () => {
  await assert.rejects(
    scorerOf({ kind: 'jsonSchema', schema: { type: 'objet' } }),
    /schema is invalid: data\/type/,
  )
  await assert.rejects(
    scorerOf({ kind: 'jsonSchema', schema: { requird: ['a'] } }),
    /unknown keyword: "requird"/,
  )
})
