/** A digest over real files: the same for the same bundle, another for anything that is another. */
import assert from 'node:assert/strict'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type {
  ExternalEnvironment,
  ProcessEnvironment,
  VersionManifest,
} from '../config/manifest.ts'
import { bundleDigest, contentOf, versionDigest } from './digest.ts'

const root = mkdtempSync(join(tmpdir(), 'beryl-digest-'))
after(() => rmSync(root, { recursive: true }))
let copies = 0

/** A model of three files, one of them found by two names, and a prompt. */
function bundle(): string {
  const directory = join(root, String(++copies))
  mkdirSync(join(directory, 'model/parts'), { recursive: true })
  writeFileSync(join(directory, 'model/weights.bin'), Buffer.alloc(200_000, 7))
  writeFileSync(join(directory, 'model/config.json'), '{"layers": 3}')
  writeFileSync(join(directory, 'model/parts/a'), 'part a')
  symlinkSync('weights.bin', join(directory, 'model/latest.bin'))
  writeFileSync(join(directory, 'prompt.txt'), 'You are kind.')
  return directory
}

const version = (change: Partial<VersionManifest> = {}): VersionManifest => ({
  model: 'model',
  prompt: 'prompt.txt',
  args: ['--threads', '2'],
  env: { MODE: 'fast', TOKEN: 'secret-1' },
  expects: {},
  ...change,
})
const environment = {
  provider: 'process',
  command: ['serve', '{model}'],
  env: { LEVEL: 'info' },
  directory: '.',
  gpus: 0,
  ready: { path: '/health', within: 600 },
  replicas: 1,
} as unknown as ProcessEnvironment

const digest = async (directory: string, change: Partial<VersionManifest> = {}) =>
  versionDigest(await contentOf(version(change), directory))

test('the same bundle has the same digest, wherever it lies and in whatever order it was written', async () => {
  const [first, second] = [bundle(), bundle()]
  const moved = join(root, 'moved')
  cpSync(first, moved, { recursive: true, verbatimSymlinks: true })
  const expected = await digest(first)
  assert.match(expected, /^sha256:[0-9a-f]{64}$/)
  assert.equal(await digest(second), expected)
  assert.equal(await digest(moved), expected)
  assert.equal(await digest(first, { env: { TOKEN: 'secret-1', MODE: 'fast' } }), expected)
})

const changes: Record<string, (directory: string) => void> = {
  'one byte of a file': (at) => {
    const bytes = Buffer.alloc(200_000, 7)
    bytes[150_000] = 8
    writeFileSync(join(at, 'model/weights.bin'), bytes)
  },
  'the name of a file': (at) => renameSync(join(at, 'model/parts/a'), join(at, 'model/parts/b')),
  'the place of a file': (at) => renameSync(join(at, 'model/parts/a'), join(at, 'model/a')),
  'a file more, though empty': (at) => writeFileSync(join(at, 'model/empty'), ''),
  'a file less': (at) => unlinkSync(join(at, 'model/config.json')),
  'bytes that go from one file to the next': (at) => {
    writeFileSync(join(at, 'model/config.json'), '{"layers": 3}part')
    writeFileSync(join(at, 'model/parts/a'), ' a')
  },
  'where a link to a file leads': (at) => {
    unlinkSync(join(at, 'model/latest.bin'))
    symlinkSync('config.json', join(at, 'model/latest.bin'))
  },
}
for (const [what, change] of Object.entries(changes)) {
  test(`another digest for ${what}`, async () => {
    const directory = bundle()
    const before = await digest(directory)
    change(directory)
    assert.notEqual(await digest(directory), before)
  })
}

test('another digest for where a link to a directory leads', async () => {
  const directory = bundle()
  mkdirSync(join(directory, 'model/other'))
  // The same within: only where the name leads is another.
  writeFileSync(join(directory, 'model/other/a'), 'part a')
  symlinkSync('parts', join(directory, 'model/current'))
  const before = await digest(directory)
  unlinkSync(join(directory, 'model/current'))
  symlinkSync('other', join(directory, 'model/current'))
  assert.notEqual(await digest(directory), before)
})

test('links that lead in circles are counted once, and end', async () => {
  const directory = bundle()
  const before = await digest(directory)
  symlinkSync('.', join(directory, 'model/again'))
  symlinkSync('..', join(directory, 'model/parts/up'))
  const { files } = await contentOf(version(), directory)
  assert.deepEqual(
    files.filter(({ key }) => key === 'model').map(({ path }) => path),
    ['again', 'config.json', 'latest.bin', 'parts/a', 'parts/up', 'weights.bin'],
  )
  assert.notEqual(await digest(directory), before)
})

test('another digest for arguments, their order, and variables; none for what it was accepted with', async () => {
  const directory = bundle()
  const before = await digest(directory)
  for (const change of [
    { args: ['--threads', '3'] },
    { args: ['2', '--threads'] },
    { args: ['--threads 2'] },
    { env: { MODE: 'slow', TOKEN: 'secret-1' } },
    { env: { MODE: 'fast' } },
    { model: undefined } as never,
    { model: 'prompt.txt', prompt: undefined } as never,
  ])
    assert.notEqual(await digest(directory, change), before, JSON.stringify(change))
  assert.equal(await digest(directory, { expects: { exact: 0.9 }, notes: 'good' }), before)
})

test('a bundle is version and template: what changes how it runs changes it, its size and time limits do not', async () => {
  const content = await contentOf(version(), bundle())
  const before = bundleDigest(content, environment, { name: 'v1' })
  const others: Partial<ProcessEnvironment>[] = [
    { command: ['serve', '{model}', '--fast'] },
    { env: { LEVEL: 'debug' } },
    { gpus: 1 },
    { directory: 'other' },
    { ready: { path: '/', within: 600 } },
  ]
  for (const change of others)
    assert.notEqual(bundleDigest(content, { ...environment, ...change }, { name: 'v1' }), before)
  for (const change of [{ replicas: 5 }, { ready: { path: '/health', within: 5 } }])
    assert.equal(bundleDigest(content, { ...environment, ...change }, { name: 'v1' }), before)
})

test('of external servers a bundle is its name, its addresses and how it is asked', async () => {
  const content = await contentOf({ args: [], env: {}, expects: {} }, root)
  const address = (port: number) => [{ host: '10.0.0.1', port }]
  const external = {
    provider: 'external',
    blue: address(8000),
    green: address(8001),
    ready: { path: '/health', within: 600 },
  } as unknown as ExternalEnvironment
  const before = bundleDigest(content, external, { name: 'v1' })
  assert.notEqual(bundleDigest(content, external, { name: 'v2' }), before)
  assert.notEqual(
    bundleDigest(content, { ...external, green: address(8002) }, { name: 'v1' }),
    before,
  )
  const version = { path: '/version', is: '{version}' }
  const asked = { ...external, ready: { ...external.ready, version } }
  assert.notEqual(bundleDigest(content, asked, { name: 'v1' }), before)
  const patient = { ...external, ready: { ...external.ready, within: 5 } }
  assert.equal(bundleDigest(content, patient, { name: 'v1' }), before)
})

test('values of variables are kept nowhere', async () => {
  const content = await contentOf(version(), bundle())
  assert.ok(!JSON.stringify(content).includes('secret-1'))
  assert.ok(JSON.stringify(content).includes('TOKEN'))
})

test('what does not belong to the version is refused, by name', async () => {
  const directory = bundle()
  symlinkSync('../prompt.txt', join(directory, 'model/outside'))
  await assert.rejects(
    digest(directory),
    /model\/outside links to .*prompt\.txt, outside of the version/,
  )
  await assert.rejects(digest(bundle(), { model: 'nowhere' }), /ENOENT.*nowhere/)
  await assert.rejects(digest(bundle(), { model: '/dev/null' }), /neither a file nor a directory/)
})
