/** Whatever is found, what is written is a manifest that `validate` accepts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadManifest } from '../../config/load.ts'
import { makePair } from '../../tls/testing.ts'
import type { Found } from './look.ts'
import { about, manifestFor, serviceName, starter } from './manifest-text.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-init-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const ports = { gateway: 8080, api: 8090, green: 8001 }

const found = (change: Partial<Found> = {}): Found => ({
  address: { host: '127.0.0.1', port: 8000 },
  kind: 'openai',
  names: ['writer'],
  ready: '/health',
  refused: [],
  ...change,
})

async function loaded(text: string) {
  const file = join(directory, 'beryl.yaml')
  writeFileSync(file, text)
  return (await loadManifest(file)).manifest
}

/** Comments that show keys must be keys that could be used. */
async function uncommented(text: string, from: RegExp) {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => from.test(line))
  assert.ok(at >= 0)
  const bare = lines[at]!.replace('# ', '')
  const ready = /^ +ready:/.test(bare)
  return loaded(
    [...lines.slice(0, at), bare, ...lines.slice(at + 1)]
      .filter((line) => !ready || line === bare || !/^ +ready:/.test(line))
      .join('\n'),
  )
}

for (const kind of ['openai', 'kserve-v2', 'http', 'grpc'] as const)
  for (const host of ['127.0.0.1', 'fd00::1', 'models.internal'])
    for (const ready of ['/health', null])
      test(`${kind} at ${host}${ready === null ? ', no path says ready' : ''}`, async () => {
        const seen = found({
          kind,
          ready,
          address: { host, port: 8000 },
          refused: ready === null ? ['/ 404'] : [],
        })
        const text = manifestFor(seen, ports)
        const { services } = await loaded(text)
        const service = services[serviceName(seen)]!
        assert.ok(service.environment.provider === 'external')
        assert.deepEqual(service.environment.blue, [{ host, port: 8000 }])
        assert.deepEqual(service.environment.green, [{ host, port: 8001 }])
        assert.equal(service.switch.when, 'approved')
        assert.equal(text.includes('CHANGE THIS'), ready === null)
        if (kind === 'grpc') return
        const { environment } = (await uncommented(text, /^ +# ready:/)).services[
          serviceName(seen)
        ]!
        assert.ok((environment.ready.model ?? environment.ready.version) !== undefined)
      })

test('https and HTTP/2 stand in what is written, with who vouches for the certificate', async () => {
  writeFileSync(join(directory, 'ca.pem'), makePair().cert)
  const address = {
    host: 'models.internal',
    port: 8443,
    tls: { ca: join(directory, 'ca.pem'), serverName: 'writer.internal' },
  }
  const seen = found({ address, kind: 'http', upstream: 'http2' })
  const { services } = await loaded(manifestFor(seen, { ...ports, ca: './ca.pem' }))
  const { environment } = services['model']!
  assert.ok(environment.provider === 'external')
  assert.deepEqual(environment.blue, [{ host: 'models.internal', port: 8443, secure: true }])
  assert.deepEqual(environment.green, [{ host: 'models.internal', port: 8001, secure: true }])
  assert.deepEqual(environment.tls, { ca: './ca.pem', serverName: 'writer.internal' })
  assert.equal(environment.upstream, 'http2')
  assert.match(about(seen), /a server of plain HTTP\/2, ready at/)
})

test('the starter is accepted too, and says what is to be adapted', async () => {
  const { services } = await loaded(starter(ports))
  assert.equal(services['model']?.environment.provider, 'process')
  assert.match(starter(ports), /ADAPT THIS/)
})

test('a service is called after its model, where that gives a name', () => {
  for (const [names, name] of [
    [['meta-llama/Llama-3.1-8B-Instruct'], 'llama-3-1-8b-instruct'],
    [['moby-pico', 'other'], 'moby-pico'],
    [['…'], 'model'],
    [['r7'], 'model'],
    [[], 'model'],
    [['a'.repeat(80)], 'a'.repeat(40)],
  ] as const)
    assert.equal(serviceName(found({ names })), name)
  assert.equal(serviceName(found({ kind: 'http', names: ['x'] })), 'model')
})

test('what was found is said in one clause', () => {
  assert.equal(about(found()), 'an OpenAI-style server that serves writer, ready at /health')
  assert.match(
    about(
      found({ kind: 'kserve-v2', ready: '/v2/health/ready', refused: ['/v2/health/ready 503'] }),
    ),
    /not ready yet at \/v2\/health\/ready \(\/v2\/health\/ready 503\)$/,
  )
  assert.match(
    about(found({ kind: 'http', ready: null, refused: ['/ 404'] })),
    /no path said that it is ready \(\/ 404\): put the one that does into ready\.path/,
  )
})
