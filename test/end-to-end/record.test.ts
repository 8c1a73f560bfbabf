/** The record of a Beryl with secrets in it: exported, backed up, and gone on with from the backup on an empty data directory. */
import assert from 'node:assert/strict'
import { copyFileSync, globSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import type { Event, NewTokenView, RecordView } from '../../src/api/shapes.ts'
import { needs } from '../../src/api/rights.ts'
import { assertContract } from '../support/contract.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

/** Each goes in by another door; none may come out anywhere. */
const secrets = {
  variable: 'SECRET-of-the-model-server',
  hook: 'SECRET-that-signs-what-is-told',
  path: 'SECRET-path-of-the-receiver',
  field: 'SECRET-of-a-patient',
  bearer: 'SECRET-of-a-client',
}
const program = fileURLToPath(new URL('../../bin/beryl.js', import.meta.url))
let token = ''
let beryl: Running
/** All that any command of this story printed. */
let printed = ''

before(async () => {
  Object.assign(process.env, {
    TEST_VARIABLE: secrets.variable,
    TEST_HOOK: secrets.hook,
    TEST_PATH: secrets.path,
  })
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { wrong: 'always', answer: 'two' } },
    environment: "      env: { TOKEN: '${TEST_VARIABLE}' }\n",
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict, headers: { authorization: '\${TEST_VARIABLE}' } }, answer: $.label, atLeast: 0.9 }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    capture: { share: 100%, redact: [$.patient] }
record: { keep: 30d, atMost: 64MiB }
notifications:
  - { url: 'http://127.0.0.1:9/\${TEST_PATH}', secret: '\${TEST_HOOK}', on: [deployed, switched, rejected] }
`,
  })
  await beryl.deployed('v1')
})
after(async () => assert.equal(await beryl.stop(), 0))

async function cli(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const said = await beryl.cli(...args)
  // What makes a token shows it, this once.
  if (args[1] !== 'create') printed += said.out + said.err
  return said
}

const eventsNow = async (): Promise<Event[]> => {
  const { out } = await cli('record', 'export')
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
}

test('the record is exported as JSON Lines, every event once, in order', async () => {
  const made = await cli('token', 'create', 'ada', '--role', 'operator', '--json')
  token = (JSON.parse(made.out) as NewTokenView).token
  await fetch(`${beryl.gateway}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secrets.bearer}` },
    body: JSON.stringify({ text: 'a', patient: secrets.field }),
  })
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, ({ phase }) => phase === 'rejected', 'rejected')
  // In a pipe `watch` goes on with what happens from here on, line by line.
  const watching = spawn(process.execPath, [program, 'watch', 'tiny', '--data', beryl.data])
  let watched = ''
  watching.stdout.on('data', (chunk: Buffer) => (watched += chunk.toString()))
  await eventually(
    async () => {
      await beryl.cli('freeze', 'tiny', '--reason', 'a test of watch')
      await beryl.cli('unfreeze', 'tiny')
      return watched.includes('a test of watch')
    },
    () => 'a line of watch',
  )
  watching.kill('SIGTERM')
  await once(watching, 'exit')
  assert.match(watched, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S+ +\S+ froze tiny .*a test of watch/m)
  assert.ok(!watched.includes('\u001b'), 'plain in a pipe')
  const all = await eventsNow()
  assert.deepEqual(
    all.map((event) => event.id),
    all.map((_, index) => index + 1),
  )
  const { out } = await cli('record', 'export', 'tiny', '--json')
  const { events } = JSON.parse(out) as { events: Event[] }
  assert.deepEqual(
    events,
    all.filter(({ service }) => service === 'tiny'),
  )
  assert.ok(events.some(({ text }) => text.startsWith(`${id} (v2) is rejected`)))
  const view = JSON.parse((await cli('record', '--json')).out) as RecordView
  assert.equal(view.keepS, 30 * 86_400)
  assert.equal(view.atMostBytes, 64 * 1024 ** 2)
  assert.match((await cli('record')).out, /\d+ events of 2 releases, from .*\n.* of 64\.0 MiB/)
  assert.equal((await cli('record', 'exprt')).code, 2)
})

test('a backup is taken while Beryl runs, and what is there is not written over', async () => {
  const file = join(beryl.directory, 'backup.db')
  const first = await cli('backup', file)
  assert.equal(first.code, 0, first.err)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const again = await cli('backup', file)
  assert.equal(again.code, 1)
  assert.match(again.err, /is there already/)
  const viewer = await beryl.cliAs(token, 'backup', `${file}.2`)
  assert.match(viewer.err, /has the role operator, and .* needs admin/)
  assert.deepEqual(globSync('**/backup-*', { cwd: beryl.data }), [], 'nothing is left behind')
})

test('every route answers as the OpenAPI document says', async () => {
  const call = async (method: string, path: string, body?: unknown, more: object = {}) => {
    const answer = await fetch(`${beryl.apiUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${beryl.token}`,
        'content-type': 'application/json',
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { status, headers } = answer
    assert.ok(status < 500, `${method} ${path}: ${status}`)
    const type = headers.get('content-type') ?? ''
    const isJson = type.includes('json')
    if (!isJson) await answer.body?.cancel()
    const json = isJson ? ((await answer.json()) as any) : null
    reached.add(assertContract({ method, path: `/api/v1${path}`, status, type, body: json }))
    return { status, json }
  }
  const reached = new Set<string>()
  const answered = await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })
  const requestId = answered.headers.get('beryl-request-id')
  const own = { origin: beryl.apiUrl, 'sec-fetch-site': 'same-origin' }
  const of = '/services/tiny'
  const paused = (await call('POST', `${of}/releases`, { version: 'v2', kind: 'verify' })).json.id
  for (const [kind, target] of [
    ['releases', paused],
    ['services', 'tiny'],
  ])
    for (const act of ['pause', 'resume', 'approve', 'promote', 'retry', 'rollback', 'abort'])
      await call('POST', `/${kind}/${target}/${act}`, act === 'retry' ? {} : { reason: 'a test' })
  for (const path of ['/services', of, `${of}/open`, `${of}/versions`, `${of}/versions/v1`])
    await call('GET', path)
  await call('POST', `${of}/versions`, { name: 'v9', model: './v1.json' })
  await call('DELETE', `${of}/versions/v9`)
  await call('PUT', `${of}/aliases/champion`, { version: 'v1', reason: 'a test' })
  for (const path of [`${of}/aliases`, `${of}/versions/@champion/diff/v2`, `${of}/cost`])
    await call('GET', path)
  await call('DELETE', `${of}/aliases/champion`, {})
  for (const path of ['capture', 'plan/v2?find=0.05', 'history?limit=1', 'curves'])
    await call('GET', `${of}/${path}`)
  const { json: page } = await call('GET', `${of}/capture/records`)
  await call('DELETE', `${of}/capture`)
  await call('POST', `${of}/capture/records`, { records: page.records })
  for (const path of ['', '/report', '/report.html', '/report.json', '/curves'])
    await call('GET', `/releases/r1${path}`)
  for (const path of ['/events?limit=3', '/record', '/backup', '/notifications', '/openapi.json'])
    await call('GET', path)
  for (const scope of ['', of]) {
    await call('POST', `${scope}/freeze`, { reason: 'a test', forS: 60 })
    await call('GET', '/freezes')
    await call('DELETE', `${scope}/freeze`)
  }
  await call('POST', '/tokens', { name: 'eve', role: 'viewer' })
  await call('GET', '/tokens')
  await call('DELETE', '/tokens/eve')
  await call('POST', '/session', { token: beryl.token }, own)
  await call('GET', '/session')
  await call('DELETE', '/session')
  await call('POST', '/feedback', { requestId, kind: 'thumbs', value: true })
  await call('POST', '/notifications/retry', {})
  const manifest = readFileSync(join(beryl.directory, 'beryl.yaml'), 'utf8')
  await call('POST', '/apply', { manifest, dryRun: true })
  // A stream has a test of its own.
  const all = Object.keys(needs).filter(
    (route) => route.includes('/api/') && !route.endsWith('/live'),
  )
  assert.deepEqual([...reached].toSorted(), all.toSorted())
  await beryl.until(paused, ({ endsAs }) => endsAs !== null, 'ended')
})

test('not one byte of a secret is in what was printed, or in the data directory', async () => {
  for (const args of [
    ['status'],
    ['notifications'],
    ['explain', 'r2'],
    ['history', 'tiny'],
    ['doctor'],
  ])
    await cli(...args)
  await cli('apply', '-f', join(beryl.directory, 'beryl.yaml'), '--dry-run')
  for (const path of ['/services/tiny', '/releases/r1/report', '/notifications', '/tokens'])
    printed += JSON.stringify(await beryl.api('GET', path))
  const admin = readFileSync(join(beryl.data, 'admin.token'), 'utf8').trim()
  const kept = globSync('**/*', { cwd: beryl.data })
    .filter((file) => statSync(join(beryl.data, file)).isFile() && file !== 'admin.token')
    .map((file) => readFileSync(join(beryl.data, file), 'latin1'))
    .join('\n')
  assert.ok(kept.includes('goldenSet') && printed.includes('goldenSet'), 'it was looked at')
  for (const [name, secret] of Object.entries({ ...secrets, token: token.slice(-43), admin })) {
    assert.ok(!printed.includes(secret), `${name} was printed`)
    assert.ok(!kept.includes(secret), `${name} is in the data directory`)
  }
})

test('Beryl goes on from the backup in an empty data directory: the same record, and live is up again', async () => {
  const before_ = await eventsNow()
  await beryl.interrupt()
  renameSync(beryl.data, `${beryl.data}-lost`)
  mkdirSync(beryl.data, { mode: 0o700 })
  copyFileSync(join(beryl.directory, 'backup.db'), join(beryl.data, 'beryl.db'))
  await beryl.restartSupervisor()
  await eventually(
    async () => (await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })).ok,
    () => 'v1 to answer again',
  )
  const { out } = await cli('status', 'tiny', '--json')
  assert.equal((JSON.parse(out) as { live: { version: string } }).live.version, 'v1')
  const backedUp = (await eventsNow()).slice(0, before_.length)
  const taken = backedUp.findIndex(({ text }) => text.endsWith('takes a backup'))
  assert.ok(taken > 0)
  assert.deepEqual(backedUp.slice(0, taken + 1), before_.slice(0, taken + 1))
  // The tokens are in it, as hashes; the first one is made anew.
  assert.equal((await beryl.cliAs(token, 'status')).code, 0)
  const { code } = await cli('rollback', 'tiny')
  assert.equal(code, 1, 'the standby was not kept: there was no release before v1')
})
