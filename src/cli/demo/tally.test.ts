import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oldAfterNew } from './tally.ts'
import type { Answered } from './tally.ts'

const answer = (version: string, sentAt: number, answeredAt: number): Answered => ({
  version,
  sentAt,
  answeredAt,
})
const moves = [
  { version: 'v2', at: 100 },
  { version: 'v1', at: 200 },
]
const steady = [answer('v2', 101, 103), answer('v2', 190, 195), answer('v1', 205, 207)]

test('an old answer to a request sent after the first new answer is a breach', () => {
  assert.equal(oldAfterNew([...steady, answer('v1', 110, 112)], moves), 1)
})

test('what was sent before the first new answer may still be old, however late it comes', () => {
  assert.equal(oldAfterNew([...steady, answer('v1', 102, 150)], moves), 0)
})

test('after a rollback the old version answers again, even where the record reads its clock late', () => {
  assert.equal(oldAfterNew([...steady, answer('v1', 196, 199.5)], moves), 0)
})

test('an answer of the version that was left, after the rollback was seen, is a breach', () => {
  const answers = [...steady, answer('v2', 210, 212), answer('v1', 220, 221)]
  assert.equal(oldAfterNew(answers, moves), 1)
})
