/** More of the hard cases that are decided (docs/promises.md): what a person may ask for, and what is refused, while clients ask all the while. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ServiceView } from '../../src/api/shapes.ts'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { mixed, oldAfterNew, steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic
/** What the failing versions fail on, and no golden line has. */
const poison = 'poison'
let poisoned = false

const variable = 'BERYL_TEST_TOKEN'
const secrets = ['first-of-the-secrets', 'second-of-the-secrets'] as const
const tokenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .find((one) => one.startsWith('TOKEN='))

before(async () => {
  process.env[variable] = secrets[0]
  beryl = await startBeryl({
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two' },
      failing: { answer: 'failing', failOn: poison },
      wrong: { answer: 'wrong', wrong: true, startDelayMs: 500 },
      unready: { answer: 'unready', neverReady: true },
    },
    environment: `      env: { TOKEN: "\${${variable}}" }\n`,
    // No release passes such a watch but by somebody's word.
    service: `
    route: { host: 127.0.0.1 }
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, noWorseBy: 0.05 }
    switch: { drain: 20s }
    watch: { atLeast: 10m, atMost: 20m, errors: { margin: 10%, atMost: 30%, minimumEffect: 20% } }
    standby: [{ full: 10m }]
  first:
    route: { host: first.example }
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(import.meta.dirname, '../fixtures/model.js'))}, "{model}", "{port}"]
      ready: { path: /healthz, within: 5s }
      stop: { grace: 1s }
    versions: { failing: { model: ./failing.json } }
    switch: { when: approved, drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 10%, atMost: 30%, minimumEffect: 20% } }
`,
  })
  traffic = steadyTraffic(beryl.gateway, {
    concurrency: 3,
    ignore: 'no-live-version',
    text: (nth) => (poisoned ? poison : 'x'.repeat(1 + (nth % 30))),
  })
})
after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
  assert.deepEqual(Object.keys(sent.badByVersion), ['failing'])
  assert.equal(sent.byVersion['unready'], undefined)
})

const began = () => traffic.counts().answers.length
const since = (at: number) => traffic.counts().answers.slice(at)
const pause = (id: string) => beryl.api('POST', `/releases/${id}/pause`, {})
const resume = (id: string) => beryl.api('POST', `/releases/${id}/resume`, {})
const recordOf = async (id: string) =>
  JSON.stringify(await beryl.api('GET', `/releases/${id}/report`))
async function back(id: string, reason: string): Promise<void> {
  await beryl.api('POST', '/services/tiny/rollback', { reason })
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  await traffic.atLeast(20)
}
async function live(version: string): Promise<string> {
  const { id } = await beryl.deploy(version)
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watching')
  return id
}

test('`promote` from the watch accepts the release without more evidence, by name and with the reason', async () => {
  const first = await live('v1')
  const { gates, leftOut } = await beryl.release(first)
  // A first release leaves out, by name, the gate that compares with a live version.
  assert.deepEqual(
    [gates.map(({ name }) => name), leftOut],
    [
      ['goldenSet'],
      [{ name: 'goldenSet-2', because: 'it compares with a live version, and there is none yet' }],
    ],
  )
  await beryl.api('POST', `/releases/${first}/promote`, { reason: 'there was nothing before' })
  await beryl.until(first, ({ phase }) => phase === 'finished', 'finished')
  const at = began()
  const id = await live('v2')
  assert.deepEqual((await beryl.release(id)).leftOut, [])
  const { code, err } = await beryl.cli('promote', id, '--reason', 'seen elsewhere')
  assert.equal(code, 0, err)
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  assert.match(await recordOf(id), /accepted without more evidence by \S+: seen elsewhere/)
  await traffic.atLeast(20)
  assert.equal(oldAfterNew(since(at), 'v1', 'v2'), 0)
})

test('a pause stops no rollback, by hand or by the guard', async () => {
  const at = began()
  const { id } = (await beryl.service()).release!
  await pause(id)
  await back(id, 'a change of mind')
  assert.equal(mixed(since(at), 'v1', 'v2'), 0)
  const then = began()
  const bad = await live('failing')
  await pause(bad)
  poisoned = true
  const { rolledBack } = await beryl.until(bad, ({ phase }) => phase === 'rolled-back', 'back')
  poisoned = false
  assert.equal(rolledBack?.by, 'guard')
  await traffic.atLeast(20)
  assert.equal(mixed(since(then), 'v1', 'failing'), 0)
  assert.equal((await beryl.service()).live?.version, 'v1')
})

test('`--force` skips the gate that it names, by name and with the reason, and nothing else', async () => {
  /** Its gates are skipped while it is paused: before they are asked. */
  const forced = async (version: string, gates: readonly string[]) => {
    const { id } = await beryl.deploy(version)
    await pause(id)
    const [first, ...others] = gates
    const { code, err } = await beryl.cli('approve', id, '--force', first!, '--reason', 'not this')
    assert.equal(code, 0, err)
    for (const gate of others)
      await beryl.api('POST', `/releases/${id}/approve`, { gate, reason: `not ${gate}` })
    await resume(id)
    return id
  }
  const at = began()
  const other = await forced('wrong', ['goldenSet'])
  const rejected = await beryl.until(other, ({ phase }) => phase === 'rejected', 'rejected')
  assert.match(rejected.because!, /^goldenSet-2: wrong scores 0 %/)
  const unready = await forced('unready', ['goldenSet', 'goldenSet-2'])
  const never = await beryl.until(unready, ({ phase }) => phase === 'rejected', 'rejected')
  assert.match(never.because!, /not ready within 5 s/)
  assert.deepEqual([...new Set(since(at).map(({ version }) => version))], ['v1'])
  const both = await forced('wrong', ['goldenSet', 'goldenSet-2'])
  await beryl.until(both, ({ phase }) => phase === 'watching', 'live by force')
  assert.match(await recordOf(both), /not goldenSet-2/)
  await traffic.atLeast(20)
  await back(both, 'only to see it')
  assert.equal(mixed(since(at), 'v1', 'wrong'), 0)
})

test('a first release is never rolled back by its watch: it waits for somebody, and clients are answered all the while', async () => {
  const host = 'first.example'
  const clients = steadyTraffic(beryl.gateway, {
    concurrency: 2,
    host,
    ignore: 'no-live-version',
    text: () => poison,
  })
  try {
    const { id } = await beryl.api<{ id: string }>('POST', '/services/first/releases', {
      version: 'failing',
    })
    await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'waiting for a person')
    await beryl.api('POST', `/releases/${id}/approve`, {})
    await beryl.until(
      id,
      ({ watch }) => /^alarm: .*but a first release has no way back/.test(watch?.because ?? ''),
      'judged bad',
    )
    await assert.rejects(beryl.api('POST', '/services/first/rollback', {}), /no-standby/)
    const { live: now } = await beryl.api<ServiceView>('GET', '/services/first')
    assert.equal(now?.version, 'failing')
    await beryl.api('POST', `/releases/${id}/promote`, { reason: 'better than nothing' })
    await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
  } finally {
    await clients.stop()
  }
  assert.deepEqual(clients.counts().lost, [])
})

test('what could not be meant is refused whole, and changes nothing for anybody', async () => {
  const at = began()
  const text = await readFile(join(beryl.directory, 'beryl.yaml'), 'utf8')
  const instead = (from: string, to: string) => {
    assert.ok(text.includes(from), from)
    return text.replace(from, to)
  }
  const drain = 'switch: { drain: 20s }'
  for (const [manifest, why] of [
    [instead(drain, 'switch: { traffic: { canary: [50%, 20%] } }'), /each share to be larger/],
    [instead(drain, 'switch: { traffic: { canary: [50%, 150%] } }'), /canary\.1/],
    [instead(drain, 'switch: { windows: ["Mon 09:00-09:00 UTC"] }'), /it would never open/],
    [
      instead('standby: [{ full: 10m }]', 'standby: [{ replicas: 1, for: 1h }, { full: 1h }]'),
      /a ladder that goes down/,
    ],
    [instead('model: ./v2.json', 'model: hf://acme/tiny@main'), /a pinned reference/],
  ] as const)
    await assert.rejects(beryl.api('POST', '/apply', { manifest }), why)
  const loop = { version: '@live', reason: 'round and round' }
  await assert.rejects(beryl.api('PUT', '/services/tiny/aliases/best', loop), /alias-of-alias/)
  await traffic.atLeast(20)
  assert.deepEqual([...new Set(since(at).map(({ version }) => version))], ['v1'])
})

test('a secret that is rotated makes no other version, is given to new replicas, and stands in no file and no answer', async () => {
  const at = began()
  await beryl.killSupervisor()
  process.env[variable] = secrets[1]
  await beryl.restartSupervisor()
  const id = await live('v2')
  const { environments, live: now } = await beryl.service()
  for (const [environment, secret] of [
    [now!.environment === 'blue' ? 'green' : 'blue', secrets[0]],
    [now!.environment, secrets[1]],
  ] as const)
    if (process.platform === 'linux')
      assert.equal(tokenOf(environments[environment].replicas[0]!.pid!), `TOKEN=${secret}`)
  await traffic.atLeast(20)
  assert.equal(oldAfterNew(since(at), 'v1', 'v2'), 0)
  const told = await Promise.all(
    [`/releases/${id}/report`, '/services/tiny/versions/v2', '/services/tiny'].map(async (path) =>
      JSON.stringify(await beryl.api('GET', path)),
    ),
  )
  const kept = globSync(join(beryl.data, '**'), { withFileTypes: true })
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
  assert.ok(kept.length > 5)
  for (const secret of secrets) assert.ok(![...kept, ...told].some((text) => text.includes(secret)))
})
