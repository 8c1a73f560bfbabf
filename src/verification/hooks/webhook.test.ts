import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { about, candidate, live, nobody, userServer, within } from './testing.ts'
import { webhook } from './webhook.ts'

const headers = { authorization: 'Bearer secret' }

function asked(url: string, ms = 5000) {
  const spec = { kind: 'webhook' as const, url, headers, withinS: 60 }
  return within(ms, (examination) => webhook(spec, { candidate, live }, about, examination))
}

async function answering(context: TestContext, status: number, body: string, ms?: number) {
  const { url } = await userServer(context, (response) => response.writeHead(status).end(body))
  return asked(url, ms)
}

test('the webhook is told all about the release, and its verdict is the verdict', async (context) => {
  const { url, asked: seen } = await userServer(context, (response) =>
    response.end('{"verdict": "fail", "because": "3 of 40 too slow", "evidence": {"slow": 3}}'),
  )
  const { verdict, because, evidence } = await asked(`${url}/check?for=beryl`)
  assert.deepEqual([verdict, because, evidence['slow']], ['fail', '3 of 40 too slow', 3])
  const [one] = seen
  assert.equal(one!.method, 'POST')
  assert.equal(one!.url.pathname + one!.url.search, '/check?for=beryl')
  assert.equal(one!.headers['authorization'], 'Bearer secret')
  assert.equal(one!.headers['content-type'], 'application/json')
  assert.equal(one!.headers['idempotency-key'], 'r7/webhook/2')
  assert.deepEqual(JSON.parse(one!.body), {
    service: 'tiny',
    release: 'r7',
    gate: 'webhook',
    attempt: '2',
    candidate,
    live,
    idempotencyKey: 'r7/webhook/2',
  })
  assert.doesNotMatch(JSON.stringify(evidence), /secret|check\?/, 'no secrets in the record')
})

test('pass and undecided are said as well; a verdict without a reason says so', async (context) => {
  assert.equal((await answering(context, 200, '{"verdict":"pass"}')).because, 'it gave no reason')
  assert.equal((await answering(context, 201, '{"verdict":"pass"}')).verdict, 'pass')
  assert.equal((await answering(context, 200, '{"verdict":"undecided"}')).verdict, 'undecided')
})

test('what is no clear verdict is the webhook’s own failure, never a pass', async (context) => {
  const pass = '{"verdict":"pass"}'
  for (const [status, body, said] of [
    [500, pass, /status 500/],
    [404, pass, /status 404/],
    [200, 'ok', /expected \{"verdict"/],
    [200, '', /an empty body/],
    [200, '"pass"', /expected \{"verdict"/],
    [200, '[{"verdict":"pass"}]', /expected \{"verdict"/],
    [200, '{"verdict":"PASS"}', /expected the verdict pass, fail or undecided, came "PASS"/],
    [200, '{"verdict":["pass"]}', /expected the verdict/],
    [200, `${pass}${pass}`, /expected \{"verdict"/],
  ] as const) {
    const { verdict, because } = await answering(context, status, body)
    assert.equal(verdict, 'undecided', body)
    assert.match(because, /^the webhook itself failed: /)
    assert.match(because, said)
  }
})

test('a redirect is not followed', async (context) => {
  const { url, asked: seen } = await userServer(context, (response, { url: { pathname } }) =>
    pathname === '/moved'
      ? response.writeHead(307, { location: '/there' }).end()
      : response.end('{"verdict":"pass"}'),
  )
  const { verdict, because } = await asked(`${url}/moved`)
  assert.equal(verdict, 'undecided')
  assert.match(because, /redirects are not followed/)
  assert.equal(seen.length, 1)
})

test('no answer, half an answer that hangs, and one that never ends are undecided when time is over', async (context) => {
  const hangs = await userServer(context, () => {})
  assert.match((await asked(hangs.url, 300)).because, /not done within 300 ms/)
  const stalls = await userServer(context, (response) => response.write('{"verdict":"pa'))
  assert.equal((await asked(stalls.url, 300)).verdict, 'undecided')
  const huge = await userServer(context, (response) => {
    const write = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
    }
    response.on('drain', write)
    write()
  })
  assert.match((await asked(huge.url)).because, /larger than \d+ bytes/)
})

test('what is lost on its way is sent again with the same key; what was answered is not', async (context) => {
  const { url, asked: seen } = await userServer(context, (response, _, count) =>
    count === 1
      ? response.destroy()
      : count === 2
        ? response
            .writeHead(200, { 'content-length': 100 })
            .write('{"ver', () => response.destroy())
        : response.end('{"verdict":"pass"}'),
  )
  assert.equal((await asked(url)).verdict, 'pass')
  assert.deepEqual(
    seen.map((one) => one.headers['idempotency-key']),
    Array(3).fill('r7/webhook/2'),
  )
  const broken = await userServer(context, (response) => response.writeHead(503).end())
  await asked(broken.url)
  assert.equal(broken.asked.length, 1)
  const { verdict, because } = await asked(await nobody())
  assert.equal(verdict, 'undecided')
  assert.match(because, /^no answer from http:\/\/127\.0\.0\.1:\d+ in 4 tries: .*ECONNREFUSED/)
})
