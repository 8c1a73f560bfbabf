/** Versions beside those of the manifest, over a real manifest, real files and a real journal; MLflow is a fake of our own. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { AddAsked } from '../../api/version-shapes.ts'
import { loadManifest } from '../../config/load.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { unsealed } from '../../secrets/by-name.ts'
import { mlflowVersion } from '../../versions/mlflow.ts'
import { openRegistry } from './registry.ts'
import { keepVersions, outlived } from '../record/retention.ts'
import { bundleOf, journal, releaseOf, since, switched } from '../testing/hands.ts'
import { fakeCommit, mlflowFake } from '../testing/mlflow-fake.ts'
import { versionOperations } from './versions.ts'

const root = mkdtempSync(join(tmpdir(), 'beryl-add-'))
after(() => rmSync(root, { recursive: true }))
for (const name of ['a', 'b', 'new', 'other']) {
  mkdirSync(join(root, name))
  writeFileSync(join(root, name, 'weights.bin'), name)
}
writeFileSync(join(root, 'golden.jsonl'), '{}')
const manifest = (more = '') => `apiVersion: beryl/v1
services:
  tiny:
    environment: { provider: process, command: [node, "{model}", "{port}"] }
    verify: [{ goldenSet: { file: golden.jsonl, request: { path: / }, answer: $.x, score: exact, atLeast: 0.5 } }]
    versions:
      a: { model: ./a }
      b: { model: ./b }
${more}`
const file = join(root, 'beryl.yaml')
writeFileSync(file, manifest())

const now = { ...since }
async function registryOf(more = '') {
  const kept = journal(switched(releaseOf({ name: 'watching', since, generation: 4 })))
  const begin = async () => {
    const loaded = await loadManifest(file, { text: manifest(more) })
    const { store } = kept
    const registry = openRegistry({ loaded, store, now: () => now })
    const service = { ...kept.store.services.all()[0]!.service }
    const operations = versionOperations({ store, registry, now: () => now, find: () => service })
    return { ...operations, registry, store, service }
  }
  return { ...(await begin()), begin }
}

const asked = (name: string, change: Partial<AddAsked> = {}): AddAsked => ({
  name,
  files: {},
  args: [],
  env: {},
  expects: {},
  notes: null,
  commit: null,
  run: null,
  mlflow: null,
  ...change,
})
const fromNew = (name: string, change: Partial<AddAsked> = {}) =>
  asked(name, { files: { model: join(root, 'new') }, ...change })

type Registry = Awaited<ReturnType<typeof registryOf>>
/** Refused in these words, and nothing of it is left. */
async function refused(
  { add, store, list }: Registry,
  what: AddAsked,
  code: string,
  words: RegExp,
) {
  const before = [store.events.after(0, 'tiny', 100).length, list('tiny').versions.length]
  await assert.rejects(add('tiny', what, 'ann'), (error: unknown) => {
    assert.ok(error instanceof ProblemError, String(error))
    assert.equal(error.problem.code, code, error.message)
    assert.match(`${error.message} | ${error.problem.hint}`, words)
    return true
  })
  assert.deepEqual(
    [store.events.after(0, 'tiny', 100).length, list('tiny').versions.length],
    before,
  )
}

test('what was added stands beside the manifest: it is listed, shown, compared and released, by the next controller too', async () => {
  const first = await registryOf()
  const { add, begin, store } = first
  process.env['BERYL_TEST_ADDED'] = 'secret-9'
  const view = await add(
    'tiny',
    fromNew('new', {
      args: ['--fast'],
      env: { TOKEN: '${BERYL_TEST_ADDED}' },
      expects: { goldenSet: 0.9 },
      notes: 'of November',
      commit: '4f2a9c1',
      run: 'run-7',
    }),
    'ann',
  )
  assert.deepEqual(
    [view.version, view.inManifest, view.added, view.notes, view.expects, view.env],
    ['new', false, { by: 'ann' }, 'of November', { goldenSet: 0.9 }, ['TOKEN']],
  )
  assert.deepEqual(view.source, { commit: '4f2a9c1', run: 'run-7', mlflow: null })
  assert.deepEqual(await add('tiny', fromNew('b2'), 'ann').then(({ files }) => files.length), 1)
  const { registry, list, diff } = await begin()
  assert.deepEqual(
    list('tiny')
      .versions.map(({ version }) => version)
      .toSorted(),
    ['a', 'b', 'b2', 'new'],
  )
  const { bundle, plan } = await registry.bundle('tiny', 'new', { files: 'left out' })
  assert.match(bundle.digest, /^sha256:/)
  const { template } = plan
  assert.ok(template.provider === 'process')
  assert.deepEqual(template.command, ['node', join(root, 'new'), '{port}', '--fast'])
  assert.equal(unsealed(template.env['TOKEN']), 'secret-9')
  assert.ok(!JSON.stringify(plan).includes('secret-9'))
  assert.deepEqual((await diff('tiny', 'a', 'new')).args, { from: [], to: ['--fast'] })
  // The value is kept nowhere, and its change makes no other version.
  assert.ok(!JSON.stringify(store.versions.list('tiny')).includes('secret-9'))
  process.env['BERYL_TEST_ADDED'] = 'secret-10'
  const again = await registry.bundle('tiny', 'new', { files: 'left out' })
  assert.equal(again.bundle.digest, bundle.digest)
  delete process.env['BERYL_TEST_ADDED']
  await assert.rejects(registry.bundle('tiny', 'new', { files: 'left out' }), /BERYL_TEST_ADDED/)
})

test('files that changed after it was added are refused, with both digests', async () => {
  const one = await registryOf()
  mkdirSync(join(root, 'changing'), { recursive: true })
  writeFileSync(join(root, 'changing', 'weights.bin'), 'before')
  await one.add('tiny', asked('c', { files: { model: './changing' } }), 'ann')
  writeFileSync(join(root, 'changing', 'weights.bin'), 'after!')
  await assert.rejects(one.registry.bundle('tiny', 'c', { files: 'left out' }), /never changes/)
})

test('a name means one thing: the same again changes nothing, anything else is refused', async () => {
  const one = await registryOf()
  const { digest, registeredAt } = await one.add('tiny', fromNew('new'), 'ann')
  now.wall += 1000
  const again = await one.add('tiny', fromNew('new', { notes: 'better words' }), 'bob')
  assert.deepEqual([again.digest, again.registeredAt], [digest, registeredAt])
  assert.equal(again.notes, 'better words')
  const other = asked('new', { files: { model: './other' } })
  await refused(
    one,
    other,
    'digest-changed',
    /new of tiny is registered with sha256:.*never changes/,
  )
  // The manifest's own names, deployed or not.
  await refused(one, { ...other, name: 'a' }, 'digest-changed', /the manifest names a of tiny too/)
  // Nor later, under the name of one that was removed.
  one.remove('tiny', 'new', 'ann')
  await refused(one, other, 'digest-changed', /new of tiny was registered with/)
  assert.equal((await one.add('tiny', fromNew('new'), 'ann')).digest, digest)
})

test('bad input is refused in the words of the manifest, and nothing is registered', async () => {
  const one = await registryOf()
  const cases: [Partial<AddAsked> & { name?: string }, RegExp][] = [
    [{}, /the command uses \{model\}, and x has no model/],
    [{ files: { model: './nowhere' } }, /model: expected a file or directory, there is none at/],
    [{ files: { model: 'hf://acme/x@main' } }, /model: expected a pinned reference/],
    [{ files: { model: './new' }, expects: { goldnSet: 1 } }, /goldnSet.*did you mean "goldenSet"/],
    [{ files: { model: './new' }, expects: { goldenSet: 2 } }, /expected a score from 0 to 1/],
    [{ files: { model: './new' }, env: { 'A B': '1' } }, /env.*expected a name of letters/],
    [
      { files: { model: './new' }, env: { A: '${BERYL_NOT_SET}' } },
      /env\.A: .* has no BERYL_NOT_SET/,
    ],
    [{ files: { model: './new' }, args: ['{modle}'] }, /\{modle\} means nothing/],
    [{ name: '-x', files: { model: './new' } }, /name: expected a name of letters/],
    [{ mlflow: { model: 'models:/tiny', url: 'http://127.0.0.1:1' } }, /expected models:\/NAME/],
    [{ mlflow: { model: 'models:/tiny/7', url: 'ftp://x' } }, /expected the address of its server/],
    [{ mlflow: { model: 'models:/tiny/7', url: 'http://u:p@x' } }, /without name and password/],
    [{ mlflow: { model: 'models:/tiny/7', url: null } }, /MLFLOW_TRACKING_URI is not set/],
  ]
  delete process.env['MLFLOW_TRACKING_URI']
  for (const [change, words] of cases)
    await refused(one, { ...asked('x'), ...change }, 'wrong-version', words)
})

test('a pinned reference is what it says: it is passed on, and no file is asked for', async () => {
  const one = await registryOf()
  const reference = `hf://acme/writer@${fakeCommit}`
  const view = await one.add('tiny', asked('hub', { files: { model: reference } }), 'ann')
  assert.deepEqual(
    view.files.map(({ key, path }) => [key, path]),
    [['model', reference]],
  )
  const { plan } = await one.registry.bundle('tiny', 'hub', { files: 'left out' })
  assert.ok(plan.template.provider === 'process')
  assert.equal(plan.template.command[1], reference)
})

const fakes: Awaited<ReturnType<typeof mlflowFake>>[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.close()))
  for (const name of Object.keys(process.env))
    if (name.startsWith('MLFLOW_')) delete process.env[name]
})
async function mlflow(artifacts = 's3://bucket/1/artifacts') {
  const fake = await mlflowFake(artifacts)
  fakes.push(fake)
  return fake
}
const ofMlflow = (name: string, url: string, model = 'models:/tiny/7') =>
  asked(name, { mlflow: { model, url } })

test('a model version of MLflow: its files where they can be read, with run, commit and description', async () => {
  const one = await registryOf()
  const local = await mlflow(pathToFileURL(join(root, 'new')).href)
  const view = await one.add('tiny', ofMlflow('m7', local.url), 'ann')
  assert.deepEqual(local.asked, [
    'model-versions/get?name=tiny&version=7',
    'model-versions/get-download-uri?name=tiny&version=7',
    'runs/get?run_id=8e5e5e1b0ec9421fae0522a07cff0ee1',
  ])
  assert.deepEqual(
    view.files.map(({ path }) => path),
    ['weights.bin'],
  )
  assert.equal(view.notes, 'trained in October')
  assert.deepEqual(view.source, {
    commit: fakeCommit,
    run: '8e5e5e1b0ec9421fae0522a07cff0ee1',
    mlflow: {
      url: local.url,
      model: 'tiny',
      version: '7',
      alias: null,
      artifacts: local.artifacts,
    },
  })
})

test('an alias of MLflow is the number that it means now; files that are elsewhere are a pinned reference', async () => {
  const one = await registryOf()
  const away = await mlflow()
  const view = await one.add('tiny', ofMlflow('m7', `${away.url}/`, 'models:/tiny@champion'), 'ann')
  assert.equal(away.asked[0], 'registered-models/alias?name=tiny&alias=champion')
  assert.deepEqual(
    view.files.map(({ path }) => path),
    ['models:/tiny/7'],
  )
  assert.equal(view.source?.mlflow?.alias, 'champion')
  assert.equal(view.source?.mlflow?.artifacts, 's3://bucket/1/artifacts')
  // A run that was deleted takes its commit with it, and nothing else.
  away.instead['runs/get'] = {
    status: 404,
    body: '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run not found"}',
  }
  const orphan = await one.add('tiny', ofMlflow('orphan', away.url), 'ann')
  assert.equal(orphan.source?.commit, null)
})

test('only the server that this Beryl was told of sees its token', async () => {
  const one = await registryOf()
  const [own, other] = [await mlflow(), await mlflow()]
  process.env['MLFLOW_TRACKING_URI'] = own.url
  process.env['MLFLOW_TRACKING_TOKEN'] = 'secret'
  await one.add('tiny', asked('own', { mlflow: { model: 'models:/tiny/7', url: null } }), 'ann')
  await one.add('tiny', ofMlflow('other', other.url), 'ann')
  assert.equal(own.headers[0]!.authorization, 'Bearer secret')
  assert.equal(other.headers[0]!.authorization, undefined)
})

test('an MLflow that answers 500, 404, garbage, something else or nothing: a clear error, and nothing is registered', async () => {
  const one = await registryOf()
  const fake = await mlflow()
  const html = { status: 200, type: 'text/html', body: '<html>sign in</html>' }
  const cases: [string, Record<string, (typeof fake.instead)[string]>, string, RegExp][] = [
    ['500', { 'model-versions/get': { status: 500, body: 'oops' } }, 'mlflow', /status 500: oops/],
    [
      'a 500 behind the first answer',
      { 'runs/get': { status: 500, body: '{}' } },
      'mlflow',
      /runs\/get with status 500/,
    ],
    [
      '404 of another server',
      { 'model-versions/get': { status: 404, body: '' } },
      'mlflow',
      /status 404: nothing/,
    ],
    ['a page', { 'model-versions/get': html }, 'mlflow', /came no JSON \("<html>/],
    ['a page in the middle', { 'model-versions/get-download-uri': html }, 'mlflow', /came no JSON/],
    [
      'other JSON',
      { 'model-versions/get': { status: 200, body: '{"model_version":{}}' } },
      'mlflow',
      /something else: model_version\.name/,
    ],
    [
      'too much',
      { 'model-versions/get': { status: 200, body: ' '.repeat(2_000_000) } },
      'mlflow',
      /more than 1048576 bytes/,
    ],
    ['a redirect', { 'model-versions/get': { status: 302, body: '' } }, 'mlflow', /MLflow/],
    ['nothing', { 'model-versions/get': 'hangs up' }, 'mlflow', /did not answer/],
    [
      'another version',
      {
        'model-versions/get': {
          status: 200,
          body: '{"model_version":{"name":"tiny","version":"8"}}',
        },
      },
      'mlflow',
      /was asked for version 7 of tiny and answered with version 8/,
    ],
  ]
  for (const [, instead, code, words] of cases) {
    fake.instead = instead
    await refused(one, ofMlflow('m7', fake.url), code, words)
  }
  fake.instead = {}
  await refused(
    one,
    ofMlflow('m7', fake.url, 'models:/tiny/9'),
    'no-such-model-version',
    /RESOURCE_DOES_NOT_EXIST.*nothing was registered/,
  )
  await refused(
    one,
    ofMlflow('m7', fake.url, 'models:/tiny@nobody'),
    'no-such-model-version',
    /alias nobody not found/,
  )
  fake.status = 'PENDING_REGISTRATION'
  await refused(one, ofMlflow('m7', fake.url), 'mlflow', /is PENDING_REGISTRATION/)
  await fake.close()
  await refused(one, ofMlflow('m7', fake.url), 'mlflow', /did not answer.*(ECONNREFUSED|closed)/)
})

test('an MLflow that says nothing is not waited for for ever', async () => {
  const fake = await mlflow()
  fake.instead['model-versions/get'] = 'nothing'
  const asked_ = { model: 'tiny', version: '7' }
  await assert.rejects(
    mlflowVersion(new URL(fake.url), asked_, { withinMs: 50 }),
    /MLflow did not answer .*: nothing came within 0\.05 s/,
  )
})

test('what is in use, named in the manifest, or goes by a name stays; anything else can be removed, and cannot be deployed', async () => {
  const one = await registryOf()
  await one.add('tiny', fromNew('new'), 'ann')
  await one.alias('tiny', 'champion', { version: 'new', reason: null }, 'ann')
  const stays = (version: string, words: RegExp) =>
    assert.throws(() => one.remove('tiny', version, 'ann'), words)
  stays('new', /new of tiny is @champion: it stays/)
  await one.registry.register('tiny', 'a')
  stays('a', /named in the manifest/)
  stays('nope', /no registered version nope/)
  one.removeAlias('tiny', 'champion', null, 'ann')
  one.service.queued = releaseOf({ name: 'queued', since }, { bundle: bundleOf('new', 'r3') })
  stays('new', /is queued/)
  one.service.queued = null
  one.remove('tiny', 'new', 'ann')
  assert.ok(!one.list('tiny').versions.some(({ version }) => version === 'new'))
  await assert.rejects(one.registry.bundle('tiny', 'new', { files: 'left out' }), /no version new/)
})

test('retention: the oldest that nobody needs go, on record; what is held counts and stays', async () => {
  const one = await registryOf('    retention: { atMost: 4, keep: 30d }\n')
  for (const name of ['w', 'x', 'y', 'z']) {
    now.wall += 1000
    await one.add('tiny', fromNew(name), 'ann')
  }
  await one.alias('tiny', 'champion', { version: 'w', reason: null }, 'ann')
  await one.registry.register('tiny', 'a')
  const rows = { names: () => ['tiny'], find: () => one.service }
  const retention = keepVersions({ ...one, rows, now: () => now })
  const names = () =>
    one
      .list('tiny')
      .versions.map(({ version }) => version)
      .toSorted()
  assert.deepEqual(names(), ['a', 'b', 'w', 'y', 'z'])
  const last = () => one.store.events.after(0, 'tiny', 100).at(-1)!
  assert.deepEqual(
    [last().by, last().text],
    ['schedule', 'retention removed x (beyond the 4 that were used last)'],
  )
  now.wall += 31 * 86_400_000
  retention.look()
  assert.deepEqual(names(), ['a', 'b', 'w'])
  assert.match(last().text, /retention removed z \(not used for 744h\), y/)
  const { id } = last()
  retention.look()
  assert.equal(last().id, id, 'once')
  retention.stop()
})

test('retention counts from the last use, and without limits nothing goes', () => {
  const versions = [
    { version: 'live', usedAt: 0, isHeld: true },
    { version: 'old', usedAt: 1000, isHeld: false },
    { version: 'older', usedAt: 500, isHeld: false },
  ]
  const going = (rules: Parameters<typeof outlived>[1], at = 2000) =>
    outlived(versions, rules, at).map(({ version }) => version)
  assert.deepEqual(going({}), [])
  assert.deepEqual(going({ atMost: 2 }), ['older'])
  assert.deepEqual(going({ atMost: 1 }), ['old', 'older'])
  assert.deepEqual(going({ keep: 1.2 }), ['older'])
  assert.deepEqual(going({ keep: 1.2, atMost: 2 }, 10_000), ['old', 'older'])
})
