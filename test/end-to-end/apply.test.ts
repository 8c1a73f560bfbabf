/** `beryl apply` on a Beryl that runs, under load: a version is added, live is scaled, and what may not change is refused whole. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic
let file = ''

before(async () => {
  beryl = await startBeryl({ models: { v1: { answer: 'one' } } })
  file = join(beryl.directory, 'beryl.yaml')
  const id = await beryl.deployed('v1')
  // Nothing is scaled while a release is under way.
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
  traffic = steadyTraffic(beryl.gateway)
})

after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

async function edit(from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  assert.ok(text.search(from) >= 0, String(from))
  await writeFile(file, text.replace(from, to))
}
const liveReplicas = async () => {
  const { environments, live } = await beryl.service()
  return environments[live!.environment].replicas.length
}

test('a dry run says what would change and changes nothing; then it is done', async () => {
  await writeFile(join(beryl.directory, 'v2.json'), '{"answer":"two"}')
  await edit('      v1: { model', '      v2: { model: ./v2.json }\n      v1: { model')
  await edit('replicas: 1', 'replicas: 3')
  const dry = await beryl.cli('apply', '-f', file, '--dry-run')
  assert.equal(dry.code, 0, dry.err)
  assert.match(dry.out, /now +services\.tiny\.versions\.v2: \+ \{"model":"\.\/v2\.json"\}/)
  assert.match(
    dry.out,
    /now +services\.tiny\.environment\.replicas: 1 → 3 +\(added before removed\)/,
  )
  assert.equal(await liveReplicas(), 1)

  const done = await beryl.cli('apply', '-f', file)
  assert.equal(done.code, 0, done.err)
  await eventually(
    async () => (await liveReplicas()) === 3,
    () => 'three replicas',
  )
  await edit('replicas: 3', 'replicas: 1')
  assert.equal((await beryl.cli('apply', '-f', file)).code, 0)
  await eventually(
    async () => (await liveReplicas()) === 1,
    () => 'one replica',
  )
  assert.match((await beryl.cli('apply', '-f', file)).out, /changes nothing/)
})

test('what was applied outlives the controller, and the new version can be deployed', async () => {
  const killed = beryl.kill('controller')
  await eventually(
    async () => (await beryl.service()) !== null && beryl.pidOf('controller') !== killed,
    () => 'the next controller',
  )
  await beryl.deployed('v2')
  assert.equal((await beryl.service()).live!.version, 'v2')
})

test('a live version that is missing, or a broken file, is refused, and nothing of it is applied', async () => {
  await edit('      v2: { model: ./v2.json }\n', '')
  await edit('atMost: 10m', 'atMost: 11m')
  const gone = await beryl.cli('apply', '-f', file)
  assert.equal(gone.code, 1)
  assert.match(gone.err, /services\.tiny\.versions\.v2: v2 is live, standby or being released/)
  await edit('atMost: 11m', 'atMost: soon')
  const broken = await beryl.cli('apply', '-f', file)
  assert.equal(broken.code, 2)
  assert.match(broken.err, /beryl\.yaml:\d+:\d+ services\.tiny\.watch\.atMost: expected a duration/)
  assert.equal((await beryl.service()).live!.version, 'v2')
})
