/** What a version's server calls what it serves is read from its plan. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadataMethod } from '../../protocols/grpc/kserve-messages.ts'
import type { Plan } from '../plan.ts'
import { servedName, withRenames } from './served-name.ts'

const target = (version: string) => ({ version, environment: 'green', addresses: ['127.0.0.1:1'] })
const planOf = ({ model, path, is }: { model?: string; path?: string; is?: string }) =>
  ({
    template: { ready: { path: '/', withinS: 1, ...(model === undefined ? {} : { model }) } },
    gates:
      path === undefined
        ? {}
        : { identity: { kind: 'identity', request: { path }, answer: null, is, withinS: 1 } },
  }) as unknown as Plan

test('by the model that readiness asks for, or by the identity gate; else nobody knows', () => {
  assert.deepEqual(servedName(planOf({ model: 'w-1' }))?.name, { model: 'w-1', version: null })
  assert.deepEqual(servedName(planOf({ path: '/v1/models', is: 'w-2' }))?.name.model, 'w-2')
  assert.deepEqual(servedName(planOf({ path: '/v2/models/a%20b', is: '3' })), {
    protocol: 'kserve-v2',
    name: { model: 'a b', version: '3' },
  })
  const asked = planOf({ path: metadataMethod, is: '3' })
  Object.assign(asked.gates['identity']!, { body: { name: 'm' } })
  assert.deepEqual(servedName(asked), { protocol: 'grpc', name: { model: 'm', version: '3' } })
  assert.equal(servedName(planOf({ path: '/version', is: '3' })), null)
  assert.equal(servedName(planOf({})), null)
})

test('each is called by its own name where they differ, and as it is where not', () => {
  const both = (own: string, other: string) =>
    withRenames(
      { target: target('v2'), plan: planOf({ model: own }) },
      { target: target('v1'), plan: planOf({ model: other }) },
    )
  const { candidate, live } = both('w-2', 'w-1')
  assert.deepEqual([candidate.renames?.from.model, candidate.renames?.to.model], ['w-1', 'w-2'])
  assert.deepEqual([live?.renames?.from.model, live?.renames?.to.model], ['w-2', 'w-1'])
  assert.equal(both('w', 'w').candidate.renames, undefined)
  const first = withRenames({ target: target('v2'), plan: planOf({ model: 'w' }) }, null)
  assert.deepEqual(first, { candidate: target('v2'), live: null })
})
