/** Who runs, and whose turn is next. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Phase, Service } from '../release/release.ts'
import { crowdOf } from './crowd.ts'
import { releaseOf, since, switched } from './testing/hands.ts'

function service(name: string, id: string, phase: Phase): Service {
  return { ...switched(releaseOf(phase, { id })), name }
}

const queued: Phase = { name: 'queued', since }
const mayBegin = () => true
const all = [
  service('one', 'r12', queued),
  service('two', 'r9', queued),
  service('three', 'r10', { name: 'verifying', since }),
  service('four', 'r3', { name: 'stabilizing', since, rung: 0 }),
]

test('what runs is ahead, and what was asked for before; a standby that is kept is not', () => {
  assert.deepEqual(crowdOf(all, 'one', { atOnce: 2, mayBegin }).ahead, [
    'r9 of two',
    'r10 of three',
  ])
  assert.deepEqual(crowdOf(all, 'two', { atOnce: 2, mayBegin }).ahead, ['r10 of three'])
})

test('one that may not begin itself keeps nobody waiting', () => {
  const ahead = crowdOf(all, 'one', { atOnce: 2, mayBegin: ({ name }) => name !== 'two' })
  assert.deepEqual(ahead.ahead, ['r10 of three'])
})
