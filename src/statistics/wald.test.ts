import assert from 'node:assert/strict'
import { test } from 'node:test'
import { near } from './testing/near.ts'
import {
  evidencePerAnswer,
  evidencePerPair,
  evidencePerRequest,
  requestsToSee,
  waldBound,
} from './wald.ts'

test('the bounds agree with the table of the design', () => {
  const split = (rate: number) => waldBound(evidencePerRequest(0.01, rate, 0.5), 0.01)
  for (const [rate, requests] of [
    [0.02, 5341],
    [0.05, 615],
    [0.3, 47],
    [1, 6.9],
  ] as const)
    near(split(rate), requests, 0.006 * requests)
  near(waldBound(evidencePerPair(0.045, 0.005), 0.01), 250, 1)
})

test('a plan is the bound and what the mixture costs, less what was reached already', () => {
  const evidence = evidencePerRequest(0.01, 0.05, 0.5)
  assert.equal(requestsToSee(evidence, { risk: 0.01 }), 856)
  assert.ok(requestsToSee(evidence, { risk: 0.01, wealth: 10 }) < 600)
  assert.ok(requestsToSee(evidence, { risk: 0.01, weight: 0.5 }) > 856)
  assert.equal(requestsToSee(evidence, { risk: 0.01, wealth: 1e9 }), 0)
})

test('where nothing differs, no number of requests will show it', () => {
  assert.equal(requestsToSee(evidencePerRequest(0.01, 0.01, 0.5), { risk: 0.01 }), Infinity)
  assert.equal(requestsToSee(evidencePerPair(0, 0), { risk: 0.01 }), Infinity)
  near(evidencePerAnswer(0.03, 0.03), 0)
})
