import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonSchema } from './json-schema.ts'

const answer = {
  type: 'object',
  required: ['label'],
  properties: { label: { enum: ['yes', 'no'] }, score: { type: 'number', maximum: 1 } },
}

test('a value matches, or the first thing that is wrong is said with its place', () => {
  const check = jsonSchema(answer)
  assert.equal(check({ label: 'yes', score: 0.5 }), null)
  assert.match(check({ label: 'perhaps' })!, /^\/label must be equal to one of/)
  assert.match(check({ score: 2 })!, /label/)
  assert.match(check('yes')!, /^the value must be object/)
  assert.match(check(undefined)!, /object/)
})

test('each draft is read by its own rules', () => {
  const tuple = { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] }
  assert.equal(jsonSchema(tuple)(['a', 1]), null)
  assert.notEqual(jsonSchema(tuple)([1, 'a']), null)
  const old = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'array',
    items: [{ type: 'string' }],
  }
  assert.notEqual(jsonSchema(old)([1]), null)
  assert.equal(
    jsonSchema({ $schema: 'https://json-schema.org/draft/2019-09/schema', const: 1 })(1),
    null,
  )
})

test('what is no schema is an error, and nothing is fetched', () => {
  for (const wrong of [
    { tipe: 'object' },
    { type: 'nothing' },
    { $ref: 'https://example.com/schema.json' },
    { $schema: 'https://example.com/mine' },
    'object',
    null,
    3,
  ])
    assert.throws(() => jsonSchema(wrong), Error)
})

test('a schema that nothing matches matches nothing', () => {
  for (const never of [false, { not: {} }]) assert.notEqual(jsonSchema(never)({}), null)
})
