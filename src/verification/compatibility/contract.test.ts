import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redactedMark } from '../capture/redact.ts'
import { openContract } from './contract.ts'
import { routeOf } from './routes.ts'

function learned(answers: readonly unknown[], ignore: readonly string[] = []) {
  const contract = openContract(ignore)
  for (const answer of answers) contract.learn(answer)
  return contract
}

const fieldsOf = (breaks: readonly { field: string; problem: string }[]) =>
  breaks.map(({ field, problem }) => `${field} ${problem}`)

test('a field that was always there and is gone is a break; one that came and went is none', () => {
  const contract = learned([
    { label: 'fr', score: 0.9, why: 'accents' },
    { label: 'es', score: 0.8 },
  ])
  assert.deepEqual(contract.always(), ['$.label', '$.score'])
  assert.deepEqual(fieldsOf(contract.breaks({ label: 'fr' })), ['$.score missing'])
  assert.deepEqual(contract.breaks({ label: 'fr', score: 1, more: {} }), [])
})

test('another type is a break, null is a type, and what was of two types may be either', () => {
  const contract = learned([
    { label: 'fr', cut: null, score: 1 },
    { label: 'es', cut: 3, score: 0.5 },
  ])
  assert.deepEqual(contract.breaks({ label: 1, cut: 'x', score: null }), [
    { field: '$.label', problem: 'type', expected: 'string', came: 'number' },
    { field: '$.cut', problem: 'type', expected: 'null or number', came: 'string' },
    { field: '$.score', problem: 'type', expected: 'number', came: 'null' },
  ])
  assert.deepEqual(contract.breaks({ label: 'x', cut: null, score: 2 }), [])
})

test('lists are looked into, each element; an empty one lacks nothing', () => {
  const contract = learned([
    {
      labels: [
        { name: 'a', score: 1 },
        { name: 'b', score: 0 },
      ],
    },
  ])
  assert.deepEqual(
    fieldsOf(contract.breaks({ labels: [{ name: 'a', score: 1 }, { name: 'b' }] })),
    ['$.labels[*].score missing'],
  )
  assert.deepEqual(fieldsOf(contract.breaks({ labels: ['a'] })), ['$.labels[*] type'])
  assert.deepEqual(contract.breaks({ labels: [] }), [])
  assert.deepEqual(fieldsOf(contract.breaks([])), ['$ type'])
})

test('of an object that is there now and then, its fields must be there when it is', () => {
  const contract = learned([{ a: 1 }, { a: 1, more: { b: 2 } }])
  assert.deepEqual(contract.breaks({ a: 1 }), [])
  assert.deepEqual(fieldsOf(contract.breaks({ a: 1, more: {} })), ['$.more.b missing'])
})

test('maps by ids have no field that is always there', () => {
  const contract = learned([{ by: { fr: 0.9 } }, { by: { es: 0.8 } }])
  assert.deepEqual(contract.breaks({ by: { de: 1 } }), [])
})

test('what was taken out was of any type, and what is ignored is nobody’s', () => {
  const contract = learned([{ email: redactedMark, took: 3 }], ['$.took'])
  assert.deepEqual(contract.breaks({ email: { a: 1 } }), [])
  assert.deepEqual(fieldsOf(contract.breaks({})), ['$.email missing'])
})

test('names that objects have by themselves are names like others', () => {
  const contract = learned([JSON.parse('{"__proto__": 1, "constructor": "x", "toString": 2}')])
  assert.deepEqual(fieldsOf(contract.breaks({})), [
    '$.__proto__ missing',
    '$.constructor missing',
    '$.toString missing',
  ])
})

test('ids in paths make no routes of their own', () => {
  assert.equal(routeOf('GET', '/users/42/labels?all=1'), 'GET /users/*/labels')
  assert.equal(routeOf('POST', '/jobs/6f1c2f0e-0000-4000-8000-000000000000'), 'POST /jobs/*')
  assert.equal(routeOf('POST', '/v2/models/face/infer'), 'POST /v2/models/face/infer')
})
