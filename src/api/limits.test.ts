/** How often one may ask: by token, by address without one, and never in the way of who is known. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { apiApp } from './app.ts'
import { limiterOf } from './limits.ts'
import type { Operations } from './operations.ts'
import type { Role } from './rights.ts'
import { sessionsBy } from './sessions.ts'
import { noAnswers } from './testing.ts'

let clock = 0
const budgets = {
  read: { perSecond: 2, burst: 3 },
  write: { perSecond: 1, burst: 1 },
  feedback: { perSecond: 10, burst: 10 },
  refused: { perSecond: 0.5, burst: 4 },
}
const operations = {
  freezes: { all: () => [] },
  retry: async () => ({}),
  feedback: () => ({}),
} as unknown as Operations
let app: ReturnType<typeof apiApp>
beforeEach(() => {
  clock = 0
  const holder = (id: string) =>
    ['ada', 'eve'].includes(id) ? { id, actor: id, role: 'admin' as Role } : null
  app = apiApp(operations, {
    tokens: { holderOf: holder, holder },
    sessions: sessionsBy('a secret'),
    boundTo: '127.0.0.1',
    answers: noAnswers,
    limiter: limiterOf(budgets, () => clock),
    pages: () => null,
  })
})

async function ask(token: string | null, method = 'GET', path = '/freezes', body = {}) {
  const answer = await app.request(`http://127.0.0.1/api/v1${path}`, {
    method,
    headers: { host: '127.0.0.1', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  })
  const json = (await answer.json()) as { code?: string }
  return { status: answer.status, after: answer.headers.get('retry-after'), code: json.code }
}

test('a token that asks too often is told when to ask again, and is answered then', async () => {
  for (let count = 0; count < 3; count++) assert.equal((await ask('ada')).status, 200)
  assert.deepEqual(await ask('ada'), { status: 429, after: '1', code: 'too-many-requests' })
  assert.equal((await ask('eve')).status, 200, 'another token has a budget of its own')
  clock += 500
  assert.equal((await ask('ada')).status, 200)
  assert.equal((await ask('ada')).status, 429)
  clock += 3600_000
  for (let count = 0; count < 3; count++) assert.equal((await ask('ada')).status, 200)
  assert.equal((await ask('ada')).status, 429, 'an hour of silence saves no more than a burst')
})

test('reads, writes and feedback have budgets of their own: a dashboard bars no rollback', async () => {
  for (let count = 0; count < 5; count++) await ask('ada')
  assert.equal((await ask('ada', 'POST', '/releases/r1/retry')).status, 202)
  assert.equal((await ask('ada', 'POST', '/releases/r1/retry')).status, 429)
  const thumbs = { requestId: 'a', kind: 'thumbs', value: true }
  assert.equal((await ask('ada', 'POST', '/feedback', thumbs)).status, 200)
})

test('who guesses tokens is slowed down by address; a good token from there is let in all the same', async () => {
  const statuses = []
  for (let count = 0; count < 6; count++) statuses.push((await ask(`guess-${count}`)).status)
  assert.deepEqual(statuses, [401, 401, 401, 401, 429, 429])
  assert.equal((await ask(null)).after, '2')
  assert.equal((await ask('ada')).status, 200)
  clock += 2000
  assert.equal((await ask('guess')).status, 401)
})

test('who is remembered is bounded', () => {
  const limiter = limiterOf({ ...budgets, read: { perSecond: 1, burst: 1 } }, () => 0)
  for (let count = 0; count < 10_000; count++) limiter.takeS('read', `token ${count}`)
  assert.equal(limiter.takeS('read', 'token 0'), 0, 'forgotten')
  assert.equal(limiter.takeS('read', 'token 9999'), 1, 'known')
})
