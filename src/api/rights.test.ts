/** Every route with every role, over a real socket: what the table says is what is done. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { serve } from '@hono/node-server'
import { limiterOf, usualBudgets } from './limits.ts'
import { noAnswers } from './testing.ts'
import { apiApp } from './app.ts'
import type { Holder } from './authenticate.ts'
import { openapi } from './openapi.ts'
import type { Operations } from './operations.ts'
import { checkRole, needs, roles } from './rights.ts'
import type { Role } from './rights.ts'
import { sessionsBy } from './sessions.ts'

let reached: string[] = []
/** A fake of our own: says which operation was reached. */
const reach = (name: string) => () => {
  reached.push(name)
  return {}
}
/** As much of it as a report needs. */
const report = {
  id: 'r1',
  service: 'chat',
  version: 'v1',
  from: null,
  digest: '',
  kind: 'deploy',
  by: 'ada',
  at: 0,
  phase: 'verifying',
  watch: null,
  cost: null,
  switched: null,
  rolledBack: null,
  gates: [],
  leftOut: [],
  approvals: [],
  feedback: [],
}
const operations = new Proxy(
  {},
  {
    get: (_, name: string) => {
      if (name === 'notReady') return () => []
      if (name === 'names') return () => (reach(name)(), ['chat'])
      if (name === 'record')
        return {
          view: reach('record.view'),
          backUp: async () => (reach('record.backUp')(), { bytes: 0, stream: Readable.from([]) }),
        }
      if (['capture', 'curves', 'tokens', 'freezes', 'notifications', 'versions'].includes(name))
        return new Proxy(
          {},
          {
            get: (_of, act: string) => (asked: unknown) => {
              const answer = reach(`${name}.${act}`)()
              if (name === 'versions') return act === 'list' ? { versions: [] } : answer
              return ['list', 'all'].includes(act) && asked === undefined ? [] : answer
            },
          },
        )
      if (name === 'metrics') return async () => (reach(name)(), 'text')
      if (name === 'release') return () => ({ ...reach(name)(), ...report })
      if (name === 'releases') return () => [reach(name)()]
      if (name === 'events' || name === 'eventsOf') return () => (reach(name)(), [])
      return reach(name)
    },
  },
) as Operations

const holders: Record<string, Holder> = Object.fromEntries(
  roles.map((role) => [`beryl_${role}`, { id: role, actor: `the ${role}`, role }]),
)
const revoked = new Set<string>()
const app = apiApp(operations, {
  tokens: {
    holderOf: (token) => holders[token] ?? null,
    holder: (id) =>
      revoked.has(id) ? null : (Object.values(holders).find((holder) => holder.id === id) ?? null),
  },
  sessions: sessionsBy('a secret'),
  boundTo: '127.0.0.1',
  answers: noAnswers,
  // Each route is asked without a token, too.
  limiter: limiterOf({ ...usualBudgets, refused: { perSecond: 1000, burst: 1000 } }),
  pages: () => null,
})

let server: ReturnType<typeof serve>
let url: string
before(async () => {
  server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

/** Bodies that the routes take. */
const bodies: Record<string, unknown> = {
  'POST /api/v1/services/{service}/releases': { version: 'v2' },
  'POST /api/v1/feedback': { requestId: 'a', kind: 'thumbs', value: true },
  'POST /api/v1/services/{service}/capture/records': { records: [{}] },
  'POST /api/v1/services/{service}/versions': { name: 'v9', model: './v9' },
  'POST /api/v1/apply': { manifest: '' },
  'PUT /api/v1/services/{service}/aliases/{alias}': { version: 'v1' },
  'POST /api/v1/freeze': { reason: 'a test' },
  'POST /api/v1/services/{service}/freeze': { reason: 'a test' },
  'POST /api/v1/tokens': { name: 'eve', role: 'admin' },
  'POST /api/v1/session': { token: 'beryl_admin' },
}

async function ask(route: string, headers: Record<string, string>) {
  const [method, path] = route.split(' ') as [string, string]
  const abort = new AbortController()
  reached = []
  const answer = await fetch(`${url}${path.replace(/\{\w+\}/g, 'r1')}`, {
    method,
    // Whoever signs in says that it is the page.
    headers: route === 'POST /api/v1/session' ? { ...headers, ...own() } : headers,
    ...(method === 'POST' || method === 'PUT' ? { body: JSON.stringify(bodies[route] ?? {}) } : {}),
    signal: abort.signal,
  })
  const isStream = (answer.headers.get('content-type') ?? '').startsWith('text/event-stream')
  const text = isStream ? '' : await answer.text()
  abort.abort()
  const isProblem = text !== '' && answer.headers.get('content-type') === 'application/problem+json'
  return {
    status: answer.status,
    headers: answer.headers,
    problem: isProblem ? JSON.parse(text) : null,
  }
}

/** Written down once more, in words of its own: the table must not agree with itself only. */
function mayBy(role: Role, needed: Role | null): boolean {
  if (needed === null || role === 'admin') return true
  if (role === 'operator') return needed !== 'admin'
  return role === needed
}

test('every route has its role in the table, and nothing else stands there', () => {
  const there = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  assert.deepEqual(Object.keys(needs).toSorted(), [...new Set(there)].toSorted())
})

for (const [route, needed] of Object.entries(needs)) {
  test(`${route}: ${needed ?? 'anybody'}`, async () => {
    for (const role of roles) {
      const { status, problem } = await ask(route, { authorization: `Bearer beryl_${role}` })
      if (mayBy(role, needed)) {
        assert.ok(status < 300, `${role}: ${status} ${problem?.title}`)
        continue
      }
      assert.equal(status, 403, role)
      assert.equal(problem.code, 'forbidden')
      assert.match(
        problem.title,
        new RegExp(`the ${role} has the role ${role}, .* needs ${needed}`),
      )
      assert.match(problem.hint, new RegExp(`--role ${needed}`))
      assert.deepEqual(reached, [], `${role} reached it`)
    }
    const { status } = await ask(route, {})
    assert.equal(status === 401, needed !== null, `without a token: ${status}`)
  })
}

test('HEAD takes what GET takes, and a path that does not exist tells nobody more than that', async () => {
  const head = async (role: Role) =>
    (await ask('HEAD /api/v1/tokens', { authorization: `Bearer beryl_${role}` })).status
  assert.equal(await head('operator'), 403)
  assert.equal(await head('admin'), 200)
  const missing = await ask('GET /api/v1/nothing', { authorization: 'Bearer beryl_feedback' })
  assert.equal(missing.status, 404)
})

test('a way of writing the path opens no other way in', async () => {
  for (const path of ['/api/v1//tokens', '/api/v1/tokens/', '/api/v1/%74okens', '/API/v1/tokens']) {
    const { status } = await ask(`GET ${path}`, { authorization: 'Bearer beryl_viewer' })
    assert.ok(status === 403 || status === 404, `${path}: ${status}`)
    assert.deepEqual(reached, [])
  }
})

test('a route that stands in no table is an admin’s', () => {
  assert.throws(() => checkRole('operator', 'ada', 'POST /api/v1/new'), /needs admin/)
  checkRole('admin', 'ada', 'POST /api/v1/new')
})

test('the OpenAPI document says which role each route needs', () => {
  const { paths } = openapi()
  for (const [route, needed] of Object.entries(needs)) {
    const [method, path] = route.split(' ') as [string, string]
    const { security } = paths[path]![method.toLowerCase()] as { security: unknown }
    assert.deepEqual(security, needed === null ? [] : [{ token: [needed] }], route)
  }
})

const own = () => ({ 'sec-fetch-site': 'same-origin', origin: url })

async function cookieOf(role: Role): Promise<string> {
  const answer = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: own(),
    body: JSON.stringify({ token: `beryl_${role}` }),
  })
  const json = (await answer.json()) as { role: Role }
  assert.equal(json.role, role)
  return answer.headers.get('set-cookie')!.split(';')[0]!
}

test('a session may do what its token may, whatever is written into the cookie', async () => {
  const cookie = await cookieOf('viewer')
  const status = async (route: string, sent = cookie) =>
    (await ask(route, { ...own(), cookie: sent })).status
  assert.equal(await status('GET /api/v1/services'), 200)
  assert.equal(await status('POST /api/v1/releases/{target}/rollback'), 403)
  assert.equal(await status('POST /api/v1/tokens'), 403)
  const [name, value] = cookie.split('=') as [string, string]
  const [text, mac] = value.split('.') as [string, string]
  const session = JSON.parse(Buffer.from(text, 'base64url').toString()) as object
  for (const change of [{ token: 'admin' }, { role: 'admin' }, { actor: 'the admin' }]) {
    const forged = Buffer.from(JSON.stringify({ ...session, ...change })).toString('base64url')
    assert.equal(await status('GET /api/v1/services', `${name}=${forged}.${mac}`), 401)
  }
  // A better cookie beside a worse token: the token is what counts.
  const both = { ...own(), cookie: await cookieOf('admin'), authorization: 'Bearer beryl_viewer' }
  assert.equal((await ask('POST /api/v1/tokens', both)).status, 403)
})

test('wherever a viewer sees commands, each is refused with the role that it needs; an operator sees what there is', async () => {
  const viewsAt = async (path: string, role: Role): Promise<{ can?: Record<string, string> }[]> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      headers: { authorization: `Bearer beryl_${role}` },
    })
    const json = (await answer.json()) as Record<string, any>
    return [json['services'] ?? json['releases'] ?? json['release'] ?? json].flat()
  }
  for (const path of [
    '/services',
    '/services/chat',
    '/services/chat/history',
    '/releases/r1',
    '/releases/r1/report',
  ]) {
    const [viewed] = await viewsAt(path, 'viewer')
    assert.match(viewed?.can?.['rollback'] ?? '', /viewer: rollback needs the role operator/, path)
    const seen = await viewsAt(path, 'operator')
    assert.deepEqual(
      seen.map(({ can }) => can),
      [undefined],
      path,
    )
  }
})

for (const path of ['/live', '/events']) {
  test(`a stream of ${path} ends when its token is revoked, or the session that opened it`, async () => {
    for (const who of [
      { authorization: 'Bearer beryl_viewer' },
      { ...own(), cookie: await cookieOf('viewer') },
    ]) {
      const stream = await fetch(`${url}/api/v1${path}`, {
        headers: { ...who, accept: 'text/event-stream' } as Record<string, string>,
        signal: AbortSignal.timeout(10_000),
      })
      assert.equal(stream.status, 200)
      revoked.add('viewer')
      await stream.text()
      revoked.clear()
    }
  })
}

test('a session ends with its token, at once', async () => {
  const cookie = await cookieOf('operator')
  const pause = async () =>
    (await ask('POST /api/v1/releases/{target}/pause', { ...own(), cookie })).status
  assert.equal(await pause(), 200)
  revoked.add('operator')
  assert.equal(await pause(), 401)
  assert.deepEqual(reached, [])
  revoked.clear()
})

test('who may not look is not signed in', async () => {
  const answer = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: own(),
    body: JSON.stringify({ token: 'beryl_feedback' }),
  })
  assert.equal(answer.status, 403)
  assert.equal(answer.headers.get('set-cookie'), null)
  assert.equal(((await answer.json()) as { code: string }).code, 'forbidden')
})
