/** The registry over a real manifest, real files and a real journal: what versions are, what differs, and what names mean. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadManifest } from '../../config/load.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Service } from '../../release/release.ts'
import { openRegistry } from './registry.ts'
import { bundleOf, journal, releaseOf, since, switched } from '../testing/hands.ts'
import { versionOperations } from './versions.ts'

const root = mkdtempSync(join(tmpdir(), 'beryl-versions-'))
after(() => rmSync(root, { recursive: true }))
for (const [name, weights] of Object.entries({ a: 'old', b: 'new', c: 'old' })) {
  mkdirSync(join(root, name))
  writeFileSync(join(root, name, 'weights.bin'), weights)
  writeFileSync(join(root, name, 'config.json'), '{}')
}
writeFileSync(join(root, 'golden.jsonl'), '{}')
const file = join(root, 'beryl.yaml')
writeFileSync(
  file,
  `apiVersion: beryl/v1
services:
  tiny:
    environment: { provider: process, command: [node, "{port}"] }
    verify: [{ goldenSet: { file: golden.jsonl, request: { path: / }, answer: $.x, score: exact, atLeast: 0.5 } }]
    versions:
      a: { model: ./a, env: { MODE: secret-1 }, notes: the first }
      b: { model: ./b, env: { MODE: secret-2 }, args: [--fast], expects: { goldenSet: 0.9 } }
      c: { model: ./c }
`,
)
const loaded = await loadManifest(file)
const watching = switched(releaseOf({ name: 'watching', since, generation: 4 }))

function versionsOf(start: Service = watching) {
  const { store } = journal(start)
  const registry = openRegistry({ loaded, store, now: () => since })
  const held = { service: start }
  const find = (name: string) => {
    assert.equal(name, 'tiny')
    return held.service
  }
  return { store, held, ...versionOperations({ store, registry, now: () => since, find }) }
}

/** @throws when it is not refused, or in other words */
async function refused(act: () => unknown, code: string, words: RegExp): Promise<void> {
  await assert.rejects(
    async () => act(),
    (error: unknown) => {
      assert.ok(error instanceof ProblemError, String(error))
      assert.equal(error.problem.code, code)
      assert.match(`${error.message} | ${error.problem.hint}`, words)
      return true
    },
  )
}
const why = (version: string, reason: string | null = null) => ({ version, reason })

test('each version is shown with its roles, its names, and what the manifest says of it', async () => {
  const { list, alias } = versionsOf({
    ...watching,
    queued: releaseOf({ name: 'queued', since }, { id: 'r3', bundle: bundleOf('c', 'r3') }),
  })
  await alias('tiny', 'champion', why('b'), 'ann')
  const { versions } = list('tiny')
  assert.deepEqual(
    versions.map(({ version, roles, aliases, digest }) => [
      version,
      roles,
      aliases,
      digest !== null,
    ]),
    [
      ['b', ['live'], ['live', 'champion'], true],
      ['a', ['standby'], ['previous'], false],
      ['c', ['queued'], [], false],
    ],
  )
  assert.equal(versions[1]!.notes, 'the first')
  assert.deepEqual(versions[0]!.expects, { goldenSet: 0.9 })
  assert.equal(versions[0]!.registeredAt, since.wall)
})

test('in a step of a canary the old version is live, and the new one a candidate', () => {
  const phase = {
    name: 'switching',
    since,
    generation: 4,
    step: 1,
    of: 2,
    share: 0.1,
  } as const
  const { list, resolve } = versionsOf(switched(releaseOf(phase)))
  const roles = list('tiny').versions.map(({ version, roles: own }) => [version, own])
  assert.deepEqual(roles.slice(0, 2), [
    ['a', ['live']],
    ['b', ['candidate']],
  ])
  assert.deepEqual(resolve(switched(releaseOf(phase)), '@live'), { version: 'a', alias: 'live' })
})

test('one version: its files by digest, names of its variables, and how its releases ended', async () => {
  const { show } = versionsOf()
  const view = await show('tiny', '@live')
  assert.equal(view.version, 'b')
  assert.deepEqual(
    view.files.map(({ key, path, size }) => [key, path, size]),
    [
      ['model', 'config.json', 2],
      ['model', 'weights.bin', 3],
    ],
  )
  assert.match(view.files[0]!.sha256, /^[0-9a-f]{64}$/)
  assert.deepEqual(view.env, ['MODE'])
  assert.ok(!/secret/.test(JSON.stringify(view)))
  // The journal of the test writes r1 with the same bundle.
  assert.deepEqual(
    view.releases.map(({ id, phase }) => [id, phase]),
    [
      ['r2', 'watching'],
      ['r1', 'finished'],
    ],
  )
  await refused(() => show('tiny', 'd'), 'no-such-version', /no version d.*versions in .*a, b, c/)
})

test('what differs between two versions, registered or not', async () => {
  const { diff, alias } = versionsOf()
  await alias('tiny', 'champion', why('b'), 'ann')
  const { from, to, files, same, args, env, expects } = await diff('tiny', 'a', '@champion')
  assert.deepEqual([from, to, same], ['a', 'b', 1])
  assert.deepEqual(
    files.map(({ path }) => path),
    ['weights.bin'],
  )
  assert.deepEqual(args, { from: [], to: ['--fast'] })
  assert.deepEqual(env, [{ name: 'MODE', change: 'changed' }])
  assert.deepEqual(expects, [{ name: 'goldenSet', from: null, to: 0.9 }])
  assert.deepEqual((await diff('tiny', 'a', 'c')).files, [])
})

test('an alias keeps all it ever meant, who said so and why, in the record too', async () => {
  const { alias, aliases, removeAlias, store, resolve } = versionsOf()
  await alias('tiny', 'champion', why('a', 'the first'), 'ann')
  await alias('tiny', 'champion', why('b', 'won'), 'bob')
  // Said again, it is no change.
  await alias('tiny', 'champion', why('b', 'again'), 'bob')
  assert.deepEqual(resolve(watching, '@champion'), { version: 'b', alias: 'champion' })
  const after_ = removeAlias('tiny', 'champion', null, 'cid')
  assert.deepEqual(
    after_.aliases.map(({ name }) => name),
    ['live', 'previous'],
  )
  assert.deepEqual(
    after_.history.map(({ name, from, to, by, reason }) => [name, from, to, by, reason]),
    [
      ['champion', 'b', null, 'cid', null],
      ['champion', 'a', 'b', 'bob', 'won'],
      ['champion', null, 'a', 'ann', 'the first'],
    ],
  )
  const newest = aliases('tiny', Number.MAX_SAFE_INTEGER, 2)
  assert.deepEqual(newest.history, after_.history.slice(0, 2))
  const oldest = aliases('tiny', Number(newest.next), 2)
  assert.deepEqual([oldest.history, oldest.next], [after_.history.slice(2), null])
  const told = store.events.after(0, 'tiny', 100).filter(({ data }) => data['alias'] !== undefined)
  assert.deepEqual(
    told.map(({ text }) => text),
    [
      'ann: @champion is a (the first)',
      'bob: @champion is b, it was a (won)',
      'cid: @champion was taken away, it meant b',
    ],
  )
  assert.equal(told[0]!.data['digest'], store.versions.find('tiny', 'a')!.digest)
})

test('what may be no alias is refused, with what to do, and nothing is kept of it', async () => {
  const { alias, aliases, removeAlias, resolve, store } = versionsOf()
  const set = (name: string, version: string) => () => alias('tiny', name, why(version), 'ann')
  await refused(set('champion', 'd'), 'no-such-version', /versions in .*a, b, c/)
  await refused(set('live', 'a'), 'alias-reserved', /always says what is true.*champion/)
  await refused(set('Champion', 'a'), 'alias-malformed', /lower-case.*"Champion"/)
  await refused(set('a', 'b'), 'alias-is-version', /name of a version/)
  await refused(set('best', '@live'), 'alias-of-alias', /@live is b now: .*alias best b/)
  await refused(set('best', '@none'), 'alias-of-alias', /lists the versions/)
  await refused(() => removeAlias('tiny', 'best', null, 'ann'), 'no-such-alias', /no alias @best/)
  await refused(() => removeAlias('tiny', 'live', null, 'ann'), 'alias-reserved', /Beryl's own/)
  await refused(() => resolve(watching, '@best'), 'no-such-alias', /@live, @previous.*alias NAME/)
  assert.deepEqual(aliases('tiny', Number.MAX_SAFE_INTEGER, 9).history, [])
  assert.equal(store.versions.find('tiny', 'a'), null)
})

test('before anything is live, and before there was another one, Beryl says so', async () => {
  const nothing = { ...watching, live: null, standby: null, release: null, colour: 'none' as const }
  const { resolve } = versionsOf()
  await refused(() => resolve(nothing, '@live'), 'no-live-version', /no version is live yet/)
  const first = { ...watching, live: bundleOf('a', 'r9'), standby: null, release: null }
  await refused(() => resolve(first, '@previous'), 'no-previous-version', /live before a/)
})
