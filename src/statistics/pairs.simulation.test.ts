/** Paired scores and latencies, simulated in short: is the risk kept, at no difference and at the edge of the tolerance, and how soon is it seen? */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginPairedLatency, observePairedLatency } from './paired-latency.ts'
import { beginPairedScore, observePairedScore } from './paired-score.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

const runs = 150
const far = (begin: () => Step) => simulate({ runs, horizon: 2000, goal: 100, begin }).alarms
const delay = (begin: () => Step) =>
  simulate({ runs: 60, horizon: 6000, goal: 100, begin }).meanDelay

/** Badness 0.2, sd 0.15, half of the variance is the request's. */
const scores = (shift: number, tolerance: number) => (): Step => {
  const state = beginPairedScore(tolerance)
  return (random) => {
    const request = 0.2 + 0.106 * random.normal()
    const answer = (more: number) =>
      Math.min(1, Math.max(0, request + 0.106 * random.normal() + more))
    return observePairedScore(state, answer(shift) - answer(0))
  }
}

/** Lognormal, sd 0.5, half of the variance is the request's. @param upload what the live answer has and the copy has not */
const latencies =
  (slower: number, times: number, upload = 0) =>
  (): Step => {
    const state = beginPairedLatency({ times, plusMs: 0 })
    return (random) => {
      const request = 0.354 * random.normal()
      const ms = () => 100 * Math.exp(request + 0.354 * random.normal())
      return observePairedLatency(state, { newMs: slower * ms() + upload, oldMs: ms() })
    }
  }

test('paired scores keep their risk at no difference and at the edge of the tolerance', () => {
  for (const [shift, tolerance] of [
    [0, 0],
    [0.02, 0.02],
  ] as const)
    assert.ok(far(scores(shift, tolerance)) <= alarmsAtMost(runs, 0.01), `tolerance ${tolerance}`)
})

test('a score that is worse by 0.05 is seen in fewer pairs than the 600 requests that a split may need', () => {
  const mean = delay(scores(0.05, 0))
  assert.ok(mean <= 300, `${mean}`)
})

test('paired latencies keep their risk at no difference and at the edge of 10 %', () => {
  for (const times of [1, 1.1])
    assert.ok(far(latencies(times, times)) <= alarmsAtMost(runs, 0.01), `${times}`)
})

test('25 % slower is seen in fewer pairs than the 350 requests that a split may need', () => {
  const mean = delay(latencies(1.25, 1))
  assert.ok(mean <= 200, `${mean}`)
})

test('the risk is kept only where both times are taken at equal points: 8 ms of upload in one of them are "slower"', () => {
  assert.ok(far(latencies(1, 1, 8)) > runs / 2)
})
