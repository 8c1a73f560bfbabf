import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHidden } from './hidden.ts'

const hidden = ['/sleep', '/wake_up', '/v2/repository']

test('a control is hidden however its path is written', () => {
  for (const target of [
    '/sleep',
    '/sleep?level=2',
    '/sleep/',
    '//sleep',
    '/./sleep',
    '/v1/../sleep',
    '/SLEEP',
    '/%73leep',
    '/%2573leep',
    '/v1/%2e%2e/sleep',
    '/v1/..%2fsleep',
    '/v1\\..\\sleep',
    '/sleep;a=b',
    '/sleep%00',
    '/sleep%20',
    '/wake_up#x',
    '/v2/repository/models/a/unload',
    '/%',
  ])
    assert.ok(isHidden(target, hidden), target)
})

test('what only resembles one is not, and nothing is where nothing is asked', () => {
  for (const target of [
    '/sleeper',
    '/v1/sleep',
    '/v2/models/a/infer',
    '/',
    '/sleep-study',
    '/v1/chat?next=/sleep',
  ])
    assert.ok(!isHidden(target, hidden), target)
  assert.ok(!isHidden('/sleep', []))
  assert.ok(!isHidden('/%', []))
})
