/** A Beryl whose clients come by TLS: both protocols, certificates that are renewed on disk, and manifests that name the wrong files. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { makePair } from '../../src/tls/testing.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { kserveClient } from '../support/grpc.ts'

const [first, second, third] = [makePair('first'), makePair('second'), makePair('third')]
let beryl: Running

before(async () => {
  beryl = await startBeryl({
    protocol: 'grpc',
    models: { v1: { answer: 'one' } },
    gateway: ', tls: { cert: tls.crt, key: tls.key }',
    api: ', tls: { cert: api.crt, key: api.key }',
    files: {
      'tls.crt': first.cert,
      'tls.key': first.key,
      'api.crt': first.cert,
      'api.key': first.key,
    },
    service: '    switch: { drain: 1s }\n    watch: { atLeast: 0s, atMost: 10m }\n',
  })
  const { id } = await beryl.deploy('v1')
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  await beryl.cli('approve', id, '--reason', 'a test')
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watching')
})

after(async () => assert.equal(await beryl.stop(), 0))

/** The status of an answer, over a connection of its own that trusts this certificate only. */
function status(ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { ca, agent: false, servername: 'localhost' }
    request(`${beryl.gateway}/`, options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

function write(name: string, text: string): void {
  writeFileSync(join(beryl.directory, name), text)
}

function logs(): string {
  const directory = join(beryl.data, 'logs')
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
}

test('clients are told to come by https, and gRPC is answered there', async () => {
  assert.match(beryl.gateway, /^https:/)
  assert.match(beryl.preview, /^https:/)
  const { out } = await beryl.cli('status', 'tiny', '--json')
  assert.match(out, /https:\/\/127\.0\.0\.1/)
  const client = kserveClient(beryl.gateway, { ca: first.cert })
  assert.equal((await client.infer('q')).version, 'one')
  client.close()
})

test('the API comes by https too, its commands trust the certificate that `up` wrote down, and a controller that was killed shows it again', async () => {
  assert.match(beryl.apiUrl, /^https:/)
  const remote = async (...more: string[]) => beryl.cli('status', '--api', beryl.apiUrl, ...more)
  assert.equal((await remote()).code, 0)
  const other = await beryl.cli('status', '--ca', join(beryl.directory, 'tls.key'))
  assert.match(other.err, /nobody who is trusted answers at https:.*\n.*--ca FILE/)
  write('api.key', second.key)
  write('api.crt', second.cert)
  beryl.kill('controller')
  await eventually(
    async () => (await beryl.cli('status', '--json')).code === 0,
    () => 'the API with its second certificate',
  )
  assert.equal((await beryl.service()).live?.version, 'v1')
})

test('a certificate that is renewed on disk is shown to new connections of every worker, and those that stand go on', async () => {
  const client = kserveClient(beryl.gateway, { ca: first.cert })
  const talk = client.converse()
  await talk.ask('before')
  write('tls.crt', second.cert)
  write('tls.key', second.key)
  await eventually(
    async () => {
      for (let count = 0; count < 20; count++) await status(second.cert)
      return true
    },
    () => 'the second certificate',
  )
  assert.equal((await talk.ask('after')).version, 'one')
  await talk.end()
  client.close()
})

test('a pair that does not belong together is named in the log, and the one before stays; no key is ever in a log', async () => {
  write('tls.crt', third.cert)
  await eventually(
    () => logs().includes('is not that of the certificate'),
    () => 'the reason in the log',
  )
  assert.ok((await status(second.cert)) > 0)
  write('tls.key', third.key)
  await eventually(
    async () => (await status(third.cert)) > 0,
    () => 'the third certificate',
  )
  const said = logs()
  for (const { key } of [first, second, third])
    for (const line of key.split('\n').filter((one) => one.length > 40))
      assert.ok(!said.includes(line))
})

test('a gateway that was killed comes back with the certificate on disk', async () => {
  beryl.kill('gateway')
  await eventually(
    async () => (await status(third.cert)) > 0,
    () => 'an answer of the next gateway',
  )
})

test('validate names the file and the line', async () => {
  const text = readFileSync(join(beryl.directory, 'beryl.yaml'), 'utf8')
  const validate = async (change: string) => {
    write('other.yaml', text.replace('tls: { cert: tls.crt, key: tls.key }', change))
    return beryl.cli('validate', '-f', join(beryl.directory, 'other.yaml'))
  }
  const missing = await validate('tls: { cert: none.crt, key: tls.key }')
  assert.equal(missing.code, 2)
  assert.match(missing.err, /other\.yaml:2:\d+ gateway\.tls\.cert: .*none\.crt.*no such file/)
  write('other.key', first.key)
  const other = await validate('tls: { cert: tls.crt, key: other.key }')
  assert.match(other.err, /other\.yaml:2:\d+ gateway\.tls\.key: .*is not that of the certificate/)
  const second = await validate(
    'tls: [{ cert: tls.crt, key: tls.key }, { cert: tls.crt, key: other.key }]',
  )
  assert.match(second.err, /other\.yaml:2:\d+ gateway\.tls\.1\.key: .*is not that of/)
  assert.equal((await validate('tls: { cert: tls.crt, key: tls.key }')).code, 0)
})
