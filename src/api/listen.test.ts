/** The API's listener over real sockets: certificates that are renewed, whom the client trusts, and requests that never end. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Hono } from 'hono'
import { makePair } from '../tls/testing.ts'
import { ask } from './ask.ts'
import type { ApiEnv } from './authenticate.ts'
import { apiClient } from './client.ts'
import { listenApi } from './listen.ts'
import type { Listening } from './listen.ts'
import { sessionsBy } from './sessions.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-listen-'))
const at = (name: string) => join(directory, name)
const open: Listening[] = []
after(() => {
  for (const one of open) one.close()
  rmSync(directory, { recursive: true })
})

const app = new Hono<ApiEnv>()
app.get('/api/v1/freezes', (context) => context.json({ freezes: [], next: null }))
app.post('/session', (context) => context.json(sessionsBy('a secret').begin(context, '1')))
app.post('/echo', async (context) => context.text(await context.req.text()))

const [first, second] = [makePair('first'), makePair('second')]

async function listening(tls: boolean, limits = {}) {
  const files = { cert: at('api.crt'), key: at('api.key') }
  writeFileSync(files.cert, first.cert)
  writeFileSync(files.key, first.key)
  // Its own: others look at the same files, and may see them sooner.
  const said: string[] = []
  const hear = { info: (text: string) => said.push(text), error: (text: string) => said.push(text) }
  const api = await listenApi(app, {
    host: '127.0.0.1',
    port: 0,
    tls: tls ? files : null,
    said: hear,
    limits: { lookMs: 20, ...limits },
  })
  open.push(api)
  return { ...api, files, said }
}

const freezes = (url: string, ca?: string) => apiClient({ url, token: 'x', ca }).freezes()

test('the client speaks https, trusts whom it is told to, and says how to be told', async () => {
  const { url, files } = await listening(true)
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  assert.deepEqual(await freezes(url, files.cert), [])
  await assert.rejects(freezes(url), ({ problem }: any) => {
    assert.equal(problem.code, 'unreachable')
    assert.match(problem.title, /who is trusted/)
    assert.match(problem.hint, /--ca FILE or BERYL_CA/)
    return true
  })
  writeFileSync(at('other.crt'), second.cert)
  await assert.rejects(freezes(url, at('other.crt')), /who is trusted/)
  await assert.rejects(freezes(url, at('none.crt')), /cannot be read/)
})

test('the certificate itself is trusted by whatever name it is reached', async () => {
  const { url, files } = await listening(true)
  const byName = url.replace('127.0.0.1', 'localhost')
  assert.deepEqual(await freezes(byName, files.cert), [])
})

test('a new certificate is shown once both files are whole; a bad pair is named, and the old one stays', async () => {
  const { url, files, said } = await listening(true)
  writeFileSync(at('second.crt'), second.cert)
  writeFileSync(files.cert, second.cert)
  while (!said.some((text) => text.includes('the old one stays'))) await turn()
  assert.ok(said.some((text) => /is not that of the certificate/.test(text)))
  writeFileSync(at('first.crt'), first.cert)
  assert.deepEqual(await freezes(url, at('first.crt')), [])
  writeFileSync(files.key, second.key)
  while (!said.some((text) => text.includes('shows a new certificate'))) await turn()
  assert.deepEqual(await freezes(url, at('second.crt')), [])
  for (const line of [first, second].flatMap(({ key }) => key.split('\n')))
    if (line.length > 40) assert.ok(!said.join().includes(line))
})

test('behind TLS the cookie of a session is Secure; without, only where the page says that it came so', async () => {
  const cookieAt = async (url: string, headers = {}) => {
    const answer = await ask(`${url}/session`, { method: 'POST', headers, ca: at('api.crt') })
    answer.body.resume()
    return String(answer.header('set-cookie'))
  }
  const secure = await listening(true)
  const plain = await listening(false)
  assert.match(await cookieAt(secure.url), /; Secure/)
  assert.doesNotMatch(await cookieAt(plain.url), /; Secure/)
  assert.match(await cookieAt(plain.url, { origin: 'https://beryl.example.com' }), /; Secure/)
})

for (const [what, sent] of [
  ['a head that never ends', 'GET /api/v1/freezes HTTP/1.1\r\nhost: localhost\r\n'],
  [
    'a body that never ends',
    'POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf of',
  ],
])
  test(`${what} is cut, and others are answered meanwhile`, async () => {
    const { url } = await listening(false, { headMs: 300, requestMs: 300 })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(sent!)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    assert.deepEqual(await freezes(url), [])
    await once(socket, 'close')
    assert.match(text, /^(HTTP\/1\.1 408|$)/)
    assert.deepEqual(await freezes(url), [])
  })

test('more sockets than are allowed are turned away, and there is room again when others leave', async () => {
  const { url } = await listening(false, { socketsMax: 2 })
  const port = Number(new URL(url).port)
  const [one, two] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all([once(one, 'connect'), once(two, 'connect')])
  const third = connect(port, '127.0.0.1')
  third.on('error', () => {})
  await once(third, 'close')
  one.destroy()
  two.destroy()
  for (;;) {
    const answer = await freezes(url).catch(() => null)
    if (answer !== null) break
    await turn()
  }
})

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10))
}
