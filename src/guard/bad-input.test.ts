/** Garbage in: a clear error or no decision, never a pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../statistics/testing/random.ts'
import { answerOf, cellOf, cellWidth, readCell } from './answer.ts'
import { decide } from './decide.ts'
import type { DriftRules, ScoreRules, SignalRules, YesNoRules } from './guard.ts'
import type { Outcome } from './outcome.ts'
import { beginOrder, inOrder } from './reorder.ts'
import {
  alone,
  answer,
  errors,
  historyOf,
  judged,
  latency,
  many,
  noon,
  rulesOf,
  twice,
} from './testing.ts'
import { beginWatch, observe, observePairs } from './watch.ts'
import type { WatchState } from './watch.ts'

const validity: YesNoRules = { ...errors, name: 'validity' }
const score: ScoreRules = {
  kind: 'score',
  name: 'score',
  required: true,
  tolerance: 0.01,
  margin: 0.03,
}
const drift: DriftRules = { kind: 'drift', name: 'drift', required: false, tolerance: 0.05 }
const begun = (...signals: readonly SignalRules[]) =>
  beginWatch(rulesOf(...signals), historyOf({ bad: 10, total: 5000 }), false)

test('a required signal that never reports holds the watch, however good the others are', () => {
  for (const silent of [validity, score, { ...latency, required: true }]) {
    const state = observe(begun(errors, silent), judged(many('good', 20_000)), alone)
    const { decision, because } = decide(state)
    assert.equal(decision, 'hold')
    assert.match(because, new RegExp(silent.name))
  }
})

test('where no signal is required nothing is promoted, however good all are: nothing was asked', () => {
  const optional = { ...errors, required: false }
  const { decision, because } = decide(
    observe(begun(optional, drift), judged(many('good', 20_000)), alone),
  )
  assert.equal(decision, 'hold')
  assert.match(because, /no signal is required/)
})

test('values that are none of their signal are counted as unreadable, and say nothing', () => {
  const values = [
    { validity: 1, score: Number.NaN },
    { validity: 'no', score: 2 },
    { validity: Number.NaN, score: -1 },
    { validity: undefined as never, score: Infinity },
    { validity: null as never, score: true },
  ]
  const answers = Array.from({ length: 5000 }, (_, t) => ({
    side: 'new' as const,
    answer: { ...answer('good'), values: values[t % values.length]! },
  }))
  const state = observe(begun(errors, validity, score), answers, alone)
  assert.equal(state.unreadable, 10_000)
  assert.equal(decide(state).decision, 'hold')
})

test('a signal of the name of something that every object has is still a signal that never reported', () => {
  const odd = { ...validity, name: 'constructor' }
  const state = observe(begun(errors, odd), judged(many('good', 5000)), alone)
  assert.equal(state.unreadable, 0)
  assert.equal(decide(state).decision, 'hold')
})

test('latencies that are negative or no number are an error, and the evidence stays as it was', () => {
  const before = begun(errors, { ...latency, required: true })
  const copy = structuredClone(before)
  for (const ms of [Number.NaN, -1, -Infinity]) {
    assert.throws(
      () => observe(before, [{ side: 'new', answer: answer('good', { ms }) }], alone),
      RangeError,
    )
    assert.throws(
      () =>
        observePairs(before, [twice(0, answer('good', { ms }), answer('good'))], {
          ...alone,
          pairs: true,
        }),
      RangeError,
    )
  }
  assert.deepEqual(before, copy)
})

test('a time that is none is an error; a clock that jumps changes no evidence', () => {
  const before = begun(errors)
  for (const at of [Number.NaN, Infinity]) {
    assert.throws(() => observe(before, judged(many('good', 1)), { ...alone, at }), RangeError)
    assert.throws(
      () => observePairs(before, [twice(0, answer('good'), answer('good'))], { ...alone, at }),
      RangeError,
    )
  }
  const straight = play(begun(errors), [0, 1000, 2000, 3000])
  const jumping = play(begun(errors), [0, -86_400_000, 1e12, 5])
  assert.deepEqual(jumping.signals, straight.signals)
  assert.equal(decide(jumping).decision, decide(straight).decision)
})

test('a clock that leaps forward does not make a cold instance warm', () => {
  const slow = { ...latency, required: true, atMost: { share: 0.95, ms: 100 } }
  let state = begun(slow)
  const cold = Array.from({ length: 100 }, () => ({
    side: 'new' as const,
    answer: answer('good', { ms: 1000 }),
  }))
  state = observe(state, cold, alone)
  state = observe(state, cold, { ...alone, at: noon + 86_400_000 })
  assert.equal(state.refutedBy, null)
  assert.equal(state.signals[0]!.judged['one-sample'], undefined)
  for (let batch = 0; batch < 5; batch++)
    state = observe(state, cold, { ...alone, at: noon + 86_500_000 + batch * 5000 })
  assert.equal(state.refutedBy, 'latency')
})

test('one pause of the machine, with hundreds of slow answers in a row, is not hundreds of pieces of evidence', () => {
  const limited = { ...latency, required: true, atMost: { share: 0.95, ms: 100 } }
  let state = begun(limited)
  state.warmth = [{ name: 'a', since: 0, seen: 1000 }]
  const slow = Array.from({ length: 1000 }, () => ({
    side: 'new' as const,
    answer: answer('good', { ms: 3000 }),
  }))
  state = observe(state, slow, alone)
  state = observe(state, slow, { ...alone, at: noon + 3000 })
  assert.equal(state.refutedBy, null)
})

test('pairs of which a half is void, or that come before their time, say nothing', () => {
  const before = begun(errors)
  const context = { ...alone, pairs: true, next: 100 }
  const voids = [
    twice(100, answer('void'), answer('good')),
    twice(101, answer('bad'), answer('void')),
  ]
  const early = [twice(50, answer('bad'), answer('good'))]
  const state = observePairs(observePairs(before, voids, context), early, context)
  assert.deepEqual(
    state.signals.map(({ book }) => book.all),
    before.signals.map(({ book }) => book.all),
  )
})

test('drift holds a promotion and never rolls back', () => {
  const random = seeded(3)
  const answers = Array.from({ length: 6000 }, () => {
    const side = random.chance(0.5) ? ('new' as const) : ('old' as const)
    const category = random.chance(side === 'new' ? 0.5 : 0.1) ? 'no' : 'yes'
    return { side, answer: { ...answer('good'), values: { drift: category } } }
  })
  const state = observe(begun(errors, drift), answers, {
    ...alone,
    share: 0.5,
    ready: { new: 1, old: 1 },
  })
  const { decision, because } = decide(state)
  assert.equal(decision, 'hold')
  assert.match(because, /^drift: .* a person has to say whether that is meant/)
})

test('batches that come shuffled, doubled and cut, and are saved in between, decide as one that came in order', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seeded(seed)
      const raws = Array.from({ length: 400 }, (_, seq) => ({
        seq,
        outcome: random.chance(0.04) ? 'error-status' : random.chance(0.01) ? 'deadline' : 'ok',
        replica: random.chance(0.5) ? 'a' : 'b',
        firstByteMs: 5 + 100 * random.uniform(),
        totalMs: 10 + 200 * random.uniform(),
      }))
      const fixed = { ...latency, required: true, atMost: { share: 0.95, ms: 200 } }
      const start = () => {
        const state = begun(errors, fixed)
        state.warmth = ['a', 'b'].map((name) => ({ name, since: 0, seen: 1000 }))
        return state
      }
      const sent = raws
        .flatMap((raw) => (random.chance(0.2) ? [raw, raw] : [raw]))
        .map((raw) => ({ raw, place: random.uniform() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ raw }) => raw)
      const straight = deliver(start(), [raws])
      const batches: (typeof raws)[] = []
      while (sent.length > 0) batches.push(sent.splice(0, 1 + Math.floor(random.uniform() * 40)))
      const saved = deliver(start(), batches)
      assert.deepEqual(saved.signals, straight.signals)
      assert.deepEqual(
        [saved.total, saved.bad, saved.refutedBy],
        [straight.total, straight.bad, straight.refutedBy],
      )
    }),
    { seed: 1, numRuns: 30 },
  )
})

/** Through line and state, both written as JSON after each batch, as a controller that is killed each time. */
function deliver(
  state: WatchState,
  batches: readonly (readonly (Parameters<typeof answerOf>[0] & { seq: number })[])[],
): WatchState {
  let kept = { state, order: beginOrder('run', 0, { width: cellWidth }), instances: ['a', 'b'] }
  for (const batch of batches) {
    const { instances } = kept
    const arrived = batch.map((raw) => ({ seq: raw.seq, cell: cellOf(answerOf(raw), instances) }))
    const { order, due } = inOrder(kept.order, 'run', arrived, noon)
    const answers = due.map((cell) => ({
      side: 'new' as const,
      answer: readCell(cell, instances),
    }))
    kept = JSON.parse(
      JSON.stringify({
        state: observe(kept.state, answers, { ...alone, ready: { new: 2, old: 0 } }),
        order,
        instances,
      }),
    ) as typeof kept
  }
  return kept.state
}

function play(state: WatchState, offsets: readonly number[]): WatchState {
  const random = seeded(9)
  let now = state
  for (const offset of offsets) {
    const outcomes = Array.from({ length: 300 }, (): Outcome =>
      random.chance(0.01) ? 'bad' : 'good',
    )
    now = observe(now, judged(outcomes), { ...alone, at: noon + offset })
  }
  return now
}

test('an infinite latency is a deadline that passed; beside it a negative one is an error, and nothing is half taken', () => {
  const limited = { ...latency, required: true, atMost: { share: 0.95, ms: 100 } }
  let state = begun(limited)
  state.warmth = [{ name: 'a', since: 0, seen: 1000 }]
  const late = { side: 'new' as const, answer: answer('good', { ms: Infinity }) }
  for (let batch = 0; batch < 6; batch++)
    state = observe(state, [late], { ...alone, at: noon + batch * 5000 })
  const [signal] = state.signals
  assert.ok(signal!.kind === 'latency')
  assert.equal(signal!.memory.new.bad, 6)
  const before = structuredClone(state)
  const negative = { side: 'new' as const, answer: answer('good', { ms: -0.001 }) }
  assert.throws(() => observe(state, [late, negative], alone), RangeError)
  assert.deepEqual(state, before)
})

test('a schema that nothing ever matches is a version that fails, and in pairs no worse than one that fails as well: never a pass by itself', () => {
  const required = { ...validity, from: 'answer' as const }
  const bad = (instance: string) => ({
    ...answer('good', { instance }),
    values: { validity: true },
  })
  const said = { ...alone, of: 'answer' as const }
  const single = Array.from({ length: 200 }, () => ({ side: 'new' as const, answer: bad('a') }))
  const refuted = decide(observe(begun(errors, required), single, said))
  assert.equal(refuted.decision, 'rollBack')
  assert.match(refuted.because, /^validity/)
  // The old version's answers match it neither: nothing is worse, and errors, which were not seen, hold it.
  const pairs = Array.from({ length: 3000 }, (_, seq) => twice(seq, bad('a'), bad('a')))
  const both = observePairs(begun(errors, required), pairs, { ...said, pairs: true })
  assert.equal(decide(both).decision, 'hold')
})

test('answers that nobody read are void, and hold a promotion that needs them', () => {
  const required = { ...validity, from: 'answer' as const }
  const good = { ...answer('good'), values: { validity: false } }
  const seen = observe(begun(errors, required), judged(many('good', 5000)), {
    ...alone,
    of: 'gateway',
  })
  const said = { ...alone, of: 'answer' as const }
  const clear = observe(
    seen,
    Array.from({ length: 5000 }, () => ({ side: 'new' as const, answer: good })),
    said,
  )
  assert.equal(decide(clear, noon).decision, 'promote')
  const lost = Array.from({ length: 100 }, () => ({ side: 'new' as const, answer: answer('void') }))
  const held = decide(observe(clear, lost, said), noon)
  assert.equal(held.decision, 'hold')
  assert.match(held.because, /answers that were to be read were not/)
  assert.equal(held.evidence.unheard, 100)
})
