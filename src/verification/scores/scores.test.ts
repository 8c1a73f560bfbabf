import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Score } from '../gate.ts'
import { repeatedShare } from './repetition.ts'
import { scorerOf } from './scores.ts'
import { lineOf } from './testing.ts'

async function scoring(score: Score, cases: [answer: unknown, expected: unknown, score: number][]) {
  const scorer = await scorerOf(score)
  for (const [answer, expected, right] of cases) {
    assert.equal(scorer.wrongWith(expected), null)
    const text = `${score.kind}: ${JSON.stringify(answer)} for ${JSON.stringify(expected)}`
    assert.equal(await scorer.score(answer, lineOf(expected)), right, text)
  }
}

test('exact takes the same JSON, whatever the order of its keys', () =>
  scoring({ kind: 'exact' }, [
    ['fr', 'fr', 1],
    ['FR', 'fr', 0],
    [{ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, 1],
    [{ a: 1, b: [2, 1] }, { b: [1, 2], a: 1 }, 0],
    [{ a: 1, b: 2 }, { a: 1 }, 0],
    [{ a: 1 }, { a: 1, b: 2 }, 0],
    [{ a: 1 }, { b: 1 }, 0],
    [[], {}, 0],
    [null, null, 1],
    [null, {}, 0],
    ['1', 1, 0],
    [-0, 0, 1],
    [false, 0, 0],
  ]))

test('oneOf takes any of a list, and needs one', async () => {
  await scoring({ kind: 'oneOf' }, [
    ['b', ['a', 'b'], 1],
    ['c', ['a', 'b'], 0],
    [['a'], [['a']], 1],
    ['a', [], 0],
  ])
  assert.match((await scorerOf({ kind: 'oneOf' })).wrongWith('a')!, /needs a list/)
})

test('numeric takes what is near enough, rounding aside', async () => {
  await scoring({ kind: 'numeric', tolerance: 0.1 }, [
    [1.1, 1.0, 1],
    [1.11, 1.0, 0],
    [-1, -1.1, 1],
    ['1', 1, 0],
    [null, 0, 0],
  ])
  await scoring({ kind: 'numeric', tolerance: 0 }, [
    [0.1, 0.1, 1],
    [0.1001, 0.1, 0],
  ])
  const scorer = await scorerOf({ kind: 'numeric', tolerance: 0 })
  assert.match(scorer.wrongWith('1')!, /needs a number/)
})

test('jsonFields takes equal fields, and a field that nobody expects is an error, never a match', async () => {
  const score: Score = { kind: 'jsonFields', fields: ['label', 'deep.er', '$.list[0]'] }
  const expected = { label: 'fr', deep: { er: 1 }, list: [2] }
  await scoring(score, [
    [{ ...expected, more: true }, expected, 1],
    [{ ...expected, label: 'es' }, expected, 0],
    [{ label: 'fr' }, expected, 0],
    ['fr', expected, 0],
  ])
  const scorer = await scorerOf(score)
  assert.match(
    scorer.wrongWith({ label: 'fr', list: [2] })!,
    /needs the field deep\.er in "expected"/,
  )
  await assert.rejects(scorerOf({ kind: 'jsonFields', fields: ['$..x'] }), /descendants/)
})

test('regex tries the pattern on text, on anything else as JSON', async () => {
  await scoring({ kind: 'regex' }, [
    ['Paris is it', '^Paris', 1],
    ['in Paris', '^Paris', 0],
    [42, '^4\\d$', 1],
    [{ label: 'fr' }, '"label":"(fr|es)"', 1],
    ['é', '^\\p{L}$', 1],
  ])
  const scorer = await scorerOf({ kind: 'regex' })
  assert.match(scorer.wrongWith('(')!, /cannot use the pattern: Invalid regular expression/)
  assert.match(scorer.wrongWith(1)!, /needs a pattern/)
})

test('a pattern that would take years decides nothing, soon', async () => {
  const scorer = await scorerOf({ kind: 'regex' })
  const begun = performance.now()
  assert.throws(
    () => scorer.score(`${'a'.repeat(60)}!`, lineOf('^(a+)+$')),
    /took longer than 250 ms/,
  )
  assert.ok(performance.now() - begun < 20_000)
  assert.equal(scorer.score('aaa', lineOf('^(a+)+$')), 1)
})

test('a loop repeats its runs of four words, prose does not, in languages without spaces either', () => {
  assert.equal(repeatedShare('Call me Ishmael. Some years ago, never mind how long precisely'), 0)
  // Seven runs of four words, of which three are different.
  const loop = repeatedShare('The sea, the whale the sea the whale the sea')!
  assert.ok(loop > 0.3 && loop < 0.7, String(loop))
  assert.ok(repeatedShare('and so on and on '.repeat(50))! > 0.9)
  assert.ok(repeatedShare('私は海を見た。'.repeat(20))! > 0.9)
  assert.equal(repeatedShare('Aye aye, captain'), null)
  assert.equal(repeatedShare(''), null)
})
