/** Real receivers, real SQLite: at least once over failures and restarts, signed, bounded, and never in anybody's way. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { notification } from '../config/notifications.ts'
import type { Release } from '../release/release.ts'
import type { NewEvent } from '../storage/events.ts'
import { openStore } from '../storage/store.ts'
import { temporary } from '../storage/testing/directory.ts'
import { notifierOf } from './notifier.ts'

const secret = 'a secret of the tests'
const at = temporary()
let files = 0

type Got = { path: string; headers: IncomingMessage['headers']; body: any; text: string }
type Answer = (response: ServerResponse, count: number) => void

const fine: Answer = (response) => void response.writeHead(204).end()
const fails: Answer = (response) => void response.writeHead(500).end('no')

async function receiver(context: TestContext, answer: Answer = fine) {
  const got: Got[] = []
  const state = { answer }
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (piece: string) => void (text += piece))
    request.on('end', () => {
      got.push({ path: request.url!, headers: request.headers, body: JSON.parse(text), text })
      state.answer(response, got.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { got, url, become: (next: Answer) => void (state.answer = next) }
}

const release = { id: 'r2', bundle: { version: 'v2' }, from: { version: 'v1' } } as Release
const quick = { lookEveryMs: 5, timeoutMs: 100, firstWaitMs: 10, storageWaitMs: 20 }

const event = (change: Partial<NewEvent> = {}): NewEvent => ({
  at: 1_800_000_000_000,
  service: 'chat',
  release: 'r2',
  kind: 'phase',
  by: 'guard',
  text: 'r2 (v2) is rolling-back: 9 of 100 wrong',
  data: { phase: 'rolling-back', because: '9 of 100 wrong' },
  ...change,
})

function beginning(context: TestContext, file = at(`${++files}.db`)) {
  const store = openStore<never, never, never, never, never>(file)
  const clock = { wall: 1_800_000_000_000, offset: 0 }
  const started = performance.now()
  const notifiers: ReturnType<typeof notifierOf>[] = []
  context.after(async () => {
    await Promise.all(notifiers.map((one) => one.stop()))
    store.close()
  })
  const start = (
    hooks: object[],
    limits: Partial<Parameters<typeof notifierOf>[0]['limits']> = {},
  ) => {
    const notifier = notifierOf({
      notifications: hooks.map((one) =>
        notification.parse('command' in one ? one : { secret, ...one }),
      ),
      store,
      now: () => clock.wall + clock.offset + Math.round(performance.now() - started),
      releaseOf: (id) => (id === 'r2' ? release : null),
      source: '//host/beryl',
      dashboard: () => 'https://beryl.example.com',
      directory: at('.'),
      limits: { ...quick, ...limits },
    })
    notifiers.push(notifier)
    notifier.start()
    return notifier
  }
  return {
    store,
    start,
    clock,
    say: (change?: Partial<NewEvent>) => store.events.add(event(change)),
  }
}

async function until(what: string, look: () => boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!look()) {
    assert.ok(performance.now() < end, `waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('an entry of the record is told as a CloudEvent, with its reason, the next command and a signature', async (context) => {
  const { got, url } = await receiver(context)
  const { start, say } = beginning(context)
  say({ text: 'before anybody listened' })
  start([{ url: `${url}/hook` }])
  say()
  say({ kind: 'phase', data: { phase: 'warming' }, text: 'told to nobody' })
  await until('the first', () => got.length === 1)
  const [{ headers, body, text, path }] = got as [Got]
  assert.equal(path, '/hook')
  assert.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8')
  assert.deepEqual(body, {
    specversion: '1.0',
    id: '2',
    source: '//host/beryl',
    type: 'beryl.rolling-back',
    time: '2027-01-15T08:00:00.000Z',
    subject: 'chat/r2',
    datacontenttype: 'application/json',
    data: {
      service: 'chat',
      release: 'r2',
      version: 'v2',
      from: 'v1',
      by: 'guard',
      text: 'r2 (v2) is rolling-back: 9 of 100 wrong',
      because: '9 of 100 wrong',
      next: 'beryl status chat',
      link: 'https://beryl.example.com/releases/r2',
    },
  })
  const stamp = String(headers['webhook-timestamp'])
  const mac = createHmac('sha256', secret).update(`2.${stamp}.${text}`).digest('base64')
  assert.equal(headers['webhook-id'], '2')
  assert.equal(headers['webhook-signature'], `v1,${mac}`)
  assert.ok(Math.abs(Number(stamp) * 1000 - 1_800_000_000_000) < 60_000)
})

test('Slack gets one text, in which nothing is a link or a mention', async (context) => {
  const { got, url } = await receiver(context)
  const { start, say } = beginning(context)
  start([{ url, format: 'slack', secret: undefined, on: ['waiting'] }])
  const waitingFor = 'approval (<!channel> & <http://evil|here>)'
  say({
    kind: 'waiting',
    by: 'beryl',
    text: `r2 (v2) waits for ${waitingFor}`,
    data: { phase: 'awaiting-approval', waitingFor },
  })
  say()
  await until('the message', () => got.length === 1)
  assert.deepEqual(Object.keys(got[0]!.body), ['text'])
  assert.match(
    got[0]!.body.text,
    /\*chat\* waiting: r2 \(v2\) waits for approval \(&lt;!channel&gt; &amp; /,
  )
  assert.match(got[0]!.body.text, /\nNext: `beryl approve r2`\n/)
  assert.equal(got[0]!.headers['webhook-signature'], undefined)
})

test('what was not taken is sent again, later each time, and said; then all of it has arrived', async (context) => {
  const { got, url, become } = await receiver(context, fails)
  const { start, say } = beginning(context)
  const notifier = start([{ url }])
  say()
  await until('three tries', () => got.length >= 3)
  assert.deepEqual(new Set(got.map(({ body }) => body.id)), new Set(['1']))
  const [one] = notifier.view().receivers
  assert.deepEqual([one!.waiting, one!.dead, one!.because], [1, 0, 'status 500'])
  assert.equal(one!.to, url)
  become(fine)
  await until('the end', () => notifier.view().receivers[0]!.waiting === 0)
  assert.equal(notifier.view().receivers[0]!.because, null)
})

test('nothing is lost over a restart, and what happened in between is told', async (context) => {
  const { got, url, become } = await receiver(context, fails)
  const file = at('restart.db')
  const first = beginning(context, file)
  const notifier = first.start([{ url }])
  first.say()
  await until('a try', () => got.length > 0)
  await notifier.stop()
  first.say({ kind: 'routing', data: { change: 'switch' }, text: 'switched to v2' })
  become(fine)
  const second = beginning(context, file)
  // Long enough for a busy machine: what is not answered in time is sent again.
  const again = second.start([{ url }], { timeoutMs: 8000 })
  const told = () => got.find(({ body }) => body.id === '2')?.body
  await until('both', () => again.view().receivers[0]!.waiting === 0 && told() !== undefined)
  // The first one is tried again when its time has come: the second does not wait for it.
  assert.equal(got.filter(({ body }) => body.id === '2').length, 1)
  assert.deepEqual(
    [told().type, told().data.next],
    ['beryl.switched', 'beryl status chat, or beryl rollback chat'],
  )
})

test('after a day it is given up and kept; `retry` sends it again', async (context) => {
  const { got, url, become } = await receiver(context, fails)
  const { start, say, store } = beginning(context)
  const notifier = start([{ url: `${url}/secret-path` }], { giveUpMs: 60 })
  say()
  await until('the dead letter', () => notifier.view().dead.length === 1)
  const { dead, receivers } = notifier.view()
  assert.deepEqual([receivers[0]!.waiting, receivers[0]!.dead], [0, 1])
  assert.deepEqual(
    [dead[0]!.event, dead[0]!.told, dead[0]!.because],
    [1, 'rolling-back', 'status 500'],
  )
  assert.doesNotMatch(JSON.stringify(notifier.view()), /secret/)
  const tries = got.length
  become(fine)
  assert.deepEqual(notifier.retry('ann'), { retried: 1 })
  await until('it', () => notifier.view().receivers[0]!.dead === 0 && got.length > tries)
  await until('silence', () => notifier.view().receivers[0]!.waiting === 0)
  assert.equal(store.events.after(0, null, 10).at(-1)?.by, 'ann')
})

test('a receiver that hangs, redirects or is not there delays no other, and nothing follows it', async (context) => {
  const target = await receiver(context)
  const good = await receiver(context)
  const hanging = await receiver(context, () => {})
  const redirecting = await receiver(context, (response) => {
    response.writeHead(307, { location: `${target.url}/latest/meta-data` }).end()
  })
  const endless = await receiver(context, (response) => {
    response.writeHead(200)
    const more = () => {
      if (!response.destroyed) response.write(Buffer.alloc(65536), () => setImmediate(more))
    }
    more()
  })
  const { start, say } = beginning(context)
  const urls = [hanging.url, redirecting.url, 'http://127.0.0.1:9', endless.url, good.url]
  const notifier = start(urls.map((url) => ({ url })))
  for (let count = 0; count < 20; count++) say()
  // At least once: on a busy machine an answer may come after its limit.
  const came = () => [...new Set(good.got.map(({ body }) => Number(body.id)))]
  await until('all of it', () => came().length === 20)
  assert.ok(notifier.view().receivers[0]!.waiting > 0, 'nobody waits for the one that hangs')
  await until('its answers', () => notifier.view().receivers[3]!.waiting === 0)
  await until('reasons', () =>
    notifier
      .view()
      .receivers.slice(0, 3)
      .every(({ because }) => because !== null),
  )
  const [hung, moved, away] = notifier.view().receivers
  assert.match(hung!.because!, /no answer within 0\.1 s/)
  assert.match(moved!.because!, /status 307: redirects are not followed/)
  assert.match(away!.because!, /ECONNREFUSED|bad port/)
  assert.deepEqual(target.got, [])
  assert.deepEqual(
    came(),
    Array.from({ length: 20 }, (_, index) => index + 1),
  )
  // A request that hangs is cut, and the process may end.
  await notifier.stop()
})

test('who is taken out of the manifest is forgotten, and who comes anew hears of what happens then', async (context) => {
  const { url, got } = await receiver(context, fails)
  const { start, say, store } = beginning(context)
  const first = start([{ url: `${url}/old` }])
  say()
  await until('a try', () => got.length > 0)
  await first.stop()
  const second = start([{ url: `${url}/new` }])
  await until('a look', () => store.deliveries.due('x', 0, 0) === null)
  assert.deepEqual(
    second.view().receivers.map(({ waiting }) => waiting),
    [0],
  )
  await second.stop()
  const none = start([])
  assert.deepEqual(none.view(), { receivers: [], dead: [] })
  say()
  const seen = got.length
  const last = start([{ url: `${url}/last` }])
  say({ text: 'now' })
  await until('the last', () => got.length > seen)
  assert.deepEqual([got.at(-1)!.path, got.at(-1)!.body.data.text], ['/last', 'now'])
  await last.stop()
})

test('a body is bounded, whatever a model server has logged', async (context) => {
  const { got, url } = await receiver(context)
  const { start, say } = beginning(context)
  start([{ url, on: ['rejected'] }])
  const because = 'x'.repeat(100_000)
  say({ data: { phase: 'rejected', because }, text: because })
  await until('it', () => got.length === 1)
  assert.ok(got[0]!.text.length < 5000)
})

/** Writes what it was told into a file, as JSON. */
const tells = (file: string, ending = '') => [
  process.execPath,
  '-e',
  `const { env } = process
  require('node:fs').appendFileSync(${JSON.stringify(file)}, JSON.stringify(env) + '\\n')
  ${ending}`,
]

test('a command is told by variables, whatever stands in them; one that fails is tried again, and says why', async (context) => {
  const { start, say } = beginning(context)
  const file = at('told.jsonl')
  process.env['BERYL_TOKEN'] = 'nobody else’s'
  context.after(() => delete process.env['BERYL_TOKEN'])
  const odd = 'it\'s "$(reboot)"; `id` \u0000 <script>\n2nd line'
  const notifier = start([
    {
      command: tells(
        file,
        "if (env.BERYL_TEXT.includes('fail')) { console.error('no room'); process.exit(3) }",
      ),
    },
    { command: ['/no/such/program'] },
  ])
  say({ text: odd })
  const lines = () =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : []
  await until('the command', () => lines().length === 1)
  const [told] = lines()
  assert.equal(told.BERYL_TEXT, odd.replace('\u0000', ' '))
  assert.equal(told.BERYL_TOLD, 'rolling-back')
  assert.equal(told.BERYL_SERVICE, 'chat')
  assert.equal(told.BERYL_RELEASE, 'r2')
  assert.equal(told.BERYL_BY, 'guard')
  assert.equal(told.BERYL_NEXT, 'beryl status chat')
  assert.equal(told.BERYL_LINK, 'https://beryl.example.com/releases/r2')
  assert.equal(JSON.parse(told.BERYL_EVENT).type, 'beryl.rolling-back')
  assert.equal(told.BERYL_TOKEN, undefined)
  say({ text: 'fail' })
  await until('a second try', () => lines().length >= 3)
  const [first, second] = notifier.view().receivers
  assert.equal(first!.format, 'command')
  assert.equal(first!.to, `command ${process.execPath}`)
  assert.match(first!.because!, /^exit code 3: no room$/)
  await until('the other', () => /cannot be run/.test(notifier.view().receivers[1]!.because ?? ''))
  assert.equal(second!.to, 'command /no/such/program')
})

test('a command that does not end is killed with its children, and delays nobody', async (context) => {
  const { start, say } = beginning(context)
  const { got, url } = await receiver(context)
  const file = at('endless.jsonl')
  const child =
    "require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' }); setInterval(() => {}, 1000)"
  const notifier = start([{ command: tells(file, child), within: '1s' }, { url }])
  say()
  await until('the other receiver', () => got.length === 1)
  await until('the end of its time', () => notifier.view().receivers[0]!.because !== null)
  assert.match(notifier.view().receivers[0]!.because!, /^killed after 1 s$/)
})

test('a Slack message leads to the page of the release, and holds no token', async (context) => {
  const { start, say } = beginning(context)
  const { got, url } = await receiver(context)
  start([{ url, format: 'slack', secret: undefined }])
  say()
  await until('the message', () => got.length === 1)
  assert.match(got[0]!.body.text, /\nhttps:\/\/beryl\.example\.com\/releases\/r2$/)
  assert.doesNotMatch(got[0]!.text, /token|beryl_/i)
})
