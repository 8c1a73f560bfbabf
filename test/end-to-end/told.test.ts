/** A release that is frozen and held by a window, and who is told of it: with a receiver that hangs beside one that listens. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { otlpReceiver } from '../../src/telemetry/testing.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

type Told = { type: string; id: string; data: { text: string; next: string; release: string } }

const got: Told[] = []
let hung = 0
let listening: Server
let hanging: Server
let traces: Awaited<ReturnType<typeof otlpReceiver>>
let beryl: Running

before(async () => {
  listening = createServer((request, response) => {
    let text = ''
    request.on('data', (piece: Buffer) => void (text += String(piece)))
    request.on('end', () => {
      got.push(JSON.parse(text) as Told)
      response.writeHead(204).end()
    })
  })
  hanging = createServer(() => void hung++)
  const urls = await Promise.all(
    [listening, hanging].map(async (server) => {
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }),
  )
  traces = await otlpReceiver()
  process.env['BERYL_TEST_OTLP_KEY'] = 'the key'
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' } },
    service: `
    switch: { drain: 0s, windows: [Mon-Sun 00:00-24:00 UTC] }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
notifications:
${urls.map((url) => `  - { url: '${url}', secret: 0123456789abcdef, on: [deployed, waiting, switched, rolling-back, frozen] }`).join('\n')}
telemetry: { otlp: '${traces.url}', share: 0%, headers: { x-key: '\${BERYL_TEST_OTLP_KEY}' } }
`,
  })
})

after(async () => {
  listening.closeAllConnections()
  listening.close()
  hanging.closeAllConnections()
  hanging.close()
  assert.equal(await beryl.stop(), 0)
  await traces.close()
  delete process.env['BERYL_TEST_OTLP_KEY']
})

const told = (type: string) => got.filter((one) => one.type === `beryl.${type}`)

test('a freeze holds a release through the death of its controller, and who is to act is told', async () => {
  await beryl.cli('freeze', '--reason', 'holidays', '--for', '4h')
  const { id } = await beryl.deploy('v1')
  const isHeld = ({ waitingFor }: { waitingFor: string | null }) =>
    waitingFor?.startsWith('approval') ?? false
  // A first release without an absolute gate waits for consent first.
  await beryl.until(id, isHeld, 'waiting for approval')
  assert.equal((await beryl.cli('approve', id)).code, 0)
  await beryl.until(id, ({ waitingFor }) => /freeze|froze/.test(waitingFor ?? ''), 'frozen')
  const { out: plan } = await beryl.cli('plan', 'tiny', 'v2')
  assert.match(plan, /windows +Mon-Sun 00:00-24:00 UTC/)
  assert.match(
    plan,
    /held +were it ready now, it would wait for `unfreeze`: .* froze everything \(holidays\)/,
  )
  beryl.kill('controller')
  await eventually(
    async () => (await beryl.service().catch(() => null))?.frozen.length === 1,
    () => 'the freeze after the restart',
  )
  const { out } = await beryl.cli('status')
  assert.match(out, /frozen +with everything else, by \S+ since .*, until .*: holidays/)
  assert.match(out, /Next: beryl unfreeze/)
  await eventually(
    () => told('waiting').some(({ data }) => data.next === 'beryl unfreeze'),
    () => `the wait to be told: ${JSON.stringify(got)}`,
  )
  assert.equal((await beryl.service()).live, null)
})

test('what is lifted goes on at once, though one receiver hangs; both wait in the list', async () => {
  const lifted = await beryl.cli('unfreeze')
  assert.equal(lifted.code, 0, lifted.err)
  const id = (await beryl.service()).release!.id
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watching')
  await eventually(
    () => told('switched').length === 1,
    () => `the switch to be told: ${JSON.stringify(got)}`,
  )
  assert.equal(told('switched')[0]!.data.release, id)
  assert.ok(hung > 0)
  const list = await beryl.cli('notifications')
  assert.match(list.out, /all of it was taken/)
  assert.match(list.out, /\d not taken yet since/)
  assert.equal((await beryl.cli('notifications', 'retry')).code, 0)
  assert.equal((await beryl.cli('unfreeze')).code, 1)
  assert.equal((await beryl.cli('freeze', 'tiny')).code, 2)
  const ids = got.map((one) => one.id)
  assert.ok(new Set(ids).size >= 5, 'deployed, frozen, waiting, frozen, switched')
})

test('the release is a trace, over the death of a controller; a request that its caller traces is one, too', async () => {
  const { id } = (await beryl.service()).release!
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await fetch(`${beryl.gateway}/predict`, {
    method: 'POST',
    body: '{"text":"x"}',
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  })
  assert.equal(answer.status, 200)
  const ofRelease = () =>
    traces.spans.filter(({ attributes }) => attributes['beryl.phase'] !== undefined)
  await eventually(
    () =>
      traces.spans.some((span) => span.traceId === traceId) &&
      ofRelease().some(({ name }) => name === 'switching'),
    () => `the spans: ${traces.spans.map(({ name }) => name).join(', ')}`,
  )
  assert.deepEqual(traces.wrong, [])
  assert.ok(traces.headers.every((one) => one['x-key'] === 'the key'))
  const request = traces.spans.find((span) => span.traceId === traceId)!
  assert.equal(request.resource['service.name'], 'beryl-gateway')
  assert.equal(request.attributes['beryl.release'], id)
  assert.equal(new Set(ofRelease().map((span) => span.traceId)).size, 1)
  assert.equal(new Set(ofRelease().map((span) => span.parentSpanId)).size, 1)
  assert.ok(ofRelease().every(({ resource }) => resource['service.name'] === 'beryl-controller'))
})
