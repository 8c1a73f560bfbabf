/** Calls over a real Unix socket: each has an end, and says what went wrong. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Hono } from 'hono'
import { call } from './call.ts'
import { dataDirectory } from './data-directory.ts'
import { ProblemError } from './problem.ts'
import { asProblem, serveSocket } from './serve.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-ipc-'))
const servers: Server[] = []
after(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
  rmSync(directory, { recursive: true })
})

async function listening(name: string, answer: RequestListener): Promise<string> {
  const path = join(directory, name)
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return path
}
const get = (path: string, timeoutMs = 5000) => call(path, { method: 'GET', path: '/x', timeoutMs })
const isUnreachable = (error: unknown) =>
  error instanceof ProblemError &&
  error.problem.code === 'unreachable' &&
  /GET \/x: nobody answers at/.test(error.message)

test('an answer comes back as it was sent, and a problem as a problem', async () => {
  const app = asProblem(new Hono())
  app.post('/echo', async (context) => context.json(await context.req.json()))
  app.get('/refused', () => {
    throw new ProblemError({ status: 409, code: 'live', title: 'it is live', hint: 'wait' })
  })
  const path = join(directory, 'app')
  const served = await serveSocket(app, path)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const body = { text: 'grün', list: [1, 2] }
  assert.deepEqual(await call(path, { method: 'POST', path: '/echo', body, timeoutMs: 5000 }), body)
  await assert.rejects(
    call(path, { method: 'GET', path: '/refused', timeoutMs: 5000 }),
    (error: unknown) => error instanceof ProblemError && error.problem.hint === 'wait',
  )
  await served.close()
})

test('nobody there is unreachable, at once', async () => {
  await assert.rejects(get(join(directory, 'nobody')), isUnreachable)
})

test('who never answers is unreachable when the time is over', async () => {
  const path = await listening('silent', () => {})
  await assert.rejects(get(path, 50), isUnreachable)
})

test('who begins to answer and never ends is unreachable when the time is over', async () => {
  const path = await listening('half', (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"half":')
  })
  await assert.rejects(get(path, 200), isUnreachable)
})

test('who dies in the middle of an answer is unreachable', async () => {
  const path = await listening('dies', (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"half":', () => response.destroy())
  })
  await assert.rejects(get(path), isUnreachable)
})

test('an answer that is no JSON, or an error that is no problem, is said with its status', async () => {
  const path = await listening('odd', (_, response) => response.writeHead(200).end('<html>'))
  await assert.rejects(get(path), /GET \/x answered 200 with something that is not JSON/)
  const error = await listening('error', (_, response) => response.writeHead(500).end('{"a":1}'))
  await assert.rejects(get(error), /GET \/x answered 500: \{"a":1\}/)
})

test('sockets of a deep data directory get a short path of their own', () => {
  const deep = (name: string) => dataDirectory(join(directory, 'd'.repeat(120), name))
  const path = deep('a').socket('gateway')
  assert.ok(Buffer.byteLength(path) <= 103, path)
  assert.notEqual(path, deep('b').socket('gateway'))
  assert.notEqual(path, deep('a').socket('controller'))
  assert.equal(path, deep('a').socket('gateway'))
  assert.equal(dataDirectory('/d').socket('gateway'), '/d/gateway.sock')
})
