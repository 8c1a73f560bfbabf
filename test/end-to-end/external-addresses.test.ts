/** Somebody else's servers over TLS, by host name and by IPv6 address: probed, asked by a gate, routed to, switched between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { theirs } from '../../src/providers/external/testing.ts'
import { makePair } from '../../src/tls/testing.ts'
import { startBeryl } from '../support/beryl.ts'

test('a switch from a host name to an IPv6 address, each of which proves who it is', async (t) => {
  const secure = makePair('theirs', 1, ['localhost', 'models.internal'])
  const six = await theirs({ host: '::1', version: 'v2', secure }).catch(() => null)
  if (six === null) return t.skip('this machine has no ::1')
  const named = await theirs({ version: 'v1', secure })
  const beryl = await startBeryl({
    models: {},
    files: { 'authorities.pem': secure.cert },
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    environment:
      provider: external
      blue: [https://localhost:${named.address.port}]
      green: ['https://[::1]:${six.address.port}']
      tls: { ca: authorities.pem, serverName: models.internal }
      ready: { path: /, within: 10s, version: { path: /version, answer: $.version } }
      alive: { path: /, every: 200ms }
    versions: { v1: {}, v2: {} }
    verify:
      - identity: { path: /version, answer: $.version }
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
