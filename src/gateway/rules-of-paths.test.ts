import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathTables, rulesFor, rulesOf, usualRules } from './rules.ts'
import { tableOf } from './testing/gateway.ts'

const rules = rulesOf(
  tableOf(
    1,
    'blue',
    {},
    {
      rules: {
        totalMs: 9000,
        paths: [
          { path: '/v1', firstByteMs: 100 },
          { path: '/v1/Chat/', totalMs: null, retryMethods: ['POST'] },
        ],
      },
    },
  ),
)
const table = { rules, paths: pathTables(rules) }

test('the longest path counts, by whole segments; what it leaves out is as for its service', () => {
  const chat = rulesFor(table, '/v1/Chat/completions?x=/v1')
  assert.deepEqual(
    [chat.totalMs, chat.retryMethods, chat.firstByteMs],
    [null, ['POST'], usualRules.firstByteMs],
  )
  const models = rulesFor(table, '/v1/models')
  assert.deepEqual([models.firstByteMs, models.totalMs], [100, 9000])
  for (const target of ['/', '/v10', '/v2/v1', '*']) assert.equal(rulesFor(table, target), rules)
})

test('a limit is not got around by another way to write its path', () => {
  for (const target of ['//v1/models', '/%76%31/models', '/v1;x/models', '/x/../v1', '/V1/models'])
    assert.equal(rulesFor(table, target).firstByteMs, 100, target)
})
