import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded } from '../examination.ts'
import { goldenSpec } from '../testing.ts'
import type { GoldenSetSpec } from './evidence.ts'
import { judge } from './judge.ts'
import { openTally } from './tally.ts'
import type { Scored } from './tally.ts'

/** `+` right, `-` wrong, `!` failed. */
type Marks = string

function scored(mark: string): Scored {
  if (mark === '!') return result({ failure: 'status 500' })
  return result({ score: mark === '+' ? 1 : 0, answer: mark === '+' ? 'right' : 'wrong' })
}

function result(more: Partial<Scored>): Scored {
  return { score: 0, answer: null, failure: null, firstTokenMs: null, probability: null, ...more }
}

function judged(spec: Partial<GoldenSetSpec>, candidate: Marks, live: Marks | null = null) {
  const asked = goldenSpec({ file: 'golden.jsonl', digest: '', ...spec })
  const tally = openTally(asked.score)
  for (const [index, mark] of candidate.split('').entries())
    tally.add(index, {
      line: {
        line: index + 1,
        request: { text: `input ${index + 1}` },
        expected: index % 2 === 0 ? 'fr' : 'es',
        slice: null,
      },
      candidate: scored(mark),
      live: live === null ? null : scored(live[index]!),
    })
  return judge(asked, tally, { candidate: 'v2', live: live === null ? null : 'v1' })
}

const many = (mark: string, times: number) => mark.repeat(times)

test('the floor is reached or it is not, and one input decides', () => {
  assert.equal(judged({ atLeast: 0.92 }, many('+', 92) + many('-', 8)).verdict, 'pass')
  const { verdict, because } = judged({ atLeast: 0.92 }, many('+', 91) + many('-', 9))
  assert.equal(verdict, 'fail')
  assert.match(because, /^v2 scores 91 % on 100 inputs; at least 92 % is asked \(worst slice: /)
})

test('a candidate no worse than the margin passes; one input more and it fails', () => {
  const live = many('+', 92) + many('-', 8)
  assert.equal(judged({ noWorseBy: 0.01 }, many('+', 91) + many('-', 9), live).verdict, 'pass')
  const { verdict, because } = judged({ noWorseBy: 0.01 }, many('+', 90) + many('-', 10), live)
  assert.equal(verdict, 'fail')
  assert.match(because, /live v1 92 %; it may be worse than live by 1 % and is by 2 %/)
})

test('better than live is not enough where a floor is asked as well', () => {
  const { verdict } = judged({ atLeast: 0.9, noWorseBy: 0.01 }, many('+', 8) + '--', many('-', 10))
  assert.equal(verdict, 'fail')
})

test('what is served must be what was trained, even where it beats live', () => {
  const live = many('+', 921) + many('-', 79)
  const broken = many('+', 979) + many('-', 21)
  assert.equal(judged({ atLeast: 0.9, noWorseBy: 0.01 }, broken, live).verdict, 'pass')
  const { verdict, because } = judged({ noWorseBy: 0.01, expects: 0.993 }, broken, live)
  assert.equal(verdict, 'fail')
  assert.match(because, /99\.3 % was stated .* what is served is not what was trained/)
  assert.equal(judged({ expects: 0.993 }, many('+', 993) + many('-', 7)).verdict, 'pass')
  assert.equal(judged({ expects: 0.993 }, many('+', 988) + many('-', 12)).verdict, 'pass')
})

test('more than was stated passes, and the evidence says so', () => {
  const { verdict, because, evidence } = judged({ expects: 0.5 }, many('+', 100))
  assert.equal(verdict, 'pass')
  assert.match(because, /more than was stated \(50 %\)/)
  assert.equal((evidence['expected'] as { above: boolean }).above, true)
})

test('failures of the candidate are wrong answers, and are listed', () => {
  const { verdict, because, evidence } = judged({ atLeast: 0.95 }, many('+', 90) + many('!', 10))
  assert.equal(verdict, 'fail')
  assert.match(because, /10 failed: status 500/)
  assert.deepEqual(evidence['failureKinds'], [{ failure: 'status 500', times: 10 }])
})

test('a failing live version never blocks its own fix', () => {
  const live = many('+', 60) + many('!', 40)
  const fix = many('+', 95) + many('-', 5)
  assert.equal(judged({ atLeast: 0.9, noWorseBy: 0.01 }, fix, live).verdict, 'pass')
})

test('a failing live version does not lower the bar either', () => {
  const live = many('+', 96) + many('!', 4)
  const { verdict, because } = judged({ noWorseBy: 0.01 }, many('-', 4) + many('+', 96), live)
  assert.equal(verdict, 'fail')
  assert.match(because, /is by 4\.17 % on the 96 inputs that live answered/)
})

test('where live fails too often and there is no floor, nothing is decided', () => {
  const live = many('+', 94) + many('!', 6)
  const { verdict, because } = judged({ noWorseBy: 0.01 }, many('+', 100), live)
  assert.equal(verdict, 'undecided')
  assert.match(because, /live version failed on 6 of 100 inputs, and there is no floor/)
  assert.equal(judged({ noWorseBy: 0.01 }, many('+', 100), many('!', 100)).verdict, 'undecided')
})

test('a version without one right answer never passes, whatever the thresholds', () => {
  assert.equal(judged({ atLeast: 0 }, many('!', 20)).verdict, 'fail')
  assert.equal(judged({ noWorseBy: 1 }, many('!', 20), many('-', 20)).verdict, 'fail')
  assert.equal(judged({ expects: 0 }, many('-', 20)).verdict, 'fail')
})

test('asked nothing that can be judged, it decides nothing', () => {
  assert.equal(judged({ noWorseBy: 0.01 }, many('+', 10)).verdict, 'undecided')
  assert.equal(judged({}, many('+', 10)).verdict, 'undecided')
})

test('the slice that is surely worst is named', () => {
  // Every second input expects es: all of those are wrong.
  const { because, evidence } = judged({ atLeast: 0.9 }, many('+-', 50))
  assert.match(because, /worst slice: es 0 % of 50/)
  assert.deepEqual(evidence['slices'], [
    { slice: 'es', total: 50, score: 0, live: null },
    { slice: 'fr', total: 50, score: 1, live: null },
  ])
})

test('the worst examples come first, at most ten, and the verdict stays small', () => {
  const live = many('-', 30) + many('+', 30)
  const { evidence } = judged({ atLeast: 0.9 }, many('-', 60), live)
  const examples = evidence['examples'] as { line: number; live: string }[]
  assert.deepEqual(
    examples.map(({ line }) => line),
    [31, 32, 33, 34, 35, 36, 37, 38, 39, 40],
  )
  assert.deepEqual(examples[0], {
    line: 31,
    request: '{"text":"input 31"}',
    expected: 'fr',
    candidate: 'wrong',
    live: 'right',
  })
})

test('the order in which answers came in changes nothing', () => {
  const spec = goldenSpec({ file: '', digest: '', atLeast: 0.5 })
  const results = Array.from({ length: 40 }, (_, index) => ({
    line: { line: index + 1, request: index, expected: `l${index % 3}`, slice: null },
    candidate: result({
      score: (index % 7) / 10,
      answer: index,
      failure: index % 5 ? null : 'status 500',
    }),
    live: null,
  }))
  const verdictOf = (order: number[]) => {
    const tally = openTally(spec.score)
    for (const index of order) tally.add(index, results[index]!)
    return judge(spec, tally, { candidate: 'v2', live: null })
  }
  const order = [...results.keys()]
  assert.deepEqual(verdictOf(order), verdictOf(order.toReversed()))
})

test('a golden set of nothing but control characters still makes a small verdict', () => {
  const spec = goldenSpec({ file: '', digest: '', atLeast: 1 })
  const tally = openTally(spec.score)
  const nasty = '\u0001'.repeat(2000)
  for (let index = 0; index < 500; index++)
    tally.add(index, {
      line: { line: index, request: nasty, expected: nasty + index, slice: `${nasty}${index}` },
      candidate: result({ answer: nasty, failure: nasty + index }),
      live: result({ answer: nasty, failure: nasty + index }),
    })
  const { evidence } = bounded(judge(spec, tally, { candidate: 'v2', live: 'v1' }))
  assert.ok(Buffer.byteLength(JSON.stringify(evidence)) <= 64 * 1024)
  assert.equal(evidence['total'], 500)
})
