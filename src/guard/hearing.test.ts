/** What the examiner says of answers: in assignment order, each once; what is not heard of is void. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../statistics/testing/random.ts'
import { beginHearing, hear, isHearing, owedMs } from './hearing.ts'
import type { Handed, Heard, Hearing } from './hearing.ts'
import { missingAfterMs } from './reorder.ts'
import { namesMax } from './values.ts'
import type { Said, Values } from './values.ts'

const said: Said[] = [
  { name: 'validity', kind: 'yesNo' },
  { name: 'confidence', kind: 'score' },
  { name: 'drift', kind: 'drift' },
]
const handedOn = (seq: number, more: Partial<Handed> = {}): Handed => ({
  seq,
  isCopy: false,
  is: 'owed',
  isPair: false,
  ...more,
})
const told = (seq: number, values: Values, more: Partial<Heard> = {}): Heard => ({
  run: 'g',
  seq,
  isCopy: false,
  instance: 'a',
  drawn: { side: 'new', share: null, client: 0 },
  values,
  ...more,
})
const begin = (pairs = false) =>
  beginHearing(said, { run: 'g', next: 0, perSecond: 0, waitMs: missingAfterMs, pairs })
const step = (
  hearing: Hearing,
  {
    handed = [],
    heard = [],
    at = 0,
    run = 'g',
  }: { handed?: Handed[]; heard?: Heard[]; at?: number; run?: string },
) => hear(hearing, said, { run, handed, heard, at }, ['a', 'b'])
const values = (due: ReturnType<typeof step>['due']) =>
  due.map(({ answer }) => (answer.outcome === 'void' ? 'void' : answer.values))

test('what is said waits for what was assigned before it, and comes once', () => {
  const first = step(begin(), {
    handed: [handedOn(0), handedOn(2), handedOn(1, { is: 'none' })],
    heard: [told(2, { validity: true })],
  })
  assert.deepEqual(first.due, [])
  assert.ok(isHearing(first.hearing))
  const second = step(first.hearing, {
    heard: [told(0, { validity: false, confidence: 0.25, drift: 'fr' })],
  })
  assert.deepEqual(values(second.due), [
    { validity: false, confidence: 0.25, drift: 'fr' },
    { validity: true },
  ])
  const again = step(second.hearing, {
    heard: [told(0, { validity: true }), told(2, { validity: true })],
  })
  assert.deepEqual(again.due, [])
  assert.ok(!isHearing(again.hearing))
})

test('what had no room is void at once; what was handed on and is never heard of, after its time', () => {
  const lost = step(begin(), { handed: [handedOn(0, { is: 'lost' }), handedOn(1)] })
  assert.deepEqual(values(lost.due), ['void'])
  const early = step(lost.hearing, { at: owedMs - 1 })
  assert.deepEqual(early.due, [])
  const late = step(early.hearing, { at: owedMs })
  assert.deepEqual(values(late.due), ['void'])
  // Too late to count.
  assert.deepEqual(step(late.hearing, { heard: [told(1, { validity: true })], at: owedMs }).due, [])
})

test('a clock that was set back gives up at once what it can wait for no longer', () => {
  const waiting = step(begin(), { handed: [handedOn(0)], at: 1e12 })
  assert.deepEqual(values(step(waiting.hearing, { at: 5 }).due), ['void'])
})

test('both answers to one request come together; with one half lost there is no pair, and nobody waits', () => {
  const pair = (seq: number) => [handedOn(seq, { isPair: true }), handedOn(seq, { isCopy: true })]
  const old = {
    isCopy: true,
    instance: 'b',
    drawn: { side: 'old' as const, share: null, client: 0 },
  }
  let { hearing, pairs } = step(begin(true), {
    handed: [...pair(0), ...pair(1), ...pair(2), handedOn(3)],
    heard: [
      told(1, { validity: true }),
      told(1, { validity: false }, old),
      told(2, { validity: true }),
      told(2, { validity: true }, old),
      told(0, { validity: false }, old),
    ],
  })
  assert.deepEqual(pairs, [])
  ;({ hearing, pairs } = step(hearing, { at: owedMs }))
  assert.deepEqual(
    pairs.map((one) => [
      one.seq,
      one.new.values,
      one.old.values,
      one.new.instance,
      one.old.instance,
    ]),
    [
      [1, { validity: true }, { validity: false }, 'a', 'b'],
      [2, { validity: true }, { validity: true }, 'a', 'b'],
    ],
  )
  ;({ hearing, pairs } = step(hearing, {
    handed: [handedOn(4, { isPair: true }), handedOn(4, { isCopy: true, is: 'lost' }), ...pair(5)],
    heard: [told(4, { validity: true }), told(5, { validity: false }), told(5, {}, old)],
    at: owedMs,
  }))
  assert.deepEqual(
    pairs.map(({ seq }) => seq),
    [5],
  )
})

test('what is no value of its signal can be told from what says nothing', () => {
  const odd: Values = { validity: 'yes', confidence: 2, drift: 3 }
  const none: Values = { validity: null, confidence: Number.NaN, drift: null }
  const { due } = step(begin(), {
    heard: [told(0, odd), told(1, none), told(2, {}), told(3, { validity: false, confidence: -0 })],
  })
  const nan = { validity: Number.NaN, confidence: Number.NaN, drift: Number.NaN }
  assert.deepEqual(values(due), [nan, nan, {}, { validity: false, confidence: 0 }])
})

test('more categories than anybody has are one', () => {
  const count = namesMax + 50
  const { due, hearing } = step(begin(), {
    heard: Array.from({ length: count }, (_, seq) => told(seq, { drift: `label ${seq}` })),
  })
  assert.equal(hearing.names.length, namesMax + 1)
  assert.equal(due[3]!.answer.values!['drift'], 'label 3')
  assert.equal(due.at(-1)!.answer.values!['drift'], due.at(-2)!.answer.values!['drift'])
})

test('of a gateway that is over nothing is waited for, and nothing more is taken', () => {
  const before = step(begin(), {
    handed: [handedOn(0), handedOn(1)],
    heard: [told(1, { validity: true })],
  })
  const next = step(before.hearing, {
    run: 'h',
    handed: [handedOn(0)],
    heard: [told(0, { validity: false }, { run: 'h' })],
  })
  assert.deepEqual(values(next.due), ['void', { validity: true }, { validity: false }])
  assert.deepEqual(step(next.hearing, { run: 'h', heard: [told(0, { validity: true })] }).due, [])
})

test('shuffled, doubled, cut into batches and saved in between: the same values, each once, in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer(), (start, seed) => {
      const random = seeded(seed)
      const expected: unknown[] = []
      const events = Array.from({ length: 50 }, (_, k) => {
        const seq = (start + k) >>> 0
        if (random.chance(0.2)) return [{ handed: handedOn(seq, { is: 'none' }) }]
        const one = { validity: random.chance(0.5), drift: `c${k % 3}` }
        expected.push(one)
        const heard = { heard: told(seq, one) }
        return [{ handed: handedOn(seq) }, heard, ...(random.chance(0.3) ? [heard] : [])]
      }).flat()
      const shuffled = events
        .map((one) => ({ one, place: random.uniform() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ one }) => one as { handed?: Handed; heard?: Heard })
      let hearing = beginHearing(said, {
        run: 'g',
        next: start,
        perSecond: 0,
        waitMs: missingAfterMs,
        pairs: false,
      })
      const seen: unknown[] = []
      while (shuffled.length > 0) {
        const batch = shuffled.splice(0, 1 + Math.floor(random.uniform() * 9))
        const result = step(JSON.parse(JSON.stringify(hearing)) as Hearing, {
          handed: batch.flatMap(({ handed }) => handed ?? []),
          heard: batch.flatMap(({ heard }) => heard ?? []),
        })
        hearing = result.hearing
        seen.push(...values(result.due))
      }
      assert.deepEqual(seen, expected)
    }),
    { seed: 1, numRuns: 100 },
  )
})
