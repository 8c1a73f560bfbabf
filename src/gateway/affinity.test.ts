import assert from 'node:assert/strict'
import { test } from 'node:test'
import { affinityKey } from './affinity.ts'
import { hashOf } from './hash.ts'

const lines =
  'Host: x\r\nX-Conversation: c-1 \r\nX-Conversation-Id: c-2\r\nCookie: a=1; session=s.7; Session=no\r\n'

test('a header is found by its whole name, in any case, without the spaces around its value', () => {
  assert.equal(affinityKey({ header: 'x-conversation' }, lines), hashOf('c-1'))
  assert.equal(affinityKey({ header: 'X-Conversation-Id' }, lines), hashOf('c-2'))
  assert.equal(affinityKey({ header: 'conversation' }, lines), null)
})

test('a cookie is found by its whole name, in its own case', () => {
  assert.equal(affinityKey({ cookie: 'session' }, lines), hashOf('s.7'))
  assert.equal(affinityKey({ cookie: 'essio' }, lines), null)
  assert.equal(affinityKey({ cookie: 'session' }, 'Host: x\r\n'), null)
})

test('a name with signs in it means just these signs', () => {
  assert.equal(affinityKey({ header: 'x.conversation' }, lines), null)
})

test('a request without a value goes anywhere', () => {
  assert.equal(affinityKey({ header: 'x-empty' }, 'X-Empty: \r\n'), null)
  assert.equal(affinityKey(null, lines), null)
})
