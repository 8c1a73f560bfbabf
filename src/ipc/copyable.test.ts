import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayBeCopied } from './copyable.ts'

const rules = { methods: ['POST'], exclude: ['/admin/', '/v1/orders'] }
const may = (target: string, method = 'POST') => mayBeCopied(rules, { method, target })

test('what is excluded is not copied, however its path is written', () => {
  for (const target of [
    '/admin',
    '/admin/keys?x',
    '//admin',
    '/%61dmin/keys',
    '/v1/x/../orders',
    '/v1/Orders/7',
    '/v1/orders;a=b',
    '/%',
  ])
    assert.ok(!may(target), target)
  for (const target of ['/', '/administrator', '/v1/orders-of-magnitude', '/v1?next=/admin'])
    assert.ok(may(target), target)
  assert.ok(!may('/', 'PUT'))
  assert.ok(!mayBeCopied(rules, { method: 'POST', target: '/', upgrade: true }))
})
