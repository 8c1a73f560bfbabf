import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notNamed } from './names-version.ts'

const asked = { path: '/version', answer: '$.version', is: 'v2' }

test('the version is read where it was said to stand', () => {
  assert.equal(notNamed('{"version": "v2"}', asked), null)
  assert.equal(
    notNamed('{"models": [{"v": "v1"}, {"v": "v2"}]}', { ...asked, answer: '$.models[*].v' }),
    null,
  )
  assert.equal(notNamed('{"version": 2}', { ...asked, is: '2' }), null)
})

test('without a place, all of the answer is the version', () => {
  assert.equal(notNamed('v2\n', { path: '/version', is: 'v2' }), null)
  assert.match(notNamed('v2-old', { path: '/version', is: 'v2' })!, /answers v2-old, expected v2/)
})

test('anything else is another version: it is said what came', () => {
  for (const [body, said] of [
    ['{"version": "v1"}', /GET \/version answers v1, expected v2: it serves something else/],
    ['{"version": "v22"}', /answers v22/],
    ['{"version": null}', /answers nothing at \$\.version/],
    ['{"version": {"v2": 1}}', /answers nothing at/],
    ['{}', /answers nothing at/],
    ['<html>', /answers no JSON, expected v2 at \$\.version/],
    ['', /answers no JSON/],
  ] as const)
    assert.match(notNamed(body, asked)!, said)
})
