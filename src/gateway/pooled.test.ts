import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readyPathOf, targetOf } from './pooled.ts'

test('the name of the model is what it is called in the pool; all else stays as it was asked', () => {
  const asked = (target: string) => targetOf(target, 'langid-v1')
  assert.equal(asked('/v2/models/langid/infer'), '/v2/models/langid-v1/infer')
  assert.equal(asked('/v2/models/langid'), '/v2/models/langid-v1')
  assert.equal(asked('/v2/models/langid?a=/v2/models/b'), '/v2/models/langid-v1?a=/v2/models/b')
  assert.equal(asked('/v2/models/langid/versions/1/infer'), '/v2/models/langid-v1/versions/1/infer')
  for (const other of ['/v2/health/ready', '/v2/models', '/v2/models/', '/x/v2/models/langid'])
    assert.equal(asked(other), other)
})

test('a name says nothing but a name', () => {
  assert.equal(targetOf('/v2/models/a/infer', 'a b$1'), '/v2/models/a%20b%241/infer')
  assert.equal(readyPathOf('a/b'), '/v2/models/a%2Fb/ready')
})

test('what is in no pool is asked as the client asks', () => {
  assert.equal(targetOf('/v2/models/langid/infer', undefined), '/v2/models/langid/infer')
})
