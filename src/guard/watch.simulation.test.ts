/** Seeded simulations of whole watches: rates and delays, as they are promised. The long version is bench/guard.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../statistics/testing/random.ts'
import type { Random } from '../statistics/testing/random.ts'
import { decide } from './decide.ts'
import type { Outcome } from './outcome.ts'
import { alone, errors, historyOf, judged, rulesOf } from './testing.ts'
import { beginWatch, observe } from './watch.ts'
import type { WatchState } from './watch.ts'

test('a version at the very edge of not worse is rolled back in at most 1 % of watches', () => {
  // 10 is the 99.5 % limit of a binomial with 400 runs at 1 %.
  assert.ok(count(400, 4000, 0.015, 'rollBack') <= 10)
})

test('an equal version is never rolled back and mostly promoted', () => {
  assert.equal(count(60, 4000, 0.01, 'rollBack'), 0)
  assert.ok(count(60, 8000, 0.01, 'promote') >= 48)
})

test('a version that is worse by the margin is promoted in at most 5 % of watches', () => {
  // 13 is the 99.5 % limit of a binomial with 120 runs at 5 %.
  assert.ok(count(120, 4000, 0.02, 'promote') <= 13)
})

test('an error rate of the old version that swings by half with the hour causes no rollback', () => {
  const wave = (t: number) => 0.01 * (1 + 0.5 * Math.sin((2 * Math.PI * t) / 2000))
  assert.ok(count(60, 4000, wave, 'rollBack') <= 3)
})

test('5 %, 30 % and 100 % errors are rolled back after about 900, 17 and 3 answers', () => {
  const mean = (rate: number) => {
    const delays = Array.from({ length: 30 }, (_, run) => delay(seeded(run), rate))
    return delays.reduce((sum, value) => sum + value, 0) / delays.length
  }
  const [small, large, all] = [mean(0.05), mean(0.3), mean(1)]
  assert.ok(small <= 1300, `5 % after ${small}`)
  assert.ok(large <= 25, `30 % after ${large}`)
  assert.ok(all <= 4, `100 % after ${all}`)
})

/** Each run: 2,000 answers of an old version at 1 %, then a watch in which every answer is looked at. */
function count(runs: number, answers: number, rate: Rate, decision: string): number {
  let counted = 0
  for (let run = 0; run < runs; run++) {
    const random = seeded(run * 7919 + answers)
    const state = seeing(begun(random), outcomes(random, answers, rate))
    const ends =
      decision === 'rollBack' ? state.refutedBy !== null : promotedAtSomeTime(random, answers, rate)
    if (ends) counted++
  }
  return counted
}

type Rate = number | ((t: number) => number)

function seeing(state: WatchState, seen: readonly Outcome[]): WatchState {
  return observe(state, judged(seen), alone)
}

function begun(random: Random): WatchState {
  const old = outcomes(random, 2000, 0.01)
  const bad = old.filter((outcome) => outcome === 'bad').length
  return beginWatch(rulesOf(errors), historyOf({ bad, total: 2000 }), false)
}

function outcomes(random: Random, answers: number, rate: Rate): Outcome[] {
  const at = typeof rate === 'number' ? () => rate : rate
  return Array.from({ length: answers }, (_, t): Outcome => (random.chance(at(t)) ? 'bad' : 'good'))
}

function promotedAtSomeTime(random: Random, answers: number, rate: Rate): boolean {
  let state = begun(random)
  const all = outcomes(random, answers, rate)
  for (let t = 0; t < answers; t += 25) {
    state = seeing(state, all.slice(t, t + 25))
    const { decision } = decide(state)
    if (decision !== 'hold') return decision === 'promote'
  }
  return false
}

function delay(random: Random, rate: number): number {
  let state = begun(random)
  for (let t = 1; t < 20_000; t++) {
    state = seeing(state, [random.chance(rate) ? 'bad' : 'good'])
    if (state.refutedBy !== null) return t
  }
  return 20_000
}
