import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Observation } from '../../gateway/control.ts'
import { answerTotals } from './counted.ts'

const seen = (release: string, outcome: Observation['outcome']) =>
  ({ service: 's', release, outcome }) as Observation

test('counters know good and bad only: what Beryl lost, refused, or a client gave up is neither', () => {
  const all = ['ok', 'error-status', 'connect-failed', 'cut', 'deadline'] as const
  const neither = ['void', 'client-gone', 'refused'] as const
  const items = [...all, ...neither].flatMap((outcome) => [seen('a', outcome), seen('b', outcome)])
  assert.deepEqual(answerTotals([...items, seen('a', 'ok')]), [
    { service: 's', release: 'a', total: 6, bad: 4 },
    { service: 's', release: 'b', total: 5, bad: 4 },
  ])
  assert.deepEqual(answerTotals([seen('a', 'void')]), [])
})
