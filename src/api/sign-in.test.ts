/** The cookie of the dashboard: who gets one, for which pages it counts, and what it never is. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { noAnswers } from './testing.ts'
import { apiApp } from './app.ts'
import { adminToken } from './authenticate.ts'
import type { Operations } from './operations.ts'
import { sessionsBy } from './sessions.ts'

const token = 'beryl_a-token-for-this-test'
const host = '127.0.0.1:8090'
const origin = `http://${host}`
const own = { 'sec-fetch-site': 'same-origin', origin }

let now = 1_800_000_000_000
let called: string[] = []
/** A fake of our own: what reaches an operation is seen. */
const operations = {
  names: () => [],
  command: async (...asked: unknown[]) => {
    called.push(asked.join(' '))
    return {}
  },
} as unknown as Operations
const appWith = (secret: string) =>
  apiApp(operations, {
    tokens: adminToken(secret, 'ada'),
    sessions: sessionsBy(secret, () => now),
    boundTo: '127.0.0.1',
    answers: noAnswers,
    pages: () => null,
  })
let app = appWith(token)

beforeEach(() => {
  app = appWith(token)
  called = []
  now = 1_800_000_000_000
})

async function ask(method: string, path: string, headers: Record<string, string>, body?: unknown) {
  const answer = await app.request(`http://${host}/api/v1${path}`, {
    method,
    headers: { host, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) }
}

const signIn = (given = token, headers: Record<string, string> = own) =>
  ask('POST', '/session', headers, { token: given })

async function cookie(): Promise<string> {
  const { headers } = await signIn()
  return headers.get('set-cookie')!.split(';')[0]!
}

test('a token is taken once for a cookie that scripts cannot read and other sites cannot send', async () => {
  const { status, json, headers, text } = await signIn(` ${token}\n`)
  assert.equal(status, 200)
  assert.equal(json.actor, 'ada')
  const set = headers.get('set-cookie')!
  assert.match(set, /^beryl_session_8090=/)
  for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=86400'])
    assert.ok(set.includes(attribute), set)
  assert.doesNotMatch(set, /Secure/)
  assert.ok(!text.includes(token) && !set.includes(token.slice(6)), 'a token is never echoed')
  assert.match(
    (await signIn(token, { ...own, origin: 'https://beryl.example' })).headers.get('set-cookie')!,
    /; Secure/,
  )
})

test('the cookie opens the API for its own pages, with the actor of its token', async () => {
  const signed = { cookie: await cookie() }
  assert.equal((await ask('GET', '/services', signed)).status, 200)
  assert.equal((await ask('GET', '/session', { ...signed, ...own })).json.actor, 'ada')
  assert.equal((await ask('POST', '/releases/r1/pause', { ...signed, ...own }, {})).status, 200)
  assert.match(called[0]!, /r1 pause .* ada/)
})

/** Who sends the cookie → what is said. */
const senders: [who: string, method: string, headers: Record<string, string>, status: number][] = [
  [
    'a page of another site',
    'POST',
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    403,
  ],
  [
    'a page of another port of this machine',
    'POST',
    { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:3000' },
    403,
  ],
  ['a read from another port', 'GET', { 'sec-fetch-site': 'same-site' }, 403],
  ['an old browser, from another origin', 'POST', { origin: 'http://127.0.0.1:3000' }, 403],
  ['an old browser, from an origin without a name', 'POST', { origin: 'null' }, 403],
  ['a write that does not say where it comes from', 'POST', {}, 403],
  ['a write that a person typed', 'POST', { 'sec-fetch-site': 'none' }, 403],
  ['an old browser, from our own page', 'POST', { origin }, 200],
  ['an address that a person typed', 'GET', { 'sec-fetch-site': 'none' }, 200],
]

for (const [who, method, headers, status] of senders) {
  test(`${who} (${method}) is answered with ${status}`, async () => {
    const signed = { cookie: await cookie(), ...headers }
    const path = method === 'POST' ? '/releases/r1/abort' : '/services'
    const answer = await ask(method, path, signed, method === 'POST' ? {} : undefined)
    assert.equal(answer.status, status)
    if (status === 403) assert.equal(answer.json.code, 'cross-site')
    assert.equal(called.length, status === 200 && method === 'POST' ? 1 : 0)
  })
}

test('another site cannot sign anybody in', async () => {
  const { status, headers } = await signIn(token, { 'sec-fetch-site': 'cross-site' })
  assert.equal(status, 403)
  assert.equal(headers.get('set-cookie'), null)
})

test('a name that was given this address (DNS rebinding) reaches neither sign-in nor session', async () => {
  const rebound = {
    host: 'evil.example:8090',
    origin: 'http://evil.example:8090',
    'sec-fetch-site': 'same-origin',
  }
  assert.equal((await signIn(token, rebound)).status, 421)
  assert.equal((await ask('GET', '/services', { ...rebound, cookie: await cookie() })).status, 421)
})

test('a cookie that was changed, that is old, or that another Beryl signed opens nothing', async () => {
  const good = await cookie()
  const [name, value] = good.split('=') as [string, string]
  const [text, mac] = value.split('.') as [string, string]
  const forged = Buffer.from(JSON.stringify({ token: 'admin.token', until: now * 2 })).toString(
    'base64url',
  )
  const refused = async (cookie: string) => (await ask('GET', '/services', { cookie })).status
  assert.equal(await refused(good), 200)
  for (const wrong of [
    `${forged}.${mac}`,
    `${text}.${mac.slice(0, -2)}AA`,
    text,
    `${text}.`,
    '',
    'x'.repeat(5000),
  ])
    assert.equal(await refused(`${name}=${wrong}`), 401, wrong.slice(0, 40))
  assert.equal(await refused(`beryl_session_9999=${value}`), 401, 'of another port')
  now += 24 * 3600 * 1000
  assert.equal(await refused(good), 401, 'a day later')
  now -= 24 * 3600 * 1000
  app = appWith(`${token}-renewed`)
  assert.equal(await refused(good), 401, 'after the token was renewed')
})

test('a controller that was started again knows who is signed in', async () => {
  const signed = { cookie: await cookie() }
  app = appWith(token)
  assert.equal((await ask('GET', '/services', signed)).status, 200)
})

test('signing out takes the cookie back', async () => {
  const { status, headers } = await ask('DELETE', '/session', { cookie: await cookie(), ...own })
  assert.equal(status, 200)
  assert.match(headers.get('set-cookie')!, /^beryl_session_8090=;.*Max-Age=0/)
})

test('after ten wrong tokens nothing is tried for a minute, right or wrong; programs go on', async () => {
  for (let guess = 0; guess < 10; guess++) {
    const { status, json, text } = await signIn(`beryl_guess-${guess}`)
    assert.equal(status, 401)
    assert.equal(json.code, 'unauthenticated')
    assert.ok(!text.includes('guess-'), 'a token is never echoed')
  }
  const locked = await signIn()
  assert.equal(locked.status, 429)
  assert.equal(locked.json.code, 'too-many-guesses')
  assert.match(locked.json.hint, /try again in \d+ s/)
  const program = { authorization: `Bearer ${token}` }
  assert.equal((await ask('GET', '/services', program)).status, 200)
})
