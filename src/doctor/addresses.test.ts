import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { manifest } from '../config/manifest.ts'
import { externalFindings, portFindings } from './addresses.ts'

const external = (blue: number, green: number) => ({
  provider: 'external',
  blue: [`http://127.0.0.1:${blue}`],
  green: [`http://127.0.0.1:${green}`],
  ready: { path: '/health' },
})

const parsed = (gateway: object, environment: object = external(1, 2)) =>
  manifest.parse({
    apiVersion: 'beryl/v1',
    gateway,
    api: { listen: '127.0.0.1:0' },
    services: { tiny: { environment, versions: { v1: {} } } },
  })

async function on(status: number, act: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => response.writeHead(status).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await act((server.address() as AddressInfo).port).finally(() => server.close())
}

test('a port that somebody holds is a problem that names who', () =>
  on(200, async (port) => {
    const [listen, preview, api] = await portFindings(
      parsed({ listen: `127.0.0.1:${port}`, preview: '127.0.0.1:0' }),
      null,
    )
    assert.ok(listen?.level === 'problem')
    const who = process.platform === 'linux' ? `, by pid ${process.pid} (${process.execPath}` : ''
    assert.ok(
      listen.said.startsWith(
        `gateway.listen: cannot listen on 127.0.0.1:${port}: the port is in use${who}`,
      ),
      listen.said,
    )
    assert.equal(listen.fix, 'change gateway.listen in the manifest, or stop what uses the port')
    assert.deepEqual([preview?.level, api?.level], ['ok', 'ok'])
  }))

test('a port that this Beryl holds is rightly held', () =>
  on(200, async (port) => {
    const gateway = `http://127.0.0.1:${port}`
    const running = { url: 'http://127.0.0.1:1', gateway, preview: null, pid: 1 }
    const [listen] = await portFindings(parsed({ listen: `127.0.0.1:${port}` }), running)
    assert.match(listen!.said, /is held by this Beryl$/)
  }))

test('external servers are asked: one whole place is enough, none is a warning that says what came', () =>
  on(200, async (good) =>
    on(503, async (bad) => {
      const [fine] = await externalFindings(parsed({}, external(good, bad)), '.')
      assert.equal(fine?.level, 'ok')
      assert.match(fine.said, /blue 1 of 1 ready, green 0 of 1 ready \(GET \/health answers 503\)/)
      const [none] = await externalFindings(parsed({}, external(1, bad)), '.')
      assert.ok(none?.level === 'warning')
      assert.match(none.said, /blue 0 of 1 ready \(GET \/health: .*ECONNREFUSED/)
      assert.match(none.fix, /start the servers of one place, or mend .*services\.tiny/)
    }),
  ))

test('a look wakes nobody: a router of llama.cpp would load its model where ready is asked', () =>
  on(503, async (port) => {
    const sleep = { by: 'llama.cpp', model: 'tiny' }
    const ready = { path: '/props?model=tiny' }
    const asked = { ...external(port, port), sleep, ready }
    const [finding] = await externalFindings(parsed({}, asked), '.')
    assert.match(finding!.said, /GET \/health answers 503/)
  }))
