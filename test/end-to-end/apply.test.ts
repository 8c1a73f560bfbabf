/** `beryl apply` on a Beryl that runs, under load: a version is added, live is scaled, and what may not change is refused whole. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ServiceView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { request } from 'node:http'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic
let clients: Traffic | undefined
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
  await clients?.stop()
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
})

async function edit(from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  assert.ok(typeof from === 'string' ? text.includes(from) : from.test(text), String(from))
  await writeFile(
    file,
    text.replace(from, () => to),
  )
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
  assert.match(gone.err, /services\.tiny\.versions\.v2: v2 is live, .*deploy another version first/)
  await edit('atMost: 11m', 'atMost: soon')
  const broken = await beryl.cli('apply', '-f', file)
  assert.equal(broken.code, 2)
  assert.match(broken.err, /beryl\.yaml:\d+:\d+ services\.tiny\.watch\.atMost: expected a duration/)
  assert.equal((await beryl.service()).live!.version, 'v2')
})

test('the standby is given up with --remove only: it is drained and stopped, and live answers all the while', async () => {
  await edit('atMost: soon', 'atMost: 10m')
  await edit(/      v1: .*\n/, '      v2: { model: ./v2.json }\n')
  const refused = await beryl.cli('apply', '-f', file)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /v1 is the standby: put it back, or give up the way back/)
  const { release } = await beryl.service()
  const done = await beryl.cli('apply', '-f', file, '--remove')
  assert.equal(done.code, 0, done.err)
  assert.match(done.out, /now +services\.tiny\.versions\.v1: - .*the way back to it ends/)
  await beryl.until(release!.id, ({ phase }) => phase === 'finished', 'finished')
  const { live, environments, versions } = await beryl.service()
  assert.equal(live!.version, 'v2')
  const other = environments[live!.environment === 'blue' ? 'green' : 'blue']
  assert.deepEqual([other.role, other.replicas], ['empty', []])
  assert.ok(
    versions.some(({ version }) => version === 'v1'),
    'its record stays',
  )
  const none = await beryl.cli('rollback', 'tiny')
  assert.match(none.err, /no standby/)
})

const host = 'extra.example'
const extra = `
  extra:
    route: { host: ${host} }
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(import.meta.dirname, '../fixtures/model.js'))}, "{model}", "{port}"]
      ready: { path: /healthz, within: 5s }
      stop: { grace: 1s }
    versions: { e1: { model: ./v1.json } }
    switch: { when: approved, drain: 20s }
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept }
`
const asked = (path: string) =>
  new Promise<{ status: number; text: Promise<string> }>((resolve, reject) => {
    const outgoing = request(`${beryl.gateway}${path}`, { headers: { host } }, (incoming) => {
      const text = incoming
        .setEncoding('utf8')
        .toArray()
        .then((all) => all.join(''))
      resolve({ status: incoming.statusCode!, text })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })

test('a service is removed with --remove only: its route is unknown at once, what is in flight ends, whoever is killed; its record stays', async () => {
  // Else what asks for the other one would be answered by this one.
  await edit('  tiny:\n', '  tiny:\n    route: { host: 127.0.0.1 }\n')
  await edit(/$/, extra)
  const added = await beryl.cli('apply', '-f', file)
  assert.equal(added.code, 0, added.err)
  assert.match(added.out, /now +services\.tiny\.route: \+ /)
  const { id } = await beryl.api<{ id: string }>('POST', '/services/extra/releases', {
    version: 'e1',
  })
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'waiting')
  await beryl.api('POST', `/releases/${id}/approve`, {})
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
  const { environments } = await beryl.api<ServiceView>('GET', '/services/extra')
  const { address } = environments.blue.replicas[0]!
  clients = steadyTraffic(beryl.gateway, { host, ignore: 'no-route', concurrency: 2 })
  await clients.atLeast(20)
  const stream = await asked('/stream?count=60&every=20')
  assert.equal(stream.status, 200)

  await edit(extra, '')
  const refused = await beryl.cli('apply', '-f', file)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /services\.extra: clients would be answered by nobody: .*--remove/)
  const dry = await beryl.cli('apply', '-f', file, '--remove', '--dry-run')
  assert.match(dry.out, /now +services\.extra: - /)
  assert.equal((await asked('/healthz')).status, 200)
  const done = await beryl.cli('apply', '-f', file, '--remove')
  assert.equal(done.code, 0, done.err)
  const killed = beryl.kill('controller')
  await eventually(
    async () => (await asked('/healthz')).status === 404,
    () => 'its route to be unknown',
  )
  assert.match(await stream.text, /\[DONE\]/, 'what was in flight ended whole')
  const { lost, answers } = await clients.stop()
  assert.deepEqual(lost, [])
  const last = Math.max(
    ...answers.filter(({ version }) => version === 'e1').map(({ sentAt }) => sentAt),
  )
  const first = Math.min(
    ...answers.filter(({ version }) => version === '').map(({ answeredAt }) => answeredAt),
  )
  assert.ok(last <= first, 'nobody is answered by it once somebody was not')
  const record = () =>
    beryl.api<{ events: { text: string }[] }>('GET', '/events?service=extra&limit=1000')
  await eventually(
    async () =>
      beryl.pidOf('controller') !== killed &&
      (await record()).events.some(({ text }) => text.startsWith('service extra is gone')),
    () => 'it to be gone',
  )
  await assert.rejects(fetch(`http://${address}/healthz`), 'its model server has stopped')
  await assert.rejects(beryl.api('GET', '/services/extra'), /no-such-service/)
  await assert.rejects(
    beryl.api('POST', '/services/extra/releases', { version: 'e1' }),
    /no-such-service/,
  )
  assert.match((await beryl.cli('explain', id)).out, /switched to e1/)
  assert.match((await beryl.cli('history', 'extra')).out, new RegExp(`${id}.*e1`))
})

test('a service that comes back under the name begins anew, and its generations go on', async () => {
  await edit(/$/, extra)
  assert.equal((await beryl.cli('apply', '-f', file)).code, 0)
  const { live, generation } = await beryl.api<ServiceView>('GET', '/services/extra')
  assert.equal(live, null)
  assert.ok(generation > 0)
  await eventually(
    async () => (await asked('/healthz')).status === 503,
    () => 'its route to be known again',
  )
})
