import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '../compare/comparison.ts'
import { countErrors } from './error-pairs.ts'

const answer = (status: number) => ({ status, body: '' }) as unknown as Answer

test('a failure of the candidate beside an answer of live counts against it; nothing counts for it', () => {
  const none = { total: 0, newOnly: 0 }
  for (const [live, candidate, expected] of [
    [200, 200, { total: 1, newOnly: 0 }],
    [404, 422, { total: 1, newOnly: 0 }],
    [200, 500, { total: 1, newOnly: 1 }],
    [200, 0, { total: 1, newOnly: 1 }],
    // What live failed on, or had no room for, says nothing.
    [500, 200, none],
    [0, 0, none],
    [503, 200, none],
    [200, 503, none],
    [200, 429, none],
  ] as const)
    assert.deepEqual(
      countErrors(none, { live: answer(live), candidate: answer(candidate) }),
      expected,
      `${live} ${candidate}`,
    )
})
