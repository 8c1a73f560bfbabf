/** Versions by their names, and what they cost: a release is asked for by an alias, and its record keeps both. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AliasesView, CostView, ReleaseView, VersionView } from '../../src/api/shapes.ts'
import { mlflowFake } from '../../src/controller/testing/mlflow-fake.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { oldAfterNew, steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
let traffic: Traffic

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' } },
    service: `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
    switch: { when: verified, drain: 1s }
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept }
    standby: [{ full: 10m }]
`,
  })
  traffic = steadyTraffic(beryl.gateway, { concurrency: 2, pauseMs: 30, ignore: 'no-live-version' })
})
after(async () => {
  const sent = await traffic?.stop()
  assert.equal(await beryl.stop(), 0)
  assert.deepEqual(sent?.lost, [])
  assert.deepEqual(sent.badByVersion, {})
})

async function json<View>(...args: string[]): Promise<View> {
  const { code, out, err } = await beryl.cli('--json', ...args)
  assert.equal(code, 0, err)
  return JSON.parse(out) as View
}

test('a release is asked for by an alias, and its record keeps both', async () => {
  const set = await beryl.cli('versions', 'tiny', 'alias', '@champion', 'v1', '--reason', 'first')
  assert.equal(set.code, 0, set.err)
  assert.match(
    set.out,
    /@champion: nothing → v1 {2}by \S+: first\nNext: beryl deploy tiny @champion/,
  )
  const first = await json<ReleaseView>('deploy', 'tiny', '@champion')
  assert.deepEqual([first.version, first.alias], ['v1', 'champion'])
  // What it means later is nothing to a release that has begun.
  await json('versions', 'tiny', 'alias', 'champion', 'v2')
  await beryl.until(first.id, ({ phase }) => phase === 'awaiting-approval', 'waiting')
  assert.equal((await beryl.cli('approve', first.id)).code, 0)
  const ended = await beryl.until(first.id, ({ phase }) => phase === 'finished', 'finished')
  assert.deepEqual([ended.version, ended.alias], ['v1', 'champion'])
  const told = await beryl.cli('explain', first.id)
  assert.match(told.out, /asked to deploy v1 \(@champion\) as r1/)

  const plan = await beryl.cli('plan', 'tiny', '@champion')
  assert.match(plan.out, /v1 → v2/)
  const second = await json<ReleaseView>('deploy', 'tiny', '@champion')
  await beryl.until(second.id, ({ phase }) => phase === 'stabilizing', 'live')
  const listed = await beryl.cli('versions', 'tiny')
  assert.match(listed.out, /^v2 .* live, @live, @champion$/m)
  assert.match(listed.out, /^v1 .* standby, @previous$/m)
})

test('back to the standby by its name, at once', async () => {
  const { code, out, err } = await beryl.cli('rollback', 'tiny', '--to', '@previous')
  assert.equal(code, 0, err)
  assert.match(out, /r2 goes back from v2 to v1/)
  await beryl.until('r2', ({ phase }) => phase === 'rolled-back', 'rolled back')
  const events = await beryl.api<{ events: { kind: string; data: Record<string, unknown> }[] }>(
    'GET',
    '/releases/r2/report',
  )
  const asked = events.events.find(({ data }) => data['command'] === 'rollback')!
  assert.deepEqual([asked.data['to'], asked.data['alias']], ['v1', 'previous'])
  const shown = await json<VersionView>('versions', 'tiny', 'show', 'v2')
  assert.deepEqual(
    shown.releases.map(({ id, phase, alias }) => [id, phase, alias]),
    [['r2', 'rolled-back', 'champion']],
  )
  // What was left by a rollback is not gone back to.
  const previous = await beryl.cli('deploy', 'tiny', '@previous')
  assert.equal(previous.code, 1)
  assert.match(previous.err, /no other version was live before v1/)
})

test('what is refused says what to do', async () => {
  const unknown = await beryl.cli('deploy', 'tiny', '@chamion')
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /no alias @chamion; did you mean "champion"/)
  const usages = [
    ['versions', 'tiny', 'lst'],
    ['versions', 'tiny', 'diff', 'v1'],
    ['versions', 'tiny', 'alias', 'champion', 'v1', '--remove'],
    ['versions', 'tiny', 'show', 'v1', '--reason', 'x'],
  ]
  for (const args of usages) {
    const { code, err } = await beryl.cli(...args)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, /Next: beryl versions tiny \[list/)
  }
  const { history } = await json<AliasesView>('versions', 'tiny', 'alias')
  assert.equal(history.length, 2)
})

test('the ledger knows what each version was there for, over a controller that was killed', async () => {
  const diff = await beryl.cli('versions', 'tiny', 'diff', '@live', 'v2')
  assert.match(diff.out, /v1 → v2\n {2}file {6}model changed: .*\n {2}files {5}1 file of 1 differ/)
  const before_ = await json<CostView>('cost', 'tiny')
  assert.deepEqual(
    before_.lines.map(({ release, role }) => [release, role]),
    [
      ['r1', 'candidate'],
      ['r1', 'live'],
      ['r1', 'standby'],
      ['r2', 'candidate'],
      ['r2', 'live'],
      ['r2', 'standby'],
    ],
  )
  assert.equal(before_.currency, 'USD')
  const r2 = before_.releases.find(({ release }) => release === 'r2')!
  assert.ok(Math.abs(r2.added.money! - r2.added.replicaHours * 2.5) < 1e-6)
  beryl.kill('controller')
  let later = before_
  await eventually(
    async () => {
      later = await json<CostView>('cost', 'tiny')
      return later.total.replicaHours > before_.total.replicaHours
    },
    () => 'the ledger to go on',
  )
  // v1 is the same process: nothing about it is unknown, and it went on costing.
  assert.deepEqual(later.gaps, [])
})

test('a version of MLflow (a fake of our own) is added beside the manifest, outlives the controller, and is deployed under load', async () => {
  await writeFile(join(beryl.directory, 'v3.json'), '{"answer":"three"}')
  const mlflow = await mlflowFake(join(beryl.directory, 'v3.json'))
  try {
    mlflow.instead['runs/get'] = { status: 500, body: 'oops' }
    const from = ['--mlflow', 'models:/tiny@champion', '--mlflow-url', mlflow.url]
    const broken = await beryl.cli('versions', 'tiny', 'add', 'v3', ...from)
    assert.equal(broken.code, 1)
    assert.match(
      broken.err,
      /runs\/get with status 500: oops; nothing was registered\nNext: is http/,
    )
    assert.doesNotMatch((await beryl.cli('versions', 'tiny')).out, /v3/)
    mlflow.instead = {}
    const added = await beryl.cli('versions', 'tiny', 'add', 'v3', ...from, '--notes', 'the third')
    assert.equal(added.code, 0, added.err)
    assert.match(added.out, /MLflow http:\S+: version 7 of tiny \(@champion then\)/)
    assert.match(added.out, /Next: beryl plan tiny v3/)
  } finally {
    await mlflow.close()
  }
  const other = await beryl.cli('versions', 'tiny', 'add', 'v3', '--model', 'package.json')
  assert.equal(other.code, 1)
  assert.match(other.err, /v3 of tiny is registered with .*a version never changes/)
  const unpinned = await beryl.cli(
    'versions',
    'tiny',
    'add',
    'v4',
    '--model',
    'hf://acme/tiny@main',
  )
  assert.equal(unpinned.code, 2)
  assert.match(unpinned.err, /expected a pinned reference/)
  const old = beryl.kill('controller')
  await eventually(
    async () => beryl.pidOf('controller') !== old && (await beryl.service()) !== null,
    () => 'the next controller',
  )
  const began = traffic.counts().answers.length
  const { id } = await beryl.deploy('v3')
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'live')
  await traffic.atLeast(20)
  assert.equal(oldAfterNew(traffic.counts().answers.slice(began), 'v1', 'v3'), 0)
  assert.match((await beryl.cli('versions', 'tiny')).out, /^v3 .* live, @live$/m)
  const live = await beryl.cli('versions', 'tiny', 'remove', 'v3')
  assert.match(live.err, /v3 of tiny is live: it stays/)
})

test('retention takes what nobody needs out of the registry, and leaves what is live, standby, or goes by a name', async () => {
  const add = async (name: string) => {
    await writeFile(join(beryl.directory, `${name}.json`), JSON.stringify({ answer: name }))
    const model = join(beryl.directory, `${name}.json`)
    const { code, err } = await beryl.cli('versions', 'tiny', 'add', name, '--model', model)
    assert.equal(code, 0, err)
  }
  await add('v5')
  await add('v6')
  await json('versions', 'tiny', 'alias', 'kept', 'v5')
  const file = join(beryl.directory, 'beryl.yaml')
  await writeFile(file, `${await readFile(file, 'utf8')}    retention: { atMost: 1 }\n`)
  const applied = await beryl.cli('apply', '-f', file)
  assert.equal(applied.code, 0, applied.err)
  assert.match(applied.out, /now +services\.tiny\.retention/)
  const { out } = await beryl.cli('versions', 'tiny')
  assert.doesNotMatch(out, /^v6/m)
  for (const line of [/^v3 .*live/m, /^v1 .*standby/m, /^v5 .*@kept/m]) assert.match(out, line)
  const { events } = await beryl.api<{ events: { by: string; text: string }[] }>(
    'GET',
    '/events?limit=1000',
  )
  const said = events.filter(({ by, text }) => by === 'schedule' && text.startsWith('retention'))
  assert.deepEqual(
    said.map(({ text }) => text),
    ['retention removed v6 (beyond the 1 that were used last)'],
  )
})
