/** Keys of writes over a real journal: nothing is done twice, whatever dies in between. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, beforeEach, test } from 'node:test'
import { apiApp } from '../api/app.ts'
import { adminToken, eitherOf } from '../api/authenticate.ts'
import { limiterOf } from '../api/limits.ts'
import type { Operations } from '../api/operations.ts'
import { sessionsBy } from '../api/sessions.ts'
import { openStore } from '../storage/store.ts'
import { temporary } from '../storage/testing/directory.ts'
import type { ControllerStore } from './store.ts'
import { storedTokens, tokenOperations } from './tokens.ts'

const token = 'beryl_the-first-token-of-this-test-'
const at = temporary()
const now = () => ({ wall: Date.now(), up: 0 })
let count = 0
let file = ''
let store: ControllerStore
let app: ReturnType<typeof apiApp>
/** What was done. */
let done: string[] = []
/** Called when something is done, and before it is answered. */
let before = async () => {}

beforeEach(() => {
  store?.close()
  file = at(`${count++}.db`)
  store = openStore(file)
  done = []
  before = async () => {}
  app = appOn()
})
after(() => store.close())

/** A fake of our own: writes its entry into the record, as each operation does. */
function appOn() {
  const act = async (command: string, release: string | null, by: string) => {
    done.push(command)
    const entry = { service: 'chat', kind: 'command', by, text: command, data: {} }
    store.events.add({ ...entry, at: Date.now(), release })
    await before()
    return { id: release, said: `${command} ${done.length}` }
  }
  const operations = {
    deploy: (_: string, asked: { version: string }, by: string) =>
      act(`deploy ${asked.version}`, 'r7', by),
    release: (id: string) => ({ id, said: 'as it is now' }),
    freezes: { freeze: (_: string, asked: object, by: string) => act('freeze', null, by) },
    tokens: tokenOperations({ store, now, firstAdmin: 'root' }),
  } as unknown as Operations
  return apiApp(operations, {
    tokens: eitherOf(adminToken(token, 'root'), storedTokens({ store, now })),
    sessions: sessionsBy(token),
    boundTo: '127.0.0.1',
    answers: store.answers,
    limiter: limiterOf(),
    pages: () => null,
  })
}

type Asked = { key?: string; body?: object; path?: string; as?: string; on?: typeof app }

async function post({
  key = 'k-1',
  body = { version: 'v2' },
  path = '/services/chat/releases',
  as = token,
  on = app,
}: Asked = {}) {
  const answer = await on.request(`http://127.0.0.1/api/v1${path}`, {
    method: 'POST',
    headers: { host: '127.0.0.1', authorization: `Bearer ${as}`, 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  const { status, headers } = answer
  return { status, headers, json: (await answer.json()) as Record<string, any> }
}
const freeze = (key: string, on = app) =>
  post({ key, path: '/freeze', body: { reason: 'a test' }, on })

/** Whoever answered is killed: what it held in memory is gone, and so is its answer. */
function killed() {
  void post().catch(() => {})
  return new Promise<void>((resolve) => {
    before = () => {
      resolve()
      return new Promise(() => {})
    }
  })
}

test('the same again gets the same answer, and is done once', async () => {
  const first = await post()
  assert.equal(first.status, 202)
  const second = await post()
  assert.equal(second.status, 202)
  assert.deepEqual(second.json, first.json)
  assert.equal(second.headers.get('idempotency-replayed'), 'true')
  assert.equal(first.headers.get('idempotency-replayed'), null)
  assert.deepEqual(done, ['deploy v2'])
  await post({ key: 'k-2' })
  assert.equal(done.length, 2)
})

test('a key with another body, or on another path, is refused and does nothing', async () => {
  await post()
  for (const other of [{ body: { version: 'v3' } }, { path: '/services/mail/releases' }]) {
    const { status, json } = await post(other)
    assert.equal(status, 422)
    assert.equal(json['code'], 'key-reused')
  }
  assert.deepEqual(done, ['deploy v2'])
})

test('while it is being answered, the same again waits its turn', async () => {
  let release = () => {}
  const begun = new Promise<void>((resolve) => {
    before = () => {
      resolve()
      return new Promise((go) => (release = go))
    }
  })
  const first = post()
  await begun
  const second = await post()
  assert.equal(second.status, 409)
  assert.equal(second.json['code'], 'under-way')
  assert.equal(second.headers.get('retry-after'), '1')
  release()
  assert.equal((await first).status, 202)
  assert.equal((await post()).status, 202)
  assert.deepEqual(done, ['deploy v2'])
})

test('a controller that died before it answered: a command answers with its release, and is not done again', async () => {
  await killed()
  const next = appOn()
  const { status, json } = await post({ on: next })
  assert.equal(status, 202)
  assert.deepEqual(json, { id: 'r7', said: 'as it is now' })
  assert.equal((await post({ on: next, body: { version: 'v3' } })).status, 422)
  assert.deepEqual(done, ['deploy v2'])
})

test('what is no release says which entry of the record it is', async () => {
  void freeze('f').catch(() => {})
  await new Promise<void>((resolve) => {
    before = () => (resolve(), new Promise(() => {}))
  })
  const { status, json } = await freeze('f', appOn())
  assert.equal(status, 409)
  assert.equal(json['code'], 'answer-lost')
  assert.match(json['title'], /event 1 of the record/)
  assert.deepEqual(done, ['freeze'])
})

test('a controller that died before anything was done: the same again does it', async () => {
  const hash = { holder: 'admin.token', key: 'k-1', hash: new Uint8Array(32) }
  const begun = store.answers.begin(hash, Date.now())
  assert.equal(begun.state, 'new')
  const again = store.answers.begin(hash, Date.now())
  assert.deepEqual(again, {
    state: 'open',
    id: begun.state === 'new' && begun.id,
    isSame: true,
    event: null,
    release: null,
  })
})

test('what was refused has done nothing, and may be asked again with its key', async () => {
  assert.equal((await post({ body: { verison: 'v2' } })).status, 400)
  assert.equal((await post()).status, 202)
})

test('keys are of one token each', async () => {
  const made = await post({ key: 't', path: '/tokens', body: { name: 'ada', role: 'operator' } })
  await post()
  const { status, headers } = await post({ as: made.json['token'] })
  assert.equal(status, 202)
  assert.equal(headers.get('idempotency-replayed'), null)
  assert.equal(done.length, 2)
})

test('the answer with a token is kept nowhere', async () => {
  const body = { name: 'ada', role: 'viewer' }
  const made = await post({ path: '/tokens', body })
  const again = await post({ path: '/tokens', body })
  assert.equal(again.json['code'], 'answer-not-kept')
  assert.equal(store.tokens.all().length, 1)
  const secret = String(made.json['token']).slice(-43)
  for (const one of [file, `${file}-wal`]) assert.ok(!readFileSync(one, 'latin1').includes(secret))
})

for (const key of ['', 'a b', 'ä', 'x'.repeat(256), 'a\tb'])
  test(`a key such as ${JSON.stringify(key.slice(0, 5))} is refused`, async () => {
    const answer = await post({ key }).catch((error: unknown) => error as Error)
    // Some cannot even be sent.
    if (answer instanceof Error) return
    assert.equal(answer.json['code'], 'wrong-key')
    assert.deepEqual(done, [])
  })

test('answers are forgotten after a day, and beyond a number', () => {
  const day = 86_400_000
  const ask = (key: string, when: number) =>
    store.answers.begin({ holder: 'a', key, hash: new Uint8Array(32) }, when).state
  assert.equal(ask('old', 0), 'new')
  assert.equal(ask('old', day - 1), 'open')
  assert.equal(ask('old', day + 1), 'new')
})

test('a full disk bars nobody: the write is done without its key', async () => {
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
  const { begin } = store.answers
  store.answers.begin = () => {
    throw full
  }
  assert.equal((await post()).status, 202)
  store.answers.begin = begin
})
