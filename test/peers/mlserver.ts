/**
 * A real MLServer, started by Beryl, as the pool in which the standbys of two services stand: real models are loaded, unloaded and rolled back to under
 * live traffic, and every answer is held against what the model itself says. Without Python this fails: what did not run must not look
 * like a pass.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ServiceView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { classify, loadModel, texts, trainAll } from '../support/langid-model.ts'
import { installMlServer, mlServerOf, pidsWith } from '../support/mlserver.ts'
import type { MlServerAsked } from '../support/mlserver.ts'
import {
  bothLive,
  deployIn,
  inferred,
  loadedIn,
  pooledManifest,
  poolNames,
} from '../support/pooled.ts'
import type { PoolName } from '../support/pooled.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-mlserver-'))
const repository = join(directory, 'repository')
/** `tiny` leaves v1 for v2, and `rank` the other way round. */
const trained = { 'tiny-v1': 'v1', 'tiny-v2': 'v2', 'rank-w1': 'v2', 'rank-w2': 'v1' }
const directoryOf = (name: PoolName) => join(directory, 'models', trained[name])

let pool: MlServerAsked
let beryl: Running
let stopped = false
let traffic: Promise<{ lost: string[]; pooled: number }>
const release: Record<string, string> = {}

before(async () => {
  trainAll(join(directory, 'models'))
  const program = await installMlServer(join(directory, 'python'))
  const all = Object.fromEntries(poolNames.map((name) => [name, directoryOf(name)]))
  pool = await mlServerOf(program, repository, all)
  const start = JSON.stringify({ command: pool.command, env: pool.env })
  const keys = `url: "${pool.url}", models: 1, within: 20s, start: ${start}`
  beryl = await startBeryl({
    models: {},
    manifest: pooledManifest({ pool: keys, directoryOf, readyWithin: '30s' }),
  })
  await bothLive(beryl)
  traffic = asking()
  await eventually(
    async () => (await fetch(`${pool.url}/v2/health/live`).catch(() => null))?.status === 200,
    () => 'MLServer to answer',
  )
})

after(async () => {
  stopped = true
  const said = await traffic
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(pidsWith(repository), [], 'it ends with Beryl')
  rmSync(directory, { recursive: true, force: true })
  assert.deepEqual(said.lost, [], 'each was answered, by a model of its service, and rightly')
  assert.ok(said.pooled > 0, 'MLServer has answered clients')
})

const deploy = (service: string, version: string) => deployIn(beryl, service, version)
const service = (name: string) => beryl.api<ServiceView>('GET', `/services/${name}`)
const waits = (id: string, text: RegExp) =>
  beryl.until(id, ({ waitingFor }) => text.test(waitingFor ?? ''), String(text))

test('MLServer answers as the model itself does', async () => {
  const load = (name: string, what: string) =>
    fetch(`${pool.url}/v2/repository/models/${name}/${what}`, { method: 'POST' })
  for (const name of ['tiny-v1', 'tiny-v2'] as const) {
    assert.equal((await load(name, 'load')).status, 200)
    const model = loadModel(directoryOf(name))
    for (const text of texts) {
      const { language } = await inferred(pool.url, name, text)
      assert.equal(language, classify(model, text).language, `${name}: ${text}`)
    }
    assert.equal((await load(name, 'unload')).status, 200)
  }
  assert.equal((await load('tiny-v1', 'unload')).status, 404, 'what is not loaded is not found')
  assert.deepEqual(await loadedIn(pool.url), [])
})

test('the old version stands in MLServer alone, and is timed', async () => {
  release['tiny'] = (await deploy('tiny', 'v2')).id
  await waits(release['tiny'], /^the standby: shared for another/)
  assert.deepEqual(await loadedIn(pool.url), ['tiny-v1'])
  const { wayBack, environments } = await service('tiny')
  assert.ok(wayBack.possible && wayBack.measuredMs! > 0, JSON.stringify(wayBack))
  const standby = Object.values(environments).find(({ role }) => role === 'standby')!
  assert.deepEqual(
    standby.replicas.map(({ address, state }) => [`http://${address}`, state]),
    [[pool.url, 'ready']],
  )
})

test('whoever is killed it goes on: with the controller it is taken up again, by itself it is started, and loads the model again', async () => {
  const [pid, ...more] = pidsWith(repository)
  assert.ok(pid !== undefined && more.length === 0)
  beryl.kill('controller')
  const standby = async () =>
    Object.values((await service('tiny')).environments).find(({ role }) => role === 'standby')!
  await eventually(
    async () => (await standby().catch(() => null))?.replicas[0]?.state === 'ready',
    () => 'the next controller to know it',
  )
  assert.deepEqual(pidsWith(repository), [pid])
  process.kill(pid, 'SIGKILL')
  await eventually(
    async () => (await loadedIn(pool.url).catch((): string[] => [])).includes('tiny-v1'),
    () => 'it to be loaded again',
  )
  await eventually(
    async () => (await standby()).replicas[0]?.state === 'ready',
    () => 'it to be ready again',
  )
  assert.equal((await beryl.release(release['tiny']!)).paused, null)
})

test('a later standby pushes it out, and both rolled back in the same second are served in the stated order', async () => {
  release['rank'] = (await deploy('rank', 'w2')).id
  await waits(release['rank'], /^the standby: shared for another/)
  await waits(release['tiny']!, /pushed out of pool spare, full of r\d+ of rank/)
  assert.deepEqual(await loadedIn(pool.url), ['rank-w1'])
  const back = (name: string) =>
    beryl.api('POST', `/services/${name}/rollback`, { reason: 'it answers rudely' })
  await Promise.all([back('tiny'), back('rank')])
  const [tiny, rank] = await Promise.all(
    ['tiny', 'rank'].map((name) =>
      beryl.until(release[name]!, ({ phase }) => phase === 'rolled-back', `${name} to be back`),
    ),
  )
  assert.ok(rank!.rolledBack!.at <= tiny!.rolledBack!.at, 'the one that was loaded goes first')
  await eventually(
    async () => (await loadedIn(pool.url)).length === 0,
    () => 'the pool to be free again: both have their own replicas',
  )
})

/** Until it is stopped; `lost`: what nobody should have been told. */
async function asking(): Promise<{ lost: string[]; pooled: number }> {
  const models = new Map(poolNames.map((name) => [name as string, loadModel(directoryOf(name))]))
  const lost: string[] = []
  let pooled = 0
  for (let turn = 0; !stopped; turn++) {
    const name = turn % 2 === 0 ? 'tiny' : 'rank'
    const text = texts[turn % texts.length]!
    const came = await inferred(beryl.gateway, name, text).catch((error: Error) => error.message)
    const is = typeof came === 'string' ? null : models.get(`${name}-${came.version}`)
    if (typeof came === 'string' || is == null || classify(is, text).language !== came.language)
      lost.push(`${name}: ${JSON.stringify(came)}`)
    else if (came.model !== name) pooled++
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return { lost, pooled }
}
