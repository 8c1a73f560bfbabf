/** Drift in pairs: disagreement alone is none, answers that lie elsewhere are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../statistics/testing/random.ts'
import { decide } from './decide.ts'
import type { DriftRules } from './guard.ts'
import { alone, answer, errors, historyOf, rulesOf } from './testing.ts'
import { beginWatch, observePairs } from './watch.ts'

const drift: DriftRules = {
  kind: 'drift',
  name: 'drift',
  required: false,
  from: 'answer',
  tolerance: 0.05,
}

/** @param differs how the new version's answer to a request with this old answer is drawn */
function held(runs: number, differs: (old: number, uniform: number) => number): number {
  let count = 0
  for (let run = 0; run < runs; run++) {
    const random = seeded(run)
    const pairs = Array.from({ length: 3000 }, (_, seq) => {
      const old = Math.floor(random.uniform() * 13)
      const own = differs(old, random.uniform())
      const with_ = (value: number) => ({ ...answer('good'), values: { drift: `l${value}` } })
      return { seq, new: with_(own), old: { ...with_(old), instance: 'old' } }
    })
    const state = observePairs(
      beginWatch(rulesOf(errors, drift), historyOf({ bad: 10, total: 5000 }), false),
      pairs,
      { ...alone, of: 'answer', pairs: true },
    )
    if (decide(state).because.startsWith('drift')) count++
  }
  return count
}

test('a version that answers a tenth of the requests otherwise, and as often each label, has not drifted', () => {
  const swapped = (old: number, uniform: number) => (uniform < 0.1 ? 12 - old : old)
  assert.ok(held(60, swapped) <= 3)
})

test('one that gives one label to a tenth of all has', () => {
  assert.equal(
    held(20, (old, uniform) => (uniform < 0.12 ? 0 : old)),
    20,
  )
})

test('at the edge of what is tolerated it is held in about 1 % of watches, never often', () => {
  // Total variation: 12/13 of those drawn move to label 0.
  const edge = (0.05 * 13) / 12
  assert.ok(held(150, (old, uniform) => (uniform < edge ? 0 : old)) <= 6)
})
