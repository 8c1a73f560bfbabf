/** Heads of streams by themselves: what Node's framing refuses before us is refused here as well, should it ever let it pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnreadable } from '../wire/fields.ts'
import { readHead } from './request-head.ts'

const pseudo = (change: Record<string, string> = {}) =>
  Object.entries({
    ':method': 'GET',
    ':scheme': 'http',
    ':path': '/x',
    ':authority': 'a',
    ...change,
  }).flat()

test('a head is read as one of HTTP/1.1 would be', () => {
  const head = readHead([...pseudo(), 'x', '1', 'cookie', 'a=1', 'cookie', 'b=2'], true)
  assert.ok(!isUnreadable(head))
  assert.equal(head.fields.lines, 'Host: a\r\nx: 1\r\ncookie: a=1; b=2\r\n')
  assert.deepEqual([head.method, head.target, head.body], ['GET', '/x', 'none'])
})

const refused: [string, string[], number][] = [
  ['CR LF in a value', [...pseudo(), 'x', 'a\r\ny: b'], 400],
  ['CR in a value', [...pseudo(), 'x', 'a\rb'], 400],
  ['NUL in a value', [...pseudo(), 'x', 'a\0b'], 400],
  ['a colon in a name', [...pseudo(), 'x:y', 'b'], 400],
  ['capitals in a name', [...pseudo(), 'X', 'b'], 400],
  ['an empty name', [...pseudo(), '', 'b'], 400],
  ['a pseudo-header behind a field', [...pseudo(), 'x', 'y', ':path', '/z'], 400],
  ['two paths', [...pseudo(), ':path', '/y'], 400],
  ['Connection', [...pseudo(), 'connection', 'x'], 400],
  ['Transfer-Encoding', [...pseudo(), 'transfer-encoding', 'chunked'], 400],
  ['Upgrade', [...pseudo(), 'upgrade', 'websocket'], 400],
  ['TE other than trailers', [...pseudo(), 'te', 'gzip'], 400],
  ['a path without a slash', pseudo({ ':path': 'x' }), 400],
  ['an empty path', pseudo({ ':path': '' }), 400],
  ['a space in the path', pseudo({ ':path': '/ HTTP/1.1' }), 400],
  ['a fragment', pseudo({ ':path': '/a#b' }), 400],
  ['a path that is too long', pseudo({ ':path': `/${'x'.repeat(20_000)}` }), 414],
  ['a method that is no token', pseudo({ ':method': 'GET /' }), 400],
  ['CONNECT', pseudo({ ':method': 'CONNECT' }), 501],
  ['a change of protocols', pseudo({ ':protocol': 'websocket' }), 501],
  ['two hosts', [...pseudo(), 'host', 'b'], 400],
  ['Host twice', [...pseudo(), 'host', 'a', 'host', 'a'], 400],
  ['a name before the host', pseudo({ ':authority': 'me@a' }), 400],
  ['a length and no body', [...pseudo(), 'content-length', '5'], 400],
  ['two lengths', [...pseudo(), 'content-length', '0', 'content-length', '0'], 400],
  ['an expectation', [...pseudo(), 'expect', 'tea'], 417],
  ['too many fields', [...pseudo(), ...Array.from({ length: 402 }, () => 'x')], 431],
]
for (const [name, raw, status] of refused)
  test(`refused: ${name}`, () => {
    const head = readHead(raw, true)
    assert.ok(isUnreadable(head))
    assert.equal(head.status, status)
  })
