/** The API over a real socket: every operation, and what is refused before it comes to one. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { serve } from '@hono/node-server'
import { ProblemError } from '../ipc/problem.ts'
import { noAnswers } from './testing.ts'
import { apiApp } from './app.ts'
import type { ApiOptions } from './app.ts'
import { adminToken } from './authenticate.ts'
import type { CurvesView } from './curves-shape.ts'
import type { Operations } from './operations.ts'
import { sessionsBy } from './sessions.ts'
import type { ApplyView, Event, ReleaseView, ServiceView, VersionsView } from './shapes.ts'

const token = 'beryl_a-token-for-this-test'
const options: ApiOptions = {
  tokens: adminToken(token, 'ada'),
  sessions: sessionsBy(token),
  boundTo: '127.0.0.1',
  answers: noAnswers,
  pages: () => null,
}

/** Answers with what it was asked: the controller's own tests hold what it does. A fake of our own. */
const asked: unknown[][] = []
const saw = <Answer>(...call: unknown[]) => {
  asked.push(call)
  return { said: call } as Answer
}
const known = (name: string) => {
  if (name === 'chat') return
  throw new ProblemError({
    status: 404,
    code: 'no-such-service',
    title: `no ${name}`,
    hint: 'chat',
  })
}
let notReady: string[] = []
let events: Event[] = []
const operations: Operations = {
  names: () => ['chat'],
  service: (name) => {
    known(name)
    return {
      ...saw<ServiceView>('service', name),
      versions: [{ version: 'v1', digest: null, notes: null }],
    }
  },
  open: async (name) => {
    known(name)
    return saw('open', name)
  },
  metrics: async () => 'beryl_workers 2\n',
  release: (id) => saw<ReleaseView>('release', id),
  curves: {
    ofService: (...call) => saw<CurvesView>('curves of service', ...call),
    ofRelease: (...call) => saw<CurvesView>('curves of release', ...call),
  },
  releases: (...call) => [saw<ReleaseView>('releases', ...call)],
  events: (after_, service, limit) =>
    events.filter(({ id, service: of }) => id > after_ && (service ?? of) === of).slice(0, limit),
  eventsOf: (_, after_, limit) => events.filter(({ id }) => id > after_).slice(0, limit),
  cost: (name) => saw('cost', name),
  plan: async (...call) => saw('plan', ...call),
  deploy: async (...call) => saw<ReleaseView>('deploy', ...call),
  command: async (...call) => saw<ReleaseView>('command', ...call),
  rollback: async (...call) => saw<ReleaseView>('rollback', ...call),
  apply: async (...call) => saw<ApplyView>('apply', ...call),
  retry: async (...call) => saw<ReleaseView>('retry', ...call),
  feedback: (...call) => saw('feedback', ...call),
  notifications: {
    view: () => saw('notifications'),
    retry: (...call) => saw('retry notifications', ...call),
  },
  freezes: {
    all: () => [saw('freezes')],
    freeze: (...call) => saw('freeze', ...call),
    unfreeze: (...call) => saw('unfreeze', ...call),
  },
  notReady: () => notReady,
  versions: {
    list: (name) => {
      known(name)
      return {
        ...saw<VersionsView>('versions', name),
        service: name,
        versions: ['v1', 'v2', 'v3'].map(
          (version) => ({ version }) as VersionsView['versions'][number],
        ),
      }
    },
    show: async (...call) => saw('version', ...call),
    diff: async (...call) => saw('diff', ...call),
    aliases: (...call) => saw('aliases', ...call),
    alias: async (...call) => saw('alias', ...call),
    removeAlias: (...call) => saw('removeAlias', ...call),
    add: async (...call) => saw('add', ...call),
    remove: (...call) => saw('removeVersion', ...call),
  },
  capture: {
    state: async (...call) => saw('capture', ...call),
    page: async (...call) => saw('page', ...call),
    import: async (...call) => saw('import', ...call),
    purge: async (...call) => saw('purge', ...call),
  },
  record: {
    view: () => saw('record'),
    backUp: async (by) => {
      saw('backUp', by)
      return { bytes: 9, stream: Readable.from([Buffer.from('all of it')]) }
    },
  },
  tokens: {
    list: () => [saw('tokens')],
    create: (...call) => saw('create', ...call),
    revoke: (...call) => saw('revoke', ...call),
  },
}

const event = (id: number): Event => ({
  id,
  at: 0,
  service: 'chat',
  release: null,
  kind: 'phase',
  by: 'ada',
  text: `event ${id}`,
  data: {},
})

let server: ReturnType<typeof serve>
let port: number

before(async () => {
  const app = apiApp(operations, options)
  server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  port = (server.address() as AddressInfo).port
})
after(() => server.close())

type Asked = { method?: string; headers?: Record<string, string>; body?: string }
type Answer = { status: number; headers: Headers; text: string; json: any }

async function ask(
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answer> {
  asked.length = 0
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await answer.text()
  const isJson = (answer.headers.get('content-type') ?? '').includes('json')
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJson ? JSON.parse(text) : null,
  }
}
const post = (path: string, body: unknown = {}) =>
  ask(path, { method: 'POST', body: JSON.stringify(body) })

/** Every refusal looks the same to a program. */
function assertProblem({ status, headers, json }: Answer, wanted: number, code: string): void {
  assert.equal(status, wanted)
  assert.equal(headers.get('content-type'), 'application/problem+json')
  assert.equal(json.type, `urn:beryl:problem:${code}`)
  assert.equal(json.status, wanted)
  assert.equal(json.code, code)
  assert.equal(typeof json.title, 'string')
}

test('every read reaches its operation', async () => {
  assert.deepEqual((await ask('/api/v1/services')).json.services[0].said, ['service', 'chat'])
  assert.deepEqual((await ask('/api/v1/services/chat')).json.said, ['service', 'chat'])
  const page = async (query: string) => {
    const { json } = await ask(`/api/v1/services/chat/versions${query}`)
    return json.versions === undefined
      ? json.code
      : [json.versions.map(({ version }: { version: string }) => version).join(), json.next]
  }
  assert.deepEqual(await page(''), ['v1,v2,v3', null])
  assert.deepEqual(await page('?limit=2'), ['v1,v2', 'v2'])
  assert.deepEqual(await page('?limit=2&after=v2'), ['v3', null])
  for (const wrong of ['?after=v9', '?after=', '?limit=1001', '?limit=x'])
    assert.equal(await page(wrong), 'wrong-query')
  const one = await ask('/api/v1/services/chat/versions/%40champion')
  assert.deepEqual(one.json.said, ['version', 'chat', '@champion'])
  const diff = await ask('/api/v1/services/chat/versions/v1/diff/v2')
  assert.deepEqual(diff.json.said, ['diff', 'chat', 'v1', 'v2'])
  const newest = ['aliases', 'chat', Number.MAX_SAFE_INTEGER, 100]
  assert.deepEqual((await ask('/api/v1/services/chat/aliases')).json.said, newest)
  assert.deepEqual((await ask('/api/v1/services/chat/cost')).json.said, ['cost', 'chat'])
  const plan = async (query = '') => ask(`/api/v1/services/chat/plan/v2${query}`)
  const asked = { find: null, traffic: null, gpus: null, standby: null }
  assert.deepEqual((await plan()).json.said, ['plan', 'chat', 'v2', asked])
  const found = { ...asked, find: 0.05 }
  assert.deepEqual((await plan('?find=0.05')).json.said, ['plan', 'chat', 'v2', found])
  const whatIf = { ...asked, traffic: 2, gpus: 4, standby: 'asleep' }
  assert.deepEqual((await plan('?traffic=2&gpus=4&standby=asleep')).json.said[3], whatIf)
  for (const wrong of ['traffic=x2', 'traffic=-1', 'gpus=1.5', 'gpus=', 'standby=attic'])
    assert.equal((await plan(`?${wrong}`)).json.code, 'wrong-query', wrong)
  for (const wrong of ['5%', '0', '1.1', '-1', 'NaN', ''])
    assert.equal((await plan(`?find=${encodeURIComponent(wrong)}`)).json.code, 'wrong-query')
  const history = await ask('/api/v1/services/chat/history?limit=7')
  assert.deepEqual(history.json.releases[0].said, ['releases', 'chat', 8, null])
  assert.deepEqual((await ask('/api/v1/releases/r7')).json.said, ['release', 'r7'])
  const report = await ask('/api/v1/releases/r7/report')
  const nothing = { release: { said: ['release', 'r7'] }, events: [], next: null }
  assert.deepEqual(report.json, nothing)
  const older = await ask('/api/v1/services/chat/aliases?limit=3&after=9')
  assert.deepEqual(older.json.said, ['aliases', 'chat', 9, 3])
})

test('a record of more than a page is read on, or taken whole; a report to keep runs nothing and is nobody’s page', async () => {
  const none = { watch: null, cost: null, switched: null, rolledBack: null, from: null }
  const lists = { gates: [], leftOut: [], approvals: [], feedback: [] }
  const words = { service: 'chat', version: 'v1', kind: 'deploy', by: 'ada', phase: 'warming' }
  const said = { id: 'r7', digest: 'sha256:0', at: 0, because: null, waitingFor: null }
  const release = { ...none, ...lists, ...words, ...said } as unknown as ReleaseView
  const long: Operations = { ...operations, release: () => release }
  const app = apiApp(long, options)
  const get = (path: string) =>
    app.request(`http://127.0.0.1/api/v1/releases/r7/${path}`, {
      headers: { authorization: `Bearer ${token}`, host: '127.0.0.1' },
    })
  events = Array.from({ length: 2500 }, (_, index) => event(index + 1))
  const seen: number[] = []
  for (let next: string | null = '0'; next !== null;) {
    const page = (await (await get(`report?after=${next}`)).json()) as {
      events: Event[]
      next: string | null
    }
    seen.push(...page.events.map(({ id }) => id))
    next = page.next
  }
  const ids = events.map(({ id }) => id)
  assert.deepEqual(seen, ids)
  assert.equal((await get('report?after=-1')).status, 400)
  const json = await get('report.json')
  const kept = (await json.json()) as { release: ReleaseView; events: Event[] }
  assert.deepEqual(kept, { release, events })
  const page = await get('report.html')
  assert.match(await page.text(), /event 1<.*event 2500</s)
  for (const [answer, format] of [
    [json, 'json'],
    [page, 'html'],
  ] as const) {
    const header = (name: string) => answer.headers.get(name)
    assert.equal(header('content-disposition'), `attachment; filename="r7.${format}"`)
    assert.match(header('content-security-policy')!, /^sandbox; default-src 'none'/)
    assert.equal(header('x-content-type-options'), 'nosniff')
  }
  events = []
})

test('a backup comes as bytes, of a known length, and is kept by no cache', async () => {
  const { text, headers } = await ask('/api/v1/backup')
  assert.equal(text, 'all of it')
  assert.equal(headers.get('content-length'), '9')
  assert.equal(headers.get('content-type'), 'application/vnd.sqlite3')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.deepEqual(asked, [['backUp', 'ada']])
})

test('every write reaches its operation with the actor of its token', async () => {
  const deployed = await post('/api/v1/services/chat/releases', { version: 'v2' })
  assert.equal(deployed.status, 202)
  assert.deepEqual(asked, [
    [
      'deploy',
      'chat',
      { version: 'v2', kind: 'deploy', replace: false, keepStandby: false },
      'ada',
    ],
  ])
  for (const kind of ['services', 'releases']) {
    for (const act of ['approve', 'promote', 'pause', 'resume', 'abort']) {
      assert.equal((await post(`/api/v1/${kind}/x/${act}`, { reason: 'why' })).status, 200)
      assert.deepEqual(asked, [['command', 'x', act, { reason: 'why', gate: null }, 'ada']])
    }
    await post(`/api/v1/${kind}/x/approve`, { reason: 'why', gate: 'goldenSet' })
    assert.deepEqual(asked, [
      ['command', 'x', 'approve', { reason: 'why', gate: 'goldenSet' }, 'ada'],
    ])
    await post(`/api/v1/${kind}/x/rollback`, { to: 'v1' })
    assert.deepEqual(asked, [
      ['rollback', 'x', { reason: null, gate: null, to: 'v1', hard: false }, 'ada'],
    ])
    assert.equal((await post(`/api/v1/${kind}/x/retry`)).status, 202)
    assert.deepEqual(asked, [['retry', 'x', 'ada']])
  }
  for (const [path, target] of [
    ['/api/v1/freeze', null],
    ['/api/v1/services/x/freeze', 'x'],
  ] as const) {
    await post(path, { reason: 'why', forS: 60 })
    assert.deepEqual(asked, [['freeze', target, { reason: 'why', forS: 60 }, 'ada']])
    await post(path, { reason: 'why' })
    assert.deepEqual(asked, [['freeze', target, { reason: 'why', forS: null }, 'ada']])
    assert.equal((await post(path, { reason: 'why', forS: 0 })).json.code, 'wrong-body')
    await ask(path, { method: 'DELETE' })
    assert.deepEqual(asked, [['unfreeze', target, 'ada']])
  }
  await post('/api/v1/notifications/retry')
  assert.deepEqual(asked, [['retry notifications', 'ada']])
  assert.deepEqual((await ask('/api/v1/notifications')).json.said, ['notifications'])
  assert.deepEqual((await ask('/api/v1/freezes')).json.freezes[0].said, ['freezes'])
  const alias = '/api/v1/services/chat/aliases/champion'
  await ask(alias, { method: 'PUT', body: '{"version":"v2","reason":"won"}' })
  assert.deepEqual(asked, [['alias', 'chat', 'champion', { version: 'v2', reason: 'won' }, 'ada']])
  await ask(alias, { method: 'DELETE' })
  assert.deepEqual(asked, [['removeAlias', 'chat', 'champion', null, 'ada']])
  await post('/api/v1/feedback', { requestId: 'id', kind: 'thumbs', value: true })
  assert.deepEqual(asked, [['feedback', { requestId: 'id', kind: 'thumbs', value: true }, 'ada']])
})

test('nothing is reached without the token, and the answer says which scheme to use', async () => {
  for (const authorization of [
    '',
    'Bearer',
    'Bearer wrong',
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    token,
  ]) {
    const refused = await ask('/api/v1/services', { headers: { authorization } })
    assertProblem(refused, 401, 'unauthenticated')
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/)
    assert.ok(!refused.text.includes(token.slice(0, -1)), 'a token is never echoed')
    assert.deepEqual(asked, [])
  }
  assert.equal((await ask('/api/v1/nothing', { headers: { authorization: '' } })).status, 401)
})

test('the name of the scheme is written as anybody likes', async () => {
  const answer = await ask('/api/v1/services', { headers: { authorization: `bearer ${token}` } })
  assert.equal(answer.status, 200)
})

test('health and readiness need no token', async () => {
  const headers = { authorization: '' }
  assert.equal((await ask('/healthz', { headers })).text, 'ok\n')
  assert.equal((await ask('/readyz', { headers })).status, 200)
  notReady = ['chat: the gateway does not answer']
  const not = await ask('/readyz', { headers })
  notReady = []
  assert.equal(not.status, 503)
  assert.match(not.text, /the gateway does not answer/)
})

/** What is wrong with the request → what it is called. */
const refusals: [what: string, path: string, asked: Asked, status: number, code: string][] = [
  ['no JSON', '/api/v1/services/chat/releases', { method: 'POST', body: '{' }, 400, 'not-json'],
  [
    'an unknown field',
    '/api/v1/services/chat/releases',
    { method: 'POST', body: '{"version":"v2","verison":"v3"}' },
    400,
    'wrong-body',
  ],
  [
    'a field that is missing',
    '/api/v1/services/chat/releases',
    { method: 'POST', body: '{}' },
    400,
    'wrong-body',
  ],
  [
    'an alias without a version',
    '/api/v1/services/chat/aliases/champion',
    { method: 'PUT', body: '{"reason":"x"}' },
    400,
    'wrong-body',
  ],
  [
    'a list for a body',
    '/api/v1/releases/r1/abort',
    { method: 'POST', body: '[]' },
    400,
    'wrong-body',
  ],
  [
    'a gate where none is skipped',
    '/api/v1/releases/r1/abort',
    { method: 'POST', body: '{"gate":"goldenSet"}' },
    400,
    'wrong-body',
  ],
  [
    'a body for retry that nobody reads',
    '/api/v1/releases/r1/retry',
    { method: 'POST', body: '{"reason":"x"}' },
    400,
    'wrong-body',
  ],
  [
    'feedback of an unknown kind',
    '/api/v1/feedback',
    { method: 'POST', body: '{"requestId":"a","kind":"stars","value":1}' },
    400,
    'wrong-body',
  ],
  ['a limit in words', '/api/v1/services/chat/history?limit=all', {}, 400, 'wrong-query'],
  ['a limit without a limit', '/api/v1/events?limit=1000000', {}, 400, 'wrong-query'],
  [
    'a place in the record that is none',
    '/api/v1/events',
    { headers: { 'last-event-id': '-1' } },
    400,
    'wrong-query',
  ],
  ['a service that does not exist', '/api/v1/services/chatt', {}, 404, 'no-such-service'],
  [
    'events of a service that does not exist',
    '/api/v1/events?service=chatt',
    {},
    404,
    'no-such-service',
  ],
  ['a path that does not exist', '/api/v1/nothing', {}, 404, 'not-found'],
  ['a path outside of the API', '/nothing', {}, 404, 'not-found'],
  [
    'a page of another site',
    '/api/v1/services',
    { headers: { 'sec-fetch-site': 'cross-site' } },
    403,
    'cross-site',
  ],
]

for (const [what, path, request_, status, code] of refusals) {
  test(`${what} is refused with ${status} ${code}, and reaches no operation`, async () => {
    assertProblem(await ask(path, request_), status, code)
    assert.deepEqual(
      asked.filter(([call]) => call !== 'service'),
      [],
    )
  })
}

test('another method is refused with the methods that are taken', async () => {
  const removed = await ask('/api/v1/services/chat', { method: 'DELETE' })
  assertProblem(removed, 405, 'wrong-method')
  assert.equal(removed.headers.get('allow'), 'GET')
  const read = await ask('/api/v1/releases/r1/abort')
  assertProblem(read, 405, 'wrong-method')
  assert.equal(read.headers.get('allow'), 'POST')
  assertProblem(await ask('/healthz', { method: 'POST' }), 405, 'wrong-method')
})

test('a body that is too large is refused, whether its length is said or not', async () => {
  const big = JSON.stringify({ version: 'x'.repeat(70_000) })
  assertProblem(
    await ask('/api/v1/services/chat/releases', { method: 'POST', body: big }),
    413,
    'body-too-large',
  )
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(big))
      controller.close()
    },
  })
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/services/chat/releases`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: stream,
    duplex: 'half',
  })
  assert.equal(answer.status, 413)
  await answer.body?.cancel()
  assert.deepEqual(asked, [])
})

for (const [host, status] of [
  ['evil.example', 421],
  ['evil.example:8090', 421],
  ['127.0.0.1.evil.example', 421],
  ['10.0.0.7', 421],
  ['localhost:8090', 200],
  ['LOCALHOST', 200],
  ['[::1]:8090', 200],
  ['beryl.localhost', 200],
  ['127.0.0.1', 200],
] as const) {
  test(`on loopback, a request for ${host} is answered with ${status}`, async () => {
    assert.equal(await statusFor(host), status)
  })
}

test('off loopback any name may be the right one', async () => {
  const app = apiApp(operations, { ...options, boundTo: '0.0.0.0' })
  const answer = await app.request('http://beryl.example.com/healthz')
  assert.equal(answer.status, 200)
})

test('the record comes as events, from where the reader was', async () => {
  events = [1, 2, 3].map((id) => event(id))
  assert.deepEqual(
    (await ask('/api/v1/events?after=2')).json.events.map(({ id }: Event) => id),
    [3],
  )
  const abort = new AbortController()
  const stream = await fetch(`http://127.0.0.1:${port}/api/v1/events`, {
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      'last-event-id': '1',
    },
    signal: abort.signal,
  })
  let text = ''
  for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes('"event 3"')) break
  }
  abort.abort()
  events = []
  assert.match(text, /event: phase\ndata: \{"id":2.*\nid: 2/)
  assert.doesNotMatch(text, /"event 1"/)
})

test('the OpenAPI document offers what there is, and nothing else', async () => {
  const { json } = await ask('/api/v1/openapi.json')
  const offered = Object.entries(json.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map(
      (method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`,
    ),
  )
  const there = apiApp(operations, options)
    .routes.filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:\w+/g, '{}')}`)
  assert.deepEqual(offered.toSorted(), [...new Set(there)].toSorted())
  const deploy = json.paths['/api/v1/services/{service}/releases'].post
  const body = deploy.requestBody.content['application/json'].schema
  assert.deepEqual(body.required, ['version'])
  assert.equal(body.additionalProperties, false)
})

/** `fetch` does not let one choose the Host. */
function statusFor(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/healthz', headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

test('tokens are made, listed and revoked by name, and the answer with a token is kept nowhere', async () => {
  const body = { name: 'Zoë @ night-shift', role: 'operator', expiresInS: 60 }
  const made = await post('/api/v1/tokens', body)
  assert.equal(made.status, 201)
  assert.equal(made.headers.get('cache-control'), 'no-store')
  assert.deepEqual(asked, [['create', body, 'ada']])
  assert.deepEqual((await ask('/api/v1/tokens')).json, {
    next: null,
    tokens: [{ said: ['tokens'] }],
  })
  await ask(`/api/v1/tokens/${encodeURIComponent(body.name)}`, { method: 'DELETE' })
  assert.deepEqual(asked, [['revoke', body.name, 'ada']])
})

for (const [what, name] of [
  ['nothing', ''],
  ['41 letters', 'a'.repeat(41)],
  ['a line break', 'ada\n'],
  ['a line break inside', 'ada\nguard: rollback'],
  ['an escape', 'a\u001b[31m'],
  ['a NUL', 'a\0'],
  ['a mark that turns the line around', 'ada\u202e'],
  ['a space that nobody sees', 'ada\u200b'],
  ['a space at its end', 'ada '],
  ['an option', '--role'],
  ['a way up', '..'],
  ['a path', 'a/b'],
  ['markup', '<b>'],
  ['letters of full width', 'ｇｕａｒｄ'],
] as const) {
  test(`no token has ${what} for a name`, async () => {
    const refused = await post('/api/v1/tokens', { name, role: 'viewer' })
    assertProblem(refused, 400, 'wrong-body')
    assert.deepEqual(asked, [])
  })
}

test('a role, a time or a field that does not exist makes no token', async () => {
  for (const wrong of [
    { name: 'a' },
    { name: 'a', role: 'root' },
    { name: 'a', role: 'admin', expiresInS: 0 },
    { name: 'a', role: 'admin', expiresInS: 1e12 },
    { name: 'a', role: 'admin', expires: '90d' },
    { name: 'a', role: 'admin', token: 'beryl_mine' },
  ])
    assertProblem(await post('/api/v1/tokens', wrong), 400, 'wrong-body')
  assert.deepEqual(asked, [])
})

test('a capture is looked at, exported page by page, imported and purged, by name', async () => {
  const at = '/api/v1/services/chat/capture'
  await ask(at)
  assert.deepEqual(asked, [['capture', 'chat']])
  await ask(`${at}/records?after=x%3A1`)
  assert.deepEqual(asked, [['page', 'chat', 'x:1', 'ada']])
  const large = { records: [{ text: 'x'.repeat(1_000_000) }] }
  const took = await ask(`${at}/records`, { method: 'POST', body: JSON.stringify(large) })
  assert.equal(took.status, 200)
  assert.deepEqual(asked, [['import', 'chat', large.records, 'ada']])
  await ask(at, { method: 'DELETE' })
  assert.deepEqual(asked, [['purge', 'chat', 'ada']])
  const tooLarge = JSON.stringify({ records: ['x'.repeat(9_000_000)] })
  assert.equal((await ask(`${at}/records`, { method: 'POST', body: tooLarge })).status, 413)
  assert.equal((await ask(`${at}/records`, { method: 'POST', body: '{"records":[]}' })).status, 400)
  assert.deepEqual(asked, [])
})
