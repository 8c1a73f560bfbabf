/** The rung `shared`: two services, one pool, with real servers that load and unload real models; one of two is lost at first. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import type { CostView, ReleaseView, ServiceView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import {
  bothLive,
  deployIn,
  inferred,
  loadedIn,
  pooledManifest,
  poolProgram,
} from '../support/pooled.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-pool-'))
const models = { 'tiny-v1': 'en', 'tiny-v2': 'de', 'rank-w1': 'fr', 'rank-w2': 'it' }
const own = (name: string) => join(directory, 'own', name)
/** What the pool reads is a copy. */
const pooled = (name: string) => join(directory, 'pool', name)

/** Servers of the pool; the second is not there yet. */
const pool: { url: string; child: ChildProcess | null }[] = []
let url = ''
let beryl: Running
let stopped = false
let traffic: Promise<string[]>
/** Releases that replaced the first version of each. */
const release: Record<string, string> = {}

before(async () => {
  for (const [name, language] of Object.entries(models)) {
    write(own(name), language)
    cpSync(own(name), pooled(name), { recursive: true })
  }
  for (const _ of [1, 2]) pool.push(await startPool('0'))
  url = pool[0]!.url
  await end(pool[1]!)
  const keys = `urls: [${pool.map((one) => `"${one.url}"`).join(', ')}], models: 1, within: 3s, price: { serverHour: 3600, currency: USD }`
  const manifest = pooledManifest({ pool: keys, directoryOf: own })
  beryl = await startBeryl({ models: {}, manifest })
  await bothLive(beryl)
  traffic = asking()
})

after(async () => {
  stopped = true
  const lost = await traffic
  assert.equal(await beryl.stop(), 0)
  await Promise.all(pool.map(end))
  rmSync(directory, { recursive: true, force: true })
  assert.deepEqual(lost, [], 'nobody was answered by nobody, or by another service')
})

const deploy = (service: string, version: string) => deployIn(beryl, service, version)
const service = (name: string) => beryl.api<ServiceView>('GET', `/services/${name}`)
const standbyOf = async (name: string) =>
  Object.values((await service(name)).environments).find(({ role }) => role === 'standby')!.replicas
const waits = (id: string, text: RegExp) =>
  beryl.until(id, ({ waitingFor }) => text.test(waitingFor ?? ''), String(text))

test('the standby is drilled, and then stands in the pool alone, whoever is killed; its controls are not reached by clients', async () => {
  release['tiny'] = (await deploy('tiny', 'v2')).id
  await waits(release['tiny'], /^the standby: shared for another/)
  const [only, ...others] = await standbyOf('tiny')
  assert.deepEqual([`http://${only!.address}`, only!.state, others], [url, 'ready', []])
  assert.deepEqual(await loadedIn(url), ['tiny-v1'])
  const { wayBack } = await beryl.service()
  assert.ok(wayBack.possible && wayBack.measuredMs! > 0, JSON.stringify(wayBack))
  assert.match(wayBack.because, /v1 is shared on \w+: .*100 % of the traffic goes at once/)
  beryl.kill('controller')
  await eventually(
    async () => (await standbyOf('tiny'))[0]?.state === 'ready',
    () => 'the next controller to know it',
  )
  const controls = await fetch(`${beryl.gateway}/v2/repository/index`, { method: 'POST' })
  assert.equal(controls.status, 404)
  assert.match(await controls.text(), /no-route/)
})

test('who would be pushed out of a full pool is said beforehand, and who was, when it is', async () => {
  const id = release['tiny']!
  const planned = async () => (await beryl.cli('plan', 'rank', 'w2')).out
  await eventually(
    async () => (await planned()).includes('on lost servers'),
    () => 'the second server to be missed',
  )
  const out = await planned()
  assert.match(
    out,
    new RegExp(
      `pool +spare, 1 of 1 taken on 2 servers .of 2: the others are on lost servers.*: v1 of tiny .standby of ${id}.`,
    ),
  )
  assert.match(out, new RegExp(`pushes out v1 of tiny .standby of ${id}.: nothing of it is ready`))
  release['rank'] = (await deploy('rank', 'w2')).id
  await waits(release['rank'], /^the standby: shared for another/)
  const other = release['rank']
  await waits(
    id,
    new RegExp(`pushed out of pool spare, full of ${other} of rank: a rollback loads`),
  )
  assert.deepEqual(await loadedIn(url), ['rank-w1'])
  const { events } = await beryl.api<{ events: { text: string }[] }>(
    'GET',
    '/events?service=tiny&limit=1000',
  )
  const told = events.filter(({ text }) => text.startsWith('v1 was pushed out of pool spare'))
  assert.equal(told.length, 1)
  const ledger = await beryl.api<CostView>('GET', '/services/tiny/cost')
  const place = ledger.lines.find(({ pool: one }) => one === 'spare')
  assert.equal(place?.role, 'standby')
  assert.ok(Math.abs(place.money! - 3600 * place.placeHours!) < 1e-6 && place.money! > 0)
  const { out: ifShared } = await beryl.cli('plan', 'rank', 'w2', '--standby', 'shared')
  assert.match(ifShared, /if it were: standby shared/)
  assert.match(ifShared, /^ +shared \* +\d\.\d\d h of a place, \d+\.\d\d USD +.*drills/m)
  const { wayBack } = await beryl.service()
  assert.match(wayBack.because, /pushed out of pool spare, full of r\d+ of rank/)
})

test('both rolled back in the same second are served: first the one whose model is loaded, then the other', async () => {
  const back = (name: string) =>
    beryl.api('POST', `/services/${name}/rollback`, { reason: 'it answers rudely' })
  await Promise.all([back('tiny'), back('rank')])
  for (const id of Object.values(release))
    await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  const [tiny, rank] = await Promise.all(
    [release['tiny']!, release['rank']!].map((id) => beryl.release(id)),
  )
  assert.ok(rank!.rolledBack!.at <= tiny!.rolledBack!.at, 'the one that was loaded goes first')
  assert.deepEqual([await answer('tiny'), await answer('rank')], ['en', 'fr'])
  await eventually(
    async () => (await loadedIn(url)).length === 0,
    () => 'the pool to be free again: both have their own replicas',
  )
})

test('a pool that cannot load it is a named state, and its own replicas stay; mended, it goes on', async () => {
  rmSync(join(pooled('tiny-v1'), 'weights.bin'))
  release['tiny'] = (await deploy('tiny', 'v2')).id
  const id = release['tiny']
  await waits(id, /^the standby to step down to shared: 1 to go \(.*load answered 500/)
  const isPaused = ({ paused }: ReleaseView) => paused !== null
  const { paused } = await beryl.until(id, isPaused, 'paused')
  assert.match(paused!.because ?? '', /load answered 500/)
  await eventually(
    async () => {
      const here = await standbyOf('tiny')
      return here.length === 1 && here[0]!.state === 'ready' && here[0]!.pid !== null
    },
    () => 'its own replica to stand by alone',
  )
  cpSync(own('tiny-v1'), pooled('tiny-v1'), { recursive: true })
  await beryl.api('POST', `/releases/${id}/resume`, {})
  await waits(id, /^the standby: shared for another/)
})

test('a server that is killed is noticed, and its model is loaded by another one; where there is none that is found before anybody needs it', async () => {
  const id = release['tiny']!
  pool[1] = await startPool(new URL(pool[1]!.url).port)
  await end(pool[0]!)
  await eventually(
    async () => {
      const [only] = await standbyOf('tiny')
      return `http://${only?.address}` === pool[1]!.url && only!.state === 'ready'
    },
    () => 'the standby to stand in the other server',
  )
  assert.equal((await beryl.release(id)).paused, null)
  await end(pool[1])
  const { paused } = await beryl.until(id, ({ paused: one }) => one !== null, 'stepped up')
  assert.match(paused!.because ?? '', /shared.*ECONNREFUSED/)
  await eventually(
    async () => (await beryl.service()).wayBack.because.startsWith('v1 is full'),
    () => 'the standby to be full again',
  )
})

/** A model that answers one language, whatever it is asked. */
function write(at: string, language: string): void {
  mkdirSync(at, { recursive: true })
  const labels = [language, 'xx']
  const settings = { labels, buckets: 1, ngrams: [1], weights: 'float32' }
  writeFileSync(join(at, 'model.json'), JSON.stringify(settings))
  // One row for its bucket, and the biases.
  writeFileSync(join(at, 'weights.bin'), Buffer.from(Float32Array.from([0, 0, 1, 0]).buffer))
}

async function startPool(port: string): Promise<(typeof pool)[number]> {
  const repository = Object.keys(models).map((name) => `${name}=${pooled(name)}`)
  const options = ['--port', port, '--models', '1', ...repository]
  const child = spawn(process.execPath, [poolProgram, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  )
  return { url: `http://127.0.0.1:${/"port":(\d+)/.exec(said)![1]}`, child }
}

async function end(one: (typeof pool)[number]): Promise<void> {
  if (one.child === null) return
  const exited = once(one.child, 'exit')
  one.child.kill('SIGKILL')
  one.child = null
  await exited
}

async function answer(name: string): Promise<string> {
  const { status, language } = await inferred(beryl.gateway, name, 'hello')
  return status === 200 ? language : `${status} ${language}`
}

/** Until it is stopped; answers what nobody should have been told. */
async function asking(): Promise<string[]> {
  const lost: string[] = []
  const right = { tiny: ['en', 'de'], rank: ['fr', 'it'] }
  while (!stopped) {
    for (const [name, languages] of Object.entries(right)) {
      const came = await answer(name).catch((error: Error) => error.message)
      if (!languages.includes(came)) lost.push(`${name}: ${came}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return lost
}
