/** Tokens over the API, kept in a real database: who is let in, for how long, and what is never written down. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, beforeEach, test } from 'node:test'
import { noAnswers } from '../api/testing.ts'
import { apiApp } from '../api/app.ts'
import { adminToken, eitherOf } from '../api/authenticate.ts'
import type { Operations } from '../api/operations.ts'
import { sessionsBy } from '../api/sessions.ts'
import type { NewTokenView, TokenView } from '../api/shapes.ts'
import { openStore } from '../storage/store.ts'
import { temporary } from '../storage/testing/directory.ts'
import type { ControllerStore } from './store.ts'
import { storedTokens, tokenOperations } from './tokens.ts'

const first = 'beryl_the-first-token-of-this-test-'
const host = '127.0.0.1:8090'
const own = { 'sec-fetch-site': 'same-origin', origin: `http://${host}` }
const day = 86_400_000
const at = temporary()

let file = ''
let count = 0
let store: ControllerStore
let clock = { wall: 0, up: 0 }
let app: ReturnType<typeof apiApp>
let actors: string[] = []

beforeEach(() => {
  store?.close()
  file = at(`${count++}.db`)
  store = openStore(file)
  clock = { wall: Date.UTC(2026, 4, 1, 12), up: 0 }
  actors = []
  app = appOn()
})
after(() => store.close())

function appOn() {
  const now = () => clock
  const operations = {
    names: () => [],
    tokens: tokenOperations({ store, now, firstAdmin: 'root' }),
    events: (...asked: [number, string | null, number]) => store.events.after(...asked),
    retry: async (_: string, by: string) => (actors.push(by), {}),
  } as unknown as Operations
  return apiApp(operations, {
    tokens: eitherOf(adminToken(first, 'root'), storedTokens({ store, now })),
    sessions: sessionsBy(first, () => clock.wall),
    boundTo: '127.0.0.1',
    answers: noAnswers,
    pages: () => null,
  })
}

async function ask(
  method: string,
  path: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: object } = {},
) {
  const answer = await app.request(`http://${host}/api/v1${path}`, {
    method,
    headers: {
      host,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) }
}

async function make(name: string, role: string, more: object = {}, token = first) {
  const { status, json } = await ask('POST', '/tokens', { token, body: { name, role, ...more } })
  assert.equal(status, 201, JSON.stringify(json))
  return json as NewTokenView
}
const revoke = (name: string) =>
  ask('DELETE', `/tokens/${encodeURIComponent(name)}`, { token: first })
const statusOf = async (token: string) => (await ask('GET', '/services', { token })).status
const listed = async () =>
  (await ask('GET', '/tokens', { token: first })).json.tokens as TokenView[]

test('a token lets in who holds it, with its role and its name, also after a restart', async () => {
  const { token, ...view } = await make('ada', 'operator', { expiresInS: 60 })
  assert.match(token, /^beryl_1_[\w-]{43}$/)
  assert.deepEqual(view, {
    name: 'ada',
    role: 'operator',
    createdAt: clock.wall,
    createdBy: 'root',
    expiresAt: clock.wall + 60_000,
    isExpired: false,
    usedOn: null,
  })
  store.close()
  store = openStore(file)
  app = appOn()
  assert.equal((await ask('POST', '/releases/r1/retry', { token, body: {} })).status, 202)
  assert.deepEqual(actors, ['ada'])
  assert.equal((await ask('POST', '/tokens', { token, body: {} })).status, 403)
})

test('what is forged opens nothing', async () => {
  const { token } = await make('ada', 'admin')
  const { token: other } = await make('bob', 'viewer')
  const secretOf = (text: string) => text.split('_').slice(2).join('_')
  for (const forged of [
    `beryl_1_${secretOf(other)}`,
    `beryl_2_${secretOf(token)}`,
    `beryl_3_${secretOf(token)}`,
    `beryl_01${token.slice(7)}x`,
    `beryl_999999999999999_${secretOf(token)}`,
    token.slice(0, -1),
    `${token}A`,
    secretOf(token),
    `beryl_1_${'A'.repeat(43)}`,
    `beryl_1_${Buffer.from(store.tokens.find(1)!.hash).toString('base64url')}`,
    'beryl_1_',
  ]) {
    const { status, text } = await ask('GET', '/services', { token: forged })
    assert.equal(status, 401, forged)
    assert.ok(!text.includes(secretOf(token)))
  }
  assert.equal(await statusOf(token), 200)
})

test('a token is over when its time is, and its session too', async () => {
  const { token } = await make('ada', 'operator', { expiresInS: 60 })
  const signIn = await ask('POST', '/session', { headers: own, body: { token } })
  const cookie = signIn.headers.get('set-cookie')!.split(';')[0]!
  const bySession = async () =>
    (await ask('GET', '/services', { headers: { ...own, cookie } })).status
  clock.wall += 59_999
  assert.deepEqual([await statusOf(token), await bySession()], [200, 200])
  clock.wall += 1
  assert.deepEqual([await statusOf(token), await bySession()], [401, 401])
  assert.equal((await ask('POST', '/session', { headers: own, body: { token } })).status, 401)
  assert.equal((await listed())[0]!.isExpired, true)
})

test('a revoked token opens nothing from then on, nor does its session, nor when its name comes again', async () => {
  const { token } = await make('ada', 'operator')
  const signIn = await ask('POST', '/session', { headers: own, body: { token } })
  assert.deepEqual(
    { actor: signIn.json.actor, role: signIn.json.role },
    { actor: 'ada', role: 'operator' },
  )
  const cookie = signIn.headers.get('set-cookie')!.split(';')[0]!
  const bySession = () => ask('GET', '/services', { headers: { ...own, cookie } })
  assert.equal((await bySession()).status, 200)
  assert.equal((await revoke('ADA')).json.name, 'ada')
  assert.equal(await statusOf(token), 401)
  assert.equal((await bySession()).status, 401)
  const again = await make('ada', 'admin')
  assert.equal(await statusOf(token), 401)
  assert.equal((await bySession()).status, 401)
  assert.equal(await statusOf(again.token), 200)
  assert.equal((await revoke('eve')).json.code, 'no-such-token')
})

test('the day of the last use is written once a day', async () => {
  const { token } = await make('ada', 'viewer')
  let writes = 0
  const used = store.tokens.used
  store.tokens.used = (...day_) => (writes++, used(...day_))
  for (let request = 0; request < 5; request++) await statusOf(token)
  assert.equal(writes, 1)
  assert.equal((await listed())[0]!.usedOn, '2026-05-01')
  clock.wall += day
  await statusOf(token)
  assert.equal(writes, 2)
  assert.equal((await listed())[0]!.usedOn, '2026-05-02')
})

test('a disk that takes no writes bars nobody who has a token', async () => {
  const { token } = await make('ada', 'operator')
  store.tokens.used = () => {
    throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
  }
  assert.equal(await statusOf(token), 200)
})

test('nobody signs for Beryl, for the first admin, or for somebody else', async () => {
  await make('ada', 'viewer')
  for (const [name, code] of [
    ['guard', 'reserved-name'],
    ['Schedule', 'reserved-name'],
    ['BERYL', 'reserved-name'],
    ['root', 'reserved-name'],
    ['Ada', 'name-taken'],
  ]) {
    const { status, json } = await ask('POST', '/tokens', {
      token: first,
      body: { name, role: 'viewer' },
    })
    assert.equal(status, 409, name)
    assert.equal(json.code, code)
  }
  assert.equal((await listed()).length, 1)
})

test('who made and revoked a token stands in the record; the token stands nowhere', async () => {
  const { token } = await make('ada', 'admin')
  const { token: second } = await make('bob', 'operator', { expiresInS: 60 }, token)
  await revoke('bob')
  const { json, text } = await ask('GET', '/events', { token })
  assert.deepEqual(
    json.events.map(({ by, kind, text: said }: Record<string, string>) => [by, kind, said]),
    [
      ['root', 'token', 'root made the token ada (admin)'],
      ['ada', 'token', 'ada made the token bob (operator, until 2026-05-01T12:01:00.000Z)'],
      ['root', 'token', 'root revoked the token bob (operator)'],
    ],
  )
  const said = [text, JSON.stringify(await listed()), (await revoke('ada')).text].join('\n')
  const kept = globSync(`${file}*`)
    .map((name) => readFileSync(name, 'latin1'))
    .join('\n')
  assert.ok(kept.length > 1000)
  for (const secret of [token, second].map((one) => one.slice(-43))) {
    assert.ok(!said.includes(secret))
    assert.ok(!kept.includes(secret))
  }
})
