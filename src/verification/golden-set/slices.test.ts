/** Slices by themselves, and figures that are no mean of scores. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Score } from '../gate.ts'
import { goldenSpec } from '../testing.ts'
import type { GoldenSetSpec } from './evidence.ts'
import { judge } from './judge.ts'
import { openTally } from './tally.ts'

type Answer = { language: string; expected: unknown; own: unknown; live?: unknown }

function judged(spec: Partial<GoldenSetSpec>, answers: readonly Answer[]) {
  const asked = goldenSpec({ file: 'golden.jsonl', digest: '', slice: '$.meta.language', ...spec })
  const tally = openTally(asked.score, asked.slice)
  const side = (answer: unknown, expected: unknown) => ({
    score: answer === '!' ? 0 : Number(answer === expected),
    answer,
    failure: answer === '!' ? 'status 500' : null,
    firstTokenMs: null,
    probability: null,
  })
  const compared = answers.some(({ live }) => live !== undefined)
  for (const [index, { language, expected, own, live }] of answers.entries())
    tally.add(index, {
      line: {
        line: index + 1,
        request: { meta: { language } },
        expected,
        slice: null,
      },
      candidate: side(own, expected),
      live: compared ? side(live, expected) : null,
    })
  return judge(asked, tally, { candidate: 'v2', live: compared ? 'v1' : null })
}

const many = (count: number, language: string, own: unknown, live?: unknown): Answer[] =>
  Array.from({ length: count }, () => ({ language, expected: 'x', own, live }))

test('a slice that is lost fails its floor, though the whole does not', () => {
  const answers = [...many(900, 'fr', 'x'), ...many(30, 'ja', 'y'), ...many(5, 'nl', 'y')]
  assert.equal(judged({ atLeast: 0.9 }, answers).verdict, 'pass')
  const perSlice = { atLeast: 0.8, noWorseBy: null, lines: 20 }
  const { verdict, because } = judged({ atLeast: 0.9, perSlice }, answers)
  assert.equal(verdict, 'fail')
  assert.match(because, /slice ja scores 0 % on 30, at least 80 % is asked of each/)
  assert.doesNotMatch(because, /slice nl/)
})

test('a slice that is worse than live fails, though the whole is better', () => {
  const answers = [
    ...many(300, 'fr', 'x', 'y'),
    ...many(40, 'ja', 'y', 'x'),
    ...many(60, 'ja', 'x', 'x'),
  ]
  assert.equal(judged({ noWorseBy: 0 }, answers).verdict, 'pass')
  const perSlice = { atLeast: null, noWorseBy: 0.05, lines: 20 }
  const { verdict, because } = judged({ noWorseBy: 0, perSlice }, answers)
  assert.equal(verdict, 'fail')
  assert.match(because, /slice ja is worse than live by 40 % on 100, and may be by 5 %/)
})

test('slices that live fails in say nothing there; without a slice that is large enough nothing is decided', () => {
  const perSlice = { atLeast: null, noWorseBy: 0.05, lines: 20 }
  const broken = [
    ...many(100, 'fr', 'x', 'x'),
    ...many(3, 'ja', 'y', '!'),
    ...many(37, 'ja', 'y', 'y'),
  ]
  assert.equal(judged({ noWorseBy: 0.05, perSlice }, broken).verdict, 'pass')
  const small = [...many(10, 'fr', 'x', 'x'), ...many(19, 'ja', 'x', 'x')]
  const { verdict, because } = judged({ noWorseBy: 0.05, perSlice }, small)
  assert.equal(verdict, 'undecided')
  assert.match(because, /no slice has 20 lines, so none could be judged by itself/)
})

test('an equal version passes each slice, whatever it scores there', () => {
  const perSlice = { atLeast: null, noWorseBy: 0, lines: 1 }
  const answers = [
    ...many(50, 'fr', 'x', 'x'),
    ...many(50, 'ja', 'y', 'y'),
    ...many(1, 'nl', 'y', 'y'),
  ]
  assert.equal(judged({ noWorseBy: 0, perSlice }, answers).verdict, 'pass')
})

test('what is compared by slice only is not compared without a live version', () => {
  const perSlice = { atLeast: 0.5, noWorseBy: 0.05, lines: 20 }
  const { verdict, because } = judged({ perSlice }, many(30, 'fr', 'x'))
  assert.equal(verdict, 'pass', because)
})

const macro: Score = { kind: 'f1', average: 'macro' }

test('macro F1 sees a rare label that is lost, and what was stated holds within its own chance', () => {
  const rare = (own: unknown, live?: unknown): Answer[] =>
    Array.from({ length: 10 }, () => ({ language: 'fr', expected: 'rare', own, live }))
  const common = Array.from({ length: 490 }, () => ({
    language: 'fr',
    expected: 'common',
    own: 'common',
    live: 'common',
  }))
  const lost = judged({ score: macro, noWorseBy: 0.01 }, [...common, ...rare('common', 'rare')])
  assert.equal(lost.verdict, 'fail')
  assert.match(lost.because, /v2 scores 49\.49 % on 500 inputs, live v1 100 %/)
  const kept = judged({ score: macro, expects: 1, noWorseBy: 0 }, [
    ...common,
    ...rare('rare', 'rare'),
  ])
  assert.equal(kept.verdict, 'pass', kept.because)
  const other = judged({ score: macro, expects: 1 }, [...common, ...rare('common', 'common')])
  assert.equal(other.verdict, 'fail', 'ten of ten rare ones lost is no chance')
})

test('an answer that failed has missed its labels', () => {
  const { because } = judged({ score: macro, atLeast: 0.5 }, [
    ...many(50, 'fr', 'x'),
    ...many(50, 'fr', '!'),
  ])
  // 50 hits, 50 missed: 2 · 50 / (100 + 50).
  assert.match(because, /v2 scores 66\.67 % on 100 inputs/)
})
