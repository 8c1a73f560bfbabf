/** Somebody else's servers by host name and by IPv6 address: probed, routed to, switched between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { theirs } from '../../src/providers/external/testing.ts'
import { startBeryl } from '../support/beryl.ts'

test('a switch from a host name to an IPv6 address', async (t) => {
  const six = await theirs({ host: '::1', version: 'v2' }).catch(() => null)
  if (six === null) return t.skip('this machine has no ::1')
  const named = await theirs({ version: 'v1' })
  const beryl = await startBeryl({
    models: {},
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    environment:
      provider: external
      blue: [http://localhost:${named.address.port}]
      green: ['http://[::1]:${six.address.port}']
      ready: { path: /, within: 10s, version: { path: /version, answer: $.version } }
    versions: { v1: {}, v2: {} }
    watch: { atLeast: 0s, atMost: 200ms, whenUndecided: accept }
`,
  })
  try {
    for (const [version, { port }] of [
      ['v1', named.address],
      ['v2', six.address],
    ] as const) {
      const { id } = await beryl.deploy(version)
      await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
      await beryl.api('POST', `/releases/${id}/approve`, {})
      const settled = ['stabilizing', 'finished']
      await beryl.until(id, ({ phase }) => settled.includes(phase), 'live')
      const answer = await fetch(`${beryl.gateway}/any`)
      assert.equal(answer.headers.get('beryl-version'), version)
      assert.deepEqual(await answer.json(), { port })
    }
  } finally {
    assert.equal(await beryl.stop(), 0)
    await Promise.all([six.close(), named.close()])
  }
})
