/** Attacks that cross rooms: names that lead elsewhere or break a line, and texts that would be taken for more than text. docs/security.md lists all. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { apiApp } from '../src/api/app.ts'
import { adminToken } from '../src/api/authenticate.ts'
import { tokenBody } from '../src/api/bodies.ts'
import { apiClient } from '../src/api/client.ts'
import type { Operations } from '../src/api/operations.ts'
import { sessionsBy } from '../src/api/sessions.ts'
import { noAnswers } from '../src/api/testing.ts'
import { manifest, versionName } from '../src/config/manifest.ts'
import { openAccessLines } from '../src/gateway/access-lines.ts'
import type { Ended, Flight } from '../src/gateway/forward.ts'
import { ProblemError } from '../src/ipc/problem.ts'
import { openCaptures } from '../src/verification/capture/captures.ts'
import { complaintOf } from '../src/versions/aliases.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Out of a directory, onto another line or header, into a page, or past the eye. */
const badNames = [
  '..',
  '../x',
  '../../etc/passwd',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'C:x',
  'a\0b',
  'v1\r\nSet-Cookie: a=b',
  'v1\n',
  '\nv1',
  'v1\u2028',
  'v1\u202e',
  '<script>alert(1)</script>',
  '"><img src=x>',
  '',
  ' ',
  'x'.repeat(65),
]

test('a name that leads out of a directory, breaks a line or holds markup is no name, wherever one is taken', async (context) => {
  const home = mkdtempSync(join(tmpdir(), 'beryl-attacks-'))
  const captures = openCaptures(join(home, 'captures'))
  context.after(async () => {
    await captures.close()
    rmSync(home, { recursive: true })
  })
  const environment = { provider: 'process', command: ['x', '{port}'] }
  const whole = (service: string, version: string) =>
    manifest.safeParse({
      apiVersion: 'beryl/v1',
      gateway: { listen: '127.0.0.1:8080' },
      services: { [service]: { route: { path: '/' }, environment, versions: { [version]: {} } } },
    }).success
  assert.ok(whole('chat', 'v1'))
  for (const name of badNames) {
    const said = JSON.stringify(name)
    assert.ok(!whole(name, 'v1'), `service ${said}`)
    assert.ok(!whole('chat', name), `version ${said}`)
    // What `beryl versions add` and its route go by.
    assert.ok(!versionName.safeParse(name).success, `added version ${said}`)
    assert.notEqual(complaintOf(name, []), null, `alias ${said}`)
    assert.ok(!tokenBody.safeParse({ name, role: 'viewer' }).success, `token ${said}`)
    await assert.rejects(captures.page(name, null), ProblemError, `capture ${said}`)
  }
  assert.ok(!existsSync(join(home, 'x')))
  assert.ok(readdirSync(home).every((name) => name === 'captures'))
})

test('a name of dots is refused before it becomes another path: `freeze ..` would freeze everything', async (context) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  context.after(() => server.close())
  const api = apiClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'beryl_x',
    ca: undefined,
  })
  const calls: ((name: string) => Promise<unknown>)[] = [
    (name) => api.freeze(name, { reason: 'x' }),
    (name) => api.unfreeze(name),
    (name) => api.service(name),
    (name) => api.release(name),
    (name) => api.report(name),
    (name) => api.rollback(name),
    (name) => api.removeVersion('chat', name),
    (name) => api.setAlias('chat', name, { version: 'v1' }),
    (name) => api.purgeCapture(name),
    (name) => api.revokeToken(name),
  ]
  for (const call of calls)
    for (const name of ['.', '..'])
      await assert.rejects(call(name), (error) => codeOf(error) === 'usage')
  assert.deepEqual(asked, [])
  // Any other is one segment, whatever it holds.
  await api.freeze('../../freeze?x#y\r\nz', { reason: 'x' })
  assert.deepEqual(asked, ['POST /api/v1/services/..%2F..%2Ffreeze%3Fx%23y%0D%0Az/freeze'])
})

test('a name in a path stays a name: it opens no other route, is no header, and is shown as it is spelled', async () => {
  const seen: string[] = []
  const app = apiWith({
    service: (name: string) => {
      seen.push(name)
      throw new ProblemError({ status: 404, code: 'no-such-service', title: `no ${name}` })
    },
  })
  for (const spelled of [
    'a%0d%0aSet-Cookie:%20x=1',
    '..%2f..%2ftokens',
    '%2e%2e%2ftokens',
    'a%00',
  ]) {
    const answer = await app(`/services/${spelled}`)
    assert.equal(answer.status, 404, spelled)
    assert.equal(answer.headers.get('set-cookie'), null)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual(seen.splice(0), [decodeURIComponent(spelled)])
  }
})

test('an event with line ends in it is one event: what a model said begins no other', async () => {
  const evil = 'x\r\ndata: {"id":99}\r\n\r\nid: 99\nevent: phase\n\n'
  const event = { id: 1, at: 0, service: evil, release: null, kind: 'gate', by: evil, text: evil }
  const app = apiWith({ events: (after: number) => (after === 0 ? [{ ...event, data: {} }] : []) })
  const abort = new AbortController()
  const answer = await app('/events', { accept: 'text/event-stream' }, abort.signal)
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('\n\n')) text += (await reader.read()).value ?? ''
  await reader.cancel()
  abort.abort()
  const lines = text.split('\n').filter((line) => line !== '')
  assert.deepEqual(lines.map((line) => line.slice(0, line.indexOf(':'))).toSorted(), [
    'data',
    'event',
    'id',
  ])
  const data = lines.find((line) => line.startsWith('data: '))!
  assert.equal((JSON.parse(data.slice('data: '.length)) as { text: string }).text, evil)
})

test('a line of a log is one line, whatever a client or a model wrote into it', () => {
  const evil = 'x"}\n{"level":60,"msg":"all is well"}\r\n\u001b[2J'
  const program = `import { log } from ${JSON.stringify(new URL('../src/log.ts', import.meta.url).href)}
log.error({ service: process.env.EVIL, error: process.env.EVIL }, process.env.EVIL)`
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, EVIL: evil },
    encoding: 'utf8',
    timeout: 30_000,
  })
  assert.equal(status, 0)
  const [line, ...more] = stdout.split('\n')
  assert.deepEqual(more, [''])
  assert.equal((JSON.parse(line!) as { msg: string }).msg, evil)
  assert.ok(!stdout.includes('\u001b'))

  const handed: string[] = []
  const access = openAccessLines(1, (lines) => handed.push(lines))
  access.ended(flightTo(`/${evil}?secret`, evil), ended)
  access.flush()
  const [entry, ...rest] = handed.join('').split('\n')
  assert.deepEqual(rest, [''])
  const { path, method } = JSON.parse(entry!) as Record<string, string>
  assert.deepEqual([path, method], [`/${evil}`, evil])
})

test('a request id that is longer than any of ours is not looked at', async () => {
  const seen: unknown[] = []
  const app = apiWith({ feedback: (asked: unknown) => (seen.push(asked), {}) })
  const give = (requestId: string) =>
    app('/feedback', {}, undefined, JSON.stringify({ requestId, kind: 'thumbs', value: 'up' }))
  assert.equal((await give('x'.repeat(701))).status, 400)
  assert.equal((await give('')).status, 400)
  assert.deepEqual(seen, [])
})

/** One row of the table: what is tried, and the test that tries it. */
const row = /^\| [^|]+ \| \[`([^`]+)`\]\(([^)]+)\) +\| (.+?) +\|$/gm

test('each attack that docs/security.md lists is tried by a test of that name', () => {
  const text = readFileSync(join(root, 'docs/security.md'), 'utf8')
  const rows = [...text.matchAll(row)]
  const listed = text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (what|-)/i.test(line))
  assert.equal(rows.length, listed.length, 'every row names a file and a test')
  for (const attack of asked) assert.match(text, attack)
  for (const [, shown, link, name] of rows) {
    const file = join(root, 'docs', link!)
    assert.ok(file.endsWith(shown!), link)
    const source = readFileSync(file, 'utf8')
    assert.ok(
      source.includes(`test('${name}'`) || source.includes(`test(\`${name}\``),
      `${link}: ${name}`,
    )
  }
})

/** What the list may not be without. */
const asked = [
  /cross-origin write/i,
  /rebinding/i,
  /token guess/i,
  /path traversal/i,
  /header injection/i,
  /log injection/i,
  /script in/i,
  /oversized bod/i,
  /slow bod/i,
  /forged request id/i,
  /replayed request id/i,
  /redirect/i,
]

function apiWith(operations: Record<string, unknown>) {
  const token = 'beryl_a-token-for-this-test'
  const app = apiApp(operations as unknown as Operations, {
    tokens: adminToken(token, 'ada'),
    sessions: sessionsBy(token),
    boundTo: '127.0.0.1',
    answers: noAnswers,
    pages: () => null,
  })
  return async (
    path: string,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
    body?: string,
  ) =>
    app.request(`http://127.0.0.1/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { host: '127.0.0.1', authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
}

function codeOf(error: unknown): string {
  return error instanceof ProblemError ? error.problem.code : String(error)
}

const ended = { outcome: 'answered', status: 200, firstByteMs: 1, totalMs: 2 } as unknown as Ended

function flightTo(target: string, method: string): Flight {
  return {
    claim: {
      at: 0,
      environment: { environment: 'blue', version: 'v1' },
      table: { service: 'chat' },
      replica: { id: 'x' },
    },
    exchange: { remoteAddress: '127.0.0.1', method, target },
    requestId: 'id',
    bytesIn: 0,
    bytesOut: 0,
    tries: 1,
  } as unknown as Flight
}
