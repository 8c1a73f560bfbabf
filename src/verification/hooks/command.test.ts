/** Real programs, as users write them: what they say, how they end, and what is left of them. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { directory, ended } from '../testing.ts'
import { command } from './command.ts'
import { about, candidate, live, within } from './testing.ts'

const node = process.execPath

async function ran(
  context: TestContext,
  run: readonly string[],
  { ms = 10_000, env = {}, at }: { ms?: number; env?: Record<string, string>; at?: string } = {},
) {
  const where = at ?? (await directory(context))
  const spec = { kind: 'command' as const, run, env, directory: where, withinS: 60 }
  return within(ms, (examination) => command(spec, { candidate, live }, about, examination))
}

const script = (context: TestContext, code: string, more = {}) =>
  ran(context, [node, '-e', code], more)

test('exit code 0 passes, 1 fails, with the last lines as the reason; all others are its own failure', async (context) => {
  const passed = await script(
    context,
    'console.log("a\\nb\\nc\\n\\u001b[32m40 of 40 fine\\u001b[0m\\n")',
  )
  assert.deepEqual([passed.verdict, passed.because], ['pass', 'b · c · 40 of 40 fine'])
  const failed = await script(context, 'console.error("too slow"); process.exit(1)')
  assert.deepEqual([failed.verdict, failed.because], ['fail', 'too slow'])
  const silent = await script(context, '')
  assert.match(silent.because, /ended with exit code 0/)
  for (const code of [
    'process.exit(2)',
    'process.exit(127)',
    'process.kill(process.pid, "SIGKILL")',
  ]) {
    const { verdict, because } = await script(context, code)
    assert.equal(verdict, 'undecided', code)
    assert.match(because, /^the command itself failed: /)
  }
  const missing = await ran(context, ['./nowhere.sh'])
  assert.equal(missing.verdict, 'undecided')
  assert.match(missing.because, /cannot run \.\/nowhere\.sh in .*ENOENT/)
})

test('JSON wins, as all it says or as its last line; but no pass with another exit code than 0', async (context) => {
  const says = (said: string, code: number) =>
    script(context, `console.log(${JSON.stringify(said)}); process.exit(${code})`)
  const fail = await says('{"verdict":"fail","because":"2 of 9","evidence":{"wrong":2}}', 0)
  assert.deepEqual([fail.verdict, fail.because, fail.evidence['wrong']], ['fail', '2 of 9', 2])
  assert.equal(
    (await says('working\n{"verdict":"undecided","because":"no data"}\n', 1)).verdict,
    'undecided',
  )
  assert.equal((await says('{\n"verdict": "pass", "because": "fine"\n}', 0)).because, 'fine')
  assert.equal((await says('{"verdict":"fail"}', 3)).verdict, 'fail')
  const contradicts = await says('{"verdict":"pass"}', 1)
  assert.equal(contradicts.verdict, 'undecided')
  assert.match(contradicts.because, /says pass and ends with exit code 1/)
  assert.equal((await says('{"verdict":"yes"}', 0)).verdict, 'undecided')
})

test('it runs without a shell, in the directory of the manifest, and is told what it judges; Beryl’s own settings are not', async (context) => {
  const at = await directory(context)
  await mkdir(join(at, 'checks'))
  await writeFile(
    join(at, 'checks/smoke.sh'),
    '#!/bin/sh\npwd\nenv | grep ^BERYL_ | sort > told\necho "$1 $EXTRA"\n',
  )
  await chmod(join(at, 'checks/smoke.sh'), 0o755)
  process.env['BERYL_EXAMINER'] = 'own'
  context.after(() => delete process.env['BERYL_EXAMINER'])
  const { verdict, because } = await ran(context, ['./checks/smoke.sh', '$HOME; exit 1'], {
    at,
    env: { EXTRA: 'more' },
  })
  assert.equal(verdict, 'pass')
  assert.match(because, /· \$HOME; exit 1 more$/)
  assert.deepEqual((await readFile(join(at, 'told'), 'utf8')).trim().split('\n'), [
    'BERYL_ADDRESSES=10.0.0.2:8000',
    'BERYL_ATTEMPT=2',
    'BERYL_ENVIRONMENT=green',
    'BERYL_GATE=webhook',
    'BERYL_IDEMPOTENCY_KEY=r7/webhook/2',
    'BERYL_LIVE_ADDRESSES=10.0.0.1:8000',
    'BERYL_LIVE_ENVIRONMENT=blue',
    'BERYL_LIVE_VERSION=v1',
    'BERYL_RELEASE=r7',
    'BERYL_SERVICE=tiny',
    'BERYL_URL=http://10.0.0.2:8000',
    'BERYL_VERSION=v2',
  ])
})

test('when its time is over it is killed with its children, though they ignore every signal', async (context) => {
  const at = await directory(context)
  const child = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'
  const code = `
    process.on('SIGTERM', () => {})
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })
    require('node:fs').writeFileSync('pids', [process.pid, child.pid].join(' '))
    console.log('{"verdict":"pass"}')
    setInterval(() => {}, 1000)`
  const { verdict, because } = await script(context, code, { ms: 1500, at })
  assert.equal(verdict, 'undecided')
  assert.match(because, /^not done within 1500 ms: .* was killed; its last line was \{"verdict"/)
  await gone(at)
})

test('a child that stays behind is killed when the program has ended, and does not hold up its verdict', async (context) => {
  const at = await directory(context)
  const code = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    require('node:fs').writeFileSync('pids', String(child.pid))
    console.log('fine')
    process.exit(0)`
  const { verdict, because } = await script(context, code, { at })
  assert.deepEqual([verdict, because], ['pass', 'fine'])
  await gone(at)
})

test('however much it prints, little is kept, and it is not held up', async (context) => {
  const code = `
    const line = 'x'.repeat(1023) + '\\n'
    for (let n = 0; n < 20_000; n++) require('node:fs').writeSync(1, line)
    console.log('done')`
  const { verdict, because, evidence } = await script(context, code)
  assert.equal(verdict, 'pass')
  assert.match(because, /· done$/)
  assert.ok(JSON.stringify(evidence).length < 10_000)
})

/** Every process whose id stands in the file. */
async function gone(at: string): Promise<void> {
  for (const pid of (await readFile(join(at, 'pids'), 'utf8')).split(' ')) await ended(pid)
}
