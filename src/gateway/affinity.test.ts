import assert from 'node:assert/strict'
import { test } from 'node:test'
import { affinityKey } from './affinity.ts'
import { hashOf } from './hash.ts'

const lines =
  'Host: x\r\nX-Conversation: c-1 \r\nX-Conversation-Id: c-2\r\nCookie: a=1; session=s.7; Session=no\r\n'

test('a header is found by its whole name, in any case, without the spaces around its value', () => {
  assert.equal(affinityKey({ by: 'header', name: 'x-conversation' } as const, lines), hashOf('c-1'))
  assert.equal(
    affinityKey({ by: 'header', name: 'X-Conversation-Id' } as const, lines),
    hashOf('c-2'),
  )
  assert.equal(affinityKey({ by: 'header', name: 'conversation' } as const, lines), null)
})

test('a cookie is found by its whole name, in its own case', () => {
  assert.equal(affinityKey({ by: 'cookie', name: 'session' } as const, lines), hashOf('s.7'))
  assert.equal(affinityKey({ by: 'cookie', name: 'essio' } as const, lines), null)
  assert.equal(affinityKey({ by: 'cookie', name: 'session' } as const, 'Host: x\r\n'), null)
})

test('a name with signs in it means just these signs', () => {
  assert.equal(affinityKey({ by: 'header', name: 'x.conversation' } as const, lines), null)
})

test('a request without a value goes anywhere', () => {
  assert.equal(affinityKey({ by: 'header', name: 'x-empty' } as const, 'X-Empty: \r\n'), null)
  assert.equal(affinityKey(null, lines), null)
})
