/** Where a server says what it serves, by its protocol; and that the examiner asks it there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatesOf } from '../config/gates.ts'
import { manifest } from '../config/manifest.ts'
import { identity } from '../verification/identity/identity.ts'
import { calm, model, target } from '../verification/testing.ts'
import { specOf } from './gates/gate-specs.ts'

async function spec(protocol: string, gate: object) {
  const read = manifest.parse({
    apiVersion: 'beryl/v1',
    services: {
      tiny: {
        protocol,
        environment: { provider: 'process', command: ['serve'] },
        versions: { '2': {} },
        verify: [{ identity: gate }],
      },
    },
  })
  const service = read.services['tiny']!
  const all = gatesOf(service)
  const around = {
    version: '2',
    content: service.versions['2']!,
    files: 'read',
    directory: '.',
  } as const
  const found = await specOf(service, all[0]!, all, around)
  assert.ok(found.kind === 'identity')
  return found
}

for (const [protocol, gate, url, good, bad] of [
  ['openai', {}, '/v1/models', { data: [{ id: 'writer' }, { id: '2' }] }, { data: [{ id: '1' }] }],
  [
    'kserve-v2',
    { model: 'parity' },
    '/v2/models/parity',
    { name: 'parity', versions: ['1', '2'] },
    { name: 'parity', versions: ['1'] },
  ],
  ['http', { path: '/version', answer: '$.v' }, '/version', { v: '2' }, { v: 1 }],
] as const)
  test(`${protocol}: the candidate says at GET ${url} that it is what it should be, or fails`, async (context) => {
    const asked = await spec(protocol, gate)
    const right = await model(context, () => ({ raw: JSON.stringify(good) }))
    const passed = await identity(asked, target('2', right), calm())
    assert.equal(passed.verdict, 'pass', passed.because)
    assert.deepEqual([right.asked[0]!.method, right.asked[0]!.url], ['GET', url])
    const wrong = await model(context, () => ({ raw: JSON.stringify(bad) }))
    const failed = await identity(asked, target('2', wrong), calm())
    assert.equal(failed.verdict, 'fail')
    assert.match(failed.because, /should say 2 at GET/)
  })
