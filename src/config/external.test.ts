/** A manifest for servers that somebody else runs: what is accepted, and what is refused by name, with where it stands. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadManifest } from './load.ts'
import { ManifestError } from './manifest-error.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-external-'))
after(() => rmSync(directory, { recursive: true, force: true }))
writeFileSync(join(directory, 'model.bin'), 'weights')

const good = `apiVersion: beryl/v1
services:
  chat:
    environment:
      provider: external
      blue: [http://10.0.0.1:8000, "http://[fd00::1]:8000"]
      green: [http://blue.internal, http://10.0.0.4:8000/]
      ready: { path: /health, within: 2m }
    versions:
      v1: {}
      v2: { notes: better }
    switch: { drain: 30s }
`

async function load(text: string) {
  const file = join(directory, 'beryl.yaml')
  writeFileSync(file, text)
  try {
    return { service: (await loadManifest(file)).manifest.services['chat']!, problems: [] }
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error))
    return { problems: error.message.split('\n').map((line) => line.replace(`${file}:`, '')) }
  }
}

test('addresses are IPv4, IPv6 and host names; a person consents unless the manifest does', async () => {
  const { service, problems } = await load(good)
  assert.deepEqual(problems, [])
  assert.ok(service?.environment.provider === 'external')
  assert.deepEqual(service.environment.blue[1], { host: 'fd00::1', port: 8000 })
  assert.deepEqual(service.environment.green, [
    { host: 'blue.internal', port: 80 },
    { host: '10.0.0.4', port: 8000 },
  ])
  assert.equal(service.switch.when, 'approved')
})

const spot = (value: string) => good.replace('ready:', `spot: ${value}\n      ready:`)

test('addresses on spot capacity are addresses of a place, and live is on them in its turn', async () => {
  const one = 'addresses: [http://10.0.0.1:8000]'
  assert.deepEqual((await load(spot(`{ ${one}, live: true }`))).problems, [])
  assert.match(
    (await load(spot(`{ ${one} }`))).problems[0]!,
    /environment.spot: both places become/,
  )
  const other = await load(spot('{ addresses: [http://10.0.0.9:8000], live: true }'))
  assert.match(other.problems[0]!, /spot.addresses.0: is no address of blue or green/)
  const standby = good
    .replace('versions:', 'versions:')
    .replace('switch:', 'standby: { spot: true }\n    switch:')
  assert.match((await load(standby)).problems[0]!, /standby.spot: external servers are not started/)
})

const checked = 'ready: { path: /health, version: { path: /version, answer: $.version } }'

test('without a person it goes only where the servers are asked which version they are', async () => {
  const verified = good.replace('{ drain: 30s }', '{ when: verified }')
  assert.match(
    (await load(verified)).problems[0]!,
    /switch.when: nothing says which version answers/,
  )
  const asked = verified.replace(/ready: .*/, checked)
  const { service, problems } = await load(asked)
  assert.deepEqual(problems, [])
  assert.equal(service?.switch.when, 'verified')
  assert.equal(service.environment.ready.version?.is, '{version}')
})

/** What is changed in the good one → what is said of it. */
const refused: [name: string, from: string | RegExp, to: string, said: RegExp][] = [
  [
    'a command',
    'blue:',
    'command: [serve]\n      blue:',
    /^6:7 .*"command" is for `provider: process` only/,
  ],
  [
    'replicas and gpus',
    'blue:',
    'replicas: 2\n      gpus: 1\n      blue:',
    /"replicas" is for `provider: process` only/,
  ],
  [
    'a grace',
    'blue:',
    'stop: { grace: 1s }\n      blue:',
    /"stop" is for `provider: process` only/,
  ],
  ['a misspelt key', 'blue:', 'bleu:', /unknown key "bleu"; did you mean "blue"/],
  [
    'addresses of processes',
    /provider: external\n.*\n/,
    'provider: process\n      command: [a]\n',
    /"green" is for `provider: external` only/,
  ],
  [
    'another provider',
    'provider: external',
    'provider: extern',
    /^5:17 .*expected "process" or "external", came "extern"/,
  ],
  [
    'TLS to one address and not to the next',
    'http://10.0.0.1:8000',
    'https://10.0.0.1:8000',
    /blue.1: expected https, as the first address is/,
  ],
  [
    'authorities for addresses without TLS',
    'ready:',
    'tls: { serverName: models.internal }\n      ready:',
    /environment.tls: is for https:\/\/ addresses, and these are http/,
  ],
  [
    'authorities that are not there',
    'ready:',
    'tls: { ca: none.pem }\n      ready:',
    /environment.tls.ca: .*none.pem cannot be read: there is no such file/,
  ],
  ['a path', '10.0.0.4:8000/', '10.0.0.4:8000/v1', /blue|green.*no path \(paths stay/],
  ['no scheme', 'http://10.0.0.1:8000', '10.0.0.1:8000', /expected http\(s\):\/\/HOST:PORT/],
  ['a port that is none', '10.0.0.1:8000', '10.0.0.1:70000', /expected a port from 1 to 65535/],
  ['an empty place', /blue: .*/, 'blue: []', /expected a list of at least 1/],
  [
    'places that are not alike',
    ', http://10.0.0.4:8000/',
    '',
    /blue has 2 and green 1: the places must be alike/,
  ],
  [
    'one address in both places',
    'http://blue.internal',
    'http://10.0.0.1:8000',
    /the same address as services.chat.environment.blue.0/,
  ],
  [
    "Beryl's own address",
    'http://10.0.0.1:8000',
    'http://127.0.0.1:8080',
    /the same address as gateway.listen/,
  ],
  [
    'a rung of fewer replicas',
    'switch:',
    'standby: [{ replicas: 1, for: 1h }]\n    switch:',
    /standby.0.replicas: external servers are not stopped by Beryl: write full/,
  ],
  [
    'files of a version',
    'v1: {}',
    'v1: { model: model.bin }',
    /versions.v1.model: model is for `provider: process`/,
  ],
  [
    'arguments and variables of a version',
    'v1: {}',
    'v1: { args: [a], env: { A: b } }',
    /versions.v1.env: env is for `provider: process`/,
  ],
  [
    'the process of a server that is not ours',
    /ready: .*/,
    'sleep: { by: commands, down: [kill, "{pid}"], up: [a] }',
    /sleep.down: \{pid\} means nothing for v1, whose processes are not Beryl's; placeholders are \{host\}/,
  ],
  [
    'a placeholder that nothing fills',
    /ready: .*/,
    'ready: { version: { path: /version, is: "{model}" } }',
    /ready uses \{model\}, and v1 has no model/,
  ],
  [
    'a path into the answer that is none',
    /ready: .*/,
    'ready: { version: { path: /version, answer: "$..v" } }',
    /ready.version.answer: .*descendants are not supported/,
  ],
  [
    'a version asked of servers of gRPC, which know no GET',
    /environment:([^]*?)ready: .*/,
    `protocol: grpc\n    environment:$1${checked}`,
    /ready.version: is asked for with GET, which gRPC does not know/,
  ],
]

for (const [name, from, to, said] of refused) {
  test(`${name} is refused, with what to do`, async () => {
    const changed = good.replace(from, to)
    assert.notEqual(changed, good)
    const { problems } = await load(changed)
    assert.ok(
      problems.some((line) => said.test(line)),
      problems.join('\n') || 'it was accepted',
    )
  })
}
