import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rung } from '../release/release.ts'
import { plainRules } from '../release/testing/plain.ts'
import { isBusy } from './busy.ts'
import { releaseOf, since, switched } from './testing/hands.ts'

const on = (rung: number, standby: Rung[], drilled = false) =>
  isBusy(
    switched(
      releaseOf(
        {
          name: 'stabilizing',
          since,
          rung,
          ...(drilled ? { drilled: { at: 0, up: 0, tookMs: 1 } } : {}),
        },
        { rules: { ...plainRules, standby } },
      ),
    ),
  )
const full: Rung = { rung: 'full', forS: 60 }
const one: Rung = { rung: 'replicas', replicas: 1, forS: 60 }

test('a standby that steps down is under way until it was drilled, whichever rung the ladder begins with', () => {
  assert.equal(on(0, [full, one]), false)
  assert.equal(on(1, [full, one]), true)
  assert.equal(on(1, [full, one], true), false)
  assert.equal(on(0, [one]), true, 'its first rung is no full one')
  assert.equal(on(0, [one], true), false)
  assert.equal(on(0, []), false)
})

test('any other phase is under way but those that wait', () => {
  assert.equal(isBusy(null), false)
  assert.equal(isBusy(switched(releaseOf({ name: 'queued', since }))), false)
  assert.equal(isBusy(switched(releaseOf({ name: 'watching', since, generation: 1 }))), true)
})
