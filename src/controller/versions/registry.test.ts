/** Versions as they are registered from a real manifest and real files: a name means one thing for ever. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadManifest } from '../../config/load.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { openStore } from '../../storage/store.ts'
import { readGateRun } from '../../verification/gate-run.ts'
import { unsealed } from '../../secrets/by-name.ts'
import { openRegistry } from './registry.ts'
import { openRows } from '../rows.ts'
import type { ControllerStore } from '../store.ts'
import { bundleOf, since } from '../testing/hands.ts'

const root = mkdtempSync(join(tmpdir(), 'beryl-registry-'))
const stores: ControllerStore[] = []
after(() => {
  for (const store of stores) store.close()
  rmSync(root, { recursive: true })
})
const file = join(root, 'beryl.yaml')
const secret = 'BERYL_TEST_SECRET'

function write(
  versions = 'v1: { model: ./model.bin, args: [--key, "${BERYL_TEST_SECRET}"] }',
): void {
  writeFileSync(join(root, 'model.bin'), 'weights')
  writeFileSync(
    file,
    `apiVersion: beryl/v1
services:
  tiny:
    environment:
      provider: process
      command: [node, "{model}", "{port}"]
      env: { TOKEN: "\${${secret}}" }
    versions:
      ${versions}
`,
  )
}

function newStore(): ControllerStore {
  const store = openStore(join(root, `${stores.length}.db`)) as ControllerStore
  stores.push(store)
  return store
}

async function registered(store: ControllerStore, value = 'secret-1') {
  process.env[secret] = value
  const loaded = await loadManifest(file)
  const registry = openRegistry({ loaded, store, now: () => since })
  return { registry, ...(await registry.bundle('tiny', 'v1', { files: 'read' })) }
}

test('the same name with other files is refused, with both digests shown', async () => {
  write()
  const store = newStore()
  await registered(store)
  const first = store.versions.find('tiny', 'v1')!.digest
  writeFileSync(join(root, 'model.bin'), 'weightz')
  await assert.rejects(registered(store), (error: unknown) => {
    assert.ok(error instanceof ProblemError)
    assert.equal(error.problem.code, 'digest-changed')
    const digests = error.message.match(/sha256:[0-9a-f]{64}/g) ?? []
    assert.equal(digests.length, 2)
    assert.equal(digests[0], first)
    assert.notEqual(digests[1], first)
    return true
  })
  assert.equal(store.versions.find('tiny', 'v1')!.digest, first)
})

test('a secret that is rotated makes no other version, is given to the replicas, and is kept nowhere', async () => {
  write()
  const store = newStore()
  const before = await registered(store, 'secret-1')
  const after = await registered(store, 'secret-2')
  assert.equal(after.bundle.digest, before.bundle.digest)
  assert.ok(!JSON.stringify(after.plan).includes('secret-'))
  const { template } = unsealed(after.plan)
  assert.ok(template.provider === 'process')
  assert.equal(template.env['TOKEN'], 'secret-2')
  assert.equal(template.command.at(-1), 'secret-2')
  assert.ok(!JSON.stringify(store.versions.list('tiny')).includes('secret-'))
})

test('another variable is another bundle, though it has the same value', async () => {
  write()
  const { bundle } = await registered(newStore())
  process.env['BERYL_TEST_OTHER'] = 'secret-1'
  write('v1: { model: ./model.bin, args: [--key, "${BERYL_TEST_OTHER}"] }')
  const other = await registered(newStore())
  assert.notEqual(other.bundle.digest, bundle.digest)
})

test('a version that is live or the standby cannot be left out of the manifest, nor can its service', async () => {
  write('v2: { model: ./model.bin }')
  process.env[secret] = 'secret-1'
  const loaded = await loadManifest(file)
  const row = (name: string) => ({
    name,
    generation: 1,
    back: null,
    colour: 'blue' as const,
    live: bundleOf('v1', 'r1'),
    standby: null,
    release: null,
    queued: null,
  })
  for (const [name, expected] of [
    ['tiny', /versions lacks v1, which is live/],
    ['gone', /has no service gone, and gone is in the data directory \(live: v1\)/],
  ] as const) {
    const store = newStore()
    store.services.create(row(name), {
      at: 0,
      service: name,
      release: null,
      kind: 'command',
      by: 'test',
      text: 'begins',
      data: {},
    })
    const registry = openRegistry({ loaded, store, now: () => since })
    assert.throws(() => registry.reconcile(openRows(store)), expected)
  }
})

test("a language model's plan says which model must answer, and asks its gates in OpenAI's way", async () => {
  write()
  const lines = [{ request: { prompt: 'Call me' }, expected: ' Ishmael' }]
  writeFileSync(join(root, 'held-out.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'))
  const manifest = (model: string) => `apiVersion: beryl/v1
services:
  tiny:
    protocol: openai
    environment:
      provider: process
      command: [serve, "{model}", "{port}"]
      ready: { path: /health, model: '${model}' }
    versions:
      v1: { model: ./model.bin, expects: { perplexity: 20.7 } }
    verify:
      - warmUp: {}
      - goldenSet: { file: held-out.jsonl, request: { path: /v1/completions }, score: perplexity, atMost: 25 }
`
  writeFileSync(file, manifest('writer-{version}'))
  const { plan, bundle } = await registered(newStore())
  assert.equal(plan.template.ready.model, 'writer-v1')
  const { warmUp, goldenSet } = plan.gates
  assert.ok(warmUp?.kind === 'warmUp' && warmUp.protocol === 'openai')
  assert.ok(goldenSet?.kind === 'goldenSet')
  const { protocol, score, atMost, atLeast, expects } = goldenSet
  assert.deepEqual(
    { protocol, score, atMost, atLeast, expects },
    {
      protocol: 'openai',
      score: { kind: 'perplexity' },
      atMost: 25,
      atLeast: null,
      expects: 20.7,
    },
  )
  assert.equal(plan.rules.gates[1]!.absolute, true, 'a ceiling needs no live version')

  writeFileSync(file, manifest('other-{version}'))
  assert.notEqual((await registered(newStore())).bundle.digest, bundle.digest)
})

test('gates of the user’s own reach the examiner as they are written; a dry run is no floor', async () => {
  write()
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    `${text}    verify:
      - prometheus: { url: "http://p:9090", query: 'up{v="{version}"}', noWorseBy: 5%, for: 10s }
      - webhook: { url: "http://hook", headers: { a: b }, within: 30s, dryRun: true }
      - command: { run: [sh, check.sh], env: { A: b } }
      - load: { rate: 120%, of: peak, p95: 800ms, request: { path: /predict } }
`,
  )
  const { plan } = await registered(newStore())
  assert.deepEqual(plan.rules.gates, [
    { name: 'prometheus', kind: 'prometheus', needsLive: true, absolute: false },
    { name: 'webhook', kind: 'webhook', needsLive: false, absolute: false, dryRun: true },
    { name: 'command', kind: 'command', needsLive: false, absolute: true },
    { name: 'load', kind: 'load', needsLive: true, absolute: false },
  ])
  const { load, ...own } = plan.gates
  assert.deepEqual(load, {
    kind: 'load',
    protocol: 'http',
    rate: { ofPeak: 1.2, peak: null },
    forS: 60,
    ramp: null,
    p95Ms: 800,
    firstTokenMs: null,
    errors: 0.01,
    request: { method: 'POST', path: '/predict', headers: {}, timeoutS: 10 },
    file: null,
    captured: null,
    withinS: 600,
  })
  assert.deepEqual(own, {
    prometheus: {
      kind: 'prometheus',
      url: 'http://p:9090',
      headers: {},
      query: 'up{v="{version}"}',
      atMost: null,
      atLeast: null,
      noWorseBy: 0.05,
      forS: 10,
      withinS: 60,
    },
    webhook: { kind: 'webhook', url: 'http://hook', headers: { a: 'b' }, withinS: 30 },
    command: {
      kind: 'command',
      run: ['sh', 'check.sh'],
      env: { A: 'b' },
      directory: root,
      withinS: 60,
    },
  })
  // What the controller sends is what the examiner reads.
  for (const spec of Object.values(plan.gates))
    readGateRun({
      service: 'tiny',
      spec,
      candidate: { version: 'v1', environment: 'green', addresses: ['127.0.0.1:1'] },
      live: null,
    })
})

test('gates on production traffic reach the examiner with the rules of the service; they need a live version', async () => {
  write()
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    `${text}    protocol: json
    requests: { copy: { methods: [POST], exclude: [/admin] } }
    capture: { share: 2%, redact: [$.name, { header: x-a }, { matches: 'b+' }] }
    verify:
      - shadow: { share: 50%, atLeast: 20, within: 1m, noWorseBy: 2%, ignore: [$.id], slice: $.lang, dryRun: true }
      - replay: { requests: 30, speed: x2, similar: 90%, tolerance: [{ path: $.n, absolute: 0.5 }], headers: { a: b } }
`,
  )
  const { plan } = await registered(newStore())
  assert.deepEqual(plan.rules.gates, [
    { name: 'shadow', kind: 'shadow', needsLive: true, absolute: false, dryRun: true },
    { name: 'replay', kind: 'replay', needsLive: true, absolute: false },
  ])
  const redact = { paths: ['$.name'], headers: ['x-a'], patterns: ['b+'] }
  const risk = { fail: 0.01, pass: 0.05 }
  const both = { likeness: null, liveAgain: 0.2, risk, redact, timeoutS: 30, concurrency: 8 }
  assert.deepEqual(plan.gates, {
    shadow: {
      kind: 'shadow',
      how: { protocol: 'json', ignore: ['$.id'], tolerances: [], text: 'exact' },
      noWorseBy: 0.02,
      slice: '$.lang',
      ...both,
      share: 0.5,
      atLeast: 20,
      withinS: 60,
    },
    replay: {
      kind: 'replay',
      how: {
        protocol: 'json',
        ignore: [],
        tolerances: [{ path: '$.n', absolute: 0.5, relative: 0 }],
        text: { similar: 0.9 },
      },
      noWorseBy: 0.01,
      slice: null,
      ...both,
      requests: 30,
      speed: 2,
      headers: { a: 'b' },
      copy: { methods: ['POST'], exclude: ['/admin'] },
      withinS: 1800,
    },
  })
  for (const spec of Object.values(plan.gates))
    readGateRun({
      service: 'tiny',
      spec,
      candidate: { version: 'v1', environment: 'green', addresses: ['127.0.0.1:1'] },
      live: null,
    })
})
