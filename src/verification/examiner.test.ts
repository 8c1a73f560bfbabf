/** The process as it is: its socket, its client, its signals. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { call } from '../ipc/call.ts'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { examinerClient } from './client.ts'
import {
  directory,
  ended,
  eventually,
  goldenFile,
  goldenSpec,
  labelled,
  model,
  right,
  target,
  warmUpSpec,
} from './testing.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))

async function examiner(context: TestContext) {
  const data = await directory(context)
  const child = started(context, JSON.stringify({ dataDirectory: data }))
  const socketPath = dataDirectory(data).socket('examiner')
  await eventually(
    () =>
      stat(socketPath).then(
        ({ mode }) => (mode & 0o777) === 0o600 || null,
        () => null,
      ),
    'the socket',
  )
  return { child, socketPath, client: examinerClient(socketPath) }
}

function started(context: TestContext, config: string): ChildProcess {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, BERYL_EXAMINER: config },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  context.after(() => child.kill('SIGKILL'))
  return child
}

const problem = (code: string) => (error: unknown) =>
  error instanceof ProblemError && error.problem.code === code

test('a gate is started, looked at, and answers; what it does not know is null', async (context) => {
  const golden = await goldenFile(context, labelled(20))
  const server = await model(context, right)
  const { client, socketPath } = await examiner(context)
  const run = {
    service: 'tiny',
    spec: goldenSpec({ ...golden, atLeast: 0.9 }),
    candidate: target('v2', server),
    live: null,
  }
  assert.equal(await client.look('r1', 'goldenSet', 1), null)
  await client.start('r1', 'goldenSet', 1, run)
  await client.start('r1', 'goldenSet', 1, run)
  const answer = await eventually(async () => {
    const found = await client.look('r1', 'goldenSet', 1)
    return found?.state === 'decided' ? found : null
  }, 'a verdict')
  assert.equal(answer.verdict, 'pass')
  assert.equal(server.asked.length, 20)

  await assert.rejects(
    client.start('r1', 'goldenSet', 2, { ...run, spec: { ...run.spec, unknown: 1 } as never }),
    problem('bad-gate-run'),
  )
  await assert.rejects(client.start('r1', 'goldenSet', 2, null as never), problem('bad-gate-run'))
  await assert.rejects(client.start('r1', 'goldenSet', 2, undefined as never), problem('not-json'))
  await assert.rejects(
    call(socketPath, {
      method: 'PUT',
      path: '/gates/r1/goldenSet/2',
      body: 'x'.repeat(2 ** 21),
      timeoutMs: 3000,
    }),
    problem('too-large'),
  )
  assert.equal(await client.look('r1', 'goldenSet', 2), null)
})

test('asked to end, it cuts what runs and exits with 0', async (context) => {
  const server = await model(context, () => 'hang')
  const { child, client } = await examiner(context)
  await client.start('r1', 'warmUp', 1, {
    service: 'tiny',
    spec: warmUpSpec(),
    candidate: target('v2', server),
    live: null,
  })
  await eventually(() => (server.asked.length > 0 ? true : null), 'a request')
  await client.cancel('r1')
  const answer = await client.look('r1', 'warmUp', 1)
  assert.match(JSON.stringify(answer), /undecided.*cancelled|running/)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
  await assert.rejects(client.look('r1', 'warmUp', 1), problem('unreachable'))
})

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  test(`a command of a user’s own does not outlive the examiner that ends by ${signal}`, async (context) => {
    const { child, client } = await examiner(context)
    const at = await directory(context)
    const code = `require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)`
    await client.start('r1', 'command', 1, {
      service: 'tiny',
      spec: {
        kind: 'command',
        run: [process.execPath, '-e', code],
        env: {},
        directory: at,
        withinS: 60,
      },
      candidate: { version: 'v2', environment: 'green', addresses: ['127.0.0.1:1'] },
      live: null,
    })
    const pid = await eventually(
      async () => (await readFile(join(at, 'pid'), 'utf8').catch(() => null)) || null,
      'the command',
    )
    child.kill(signal)
    await once(child, 'exit')
    await ended(pid)
  })

test('without a configuration it says who starts it', async (context) => {
  const configs = ['', '{"dataDirectory":1}', 'null']
  const ends = configs.map(async (config) => {
    const child = started(context, config)
    const said: string[] = []
    child.stderr!.setEncoding('utf8').on('data', (text: string) => said.push(text))
    const [code] = (await once(child, 'close')) as [number]
    return { code, said: said.join('') }
  })
  for (const { code, said } of await Promise.all(ends)) {
    assert.notEqual(code, 0)
    assert.match(said, /BERYL_EXAMINER=\{"dataDirectory": "…"\}; `beryl up` sets it/)
  }
})
