/** What people do wrong, and what happens to them: a clear error, the right exit code, nothing started, nothing lost. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { prepareDirectory } from '../../src/storage/database.ts'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

const program = fileURLToPath(new URL('../../bin/beryl.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-bad-'))
after(() => rmSync(directory, { recursive: true, force: true }))

async function beryl(
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const { BERYL_TOKEN: _, BERYL_API: __, BERYL_DATA: ___, ...env } = process.env
  const child = spawn(process.execPath, [program, ...args], { cwd: directory, env })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

function manifest(name: string, { gateway = 0, api = 0 } = {}): string {
  const file = join(directory, name)
  writeFileSync(
    file,
    `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:${gateway} }
api: { listen: 127.0.0.1:${api} }
services:
  tiny:
    environment: { provider: process, command: [sleep, '60'] }
    versions: { v1: {} }
`,
  )
  return file
}

describe('without a Beryl that runs', () => {
  test('a command says that none runs, and how to start one: exit 1', async () => {
    const { code, err } = await beryl('status')
    assert.equal(code, 1)
    assert.match(err, /no Beryl runs on .*\.beryl\nNext: .*beryl up/s)
  })

  test('a mistyped command is answered with the nearest one: exit 2', async () => {
    const { code, err } = await beryl('depoy')
    assert.equal(code, 2)
    assert.match(err, /unknown command 'depoy'.*Did you mean deploy\?.*\nNext: beryl --help/s)
  })

  test('a missing argument or an unknown option is named, with where to read on: exit 2', async () => {
    const missing = await beryl('deploy', 'tiny')
    assert.equal(missing.code, 2)
    assert.match(missing.err, /missing required argument 'version'\nNext: beryl deploy --help/)
    assert.equal((await beryl('status', '--wat')).code, 2)
    assert.match(
      (await beryl('deploy', 'a', 'b', '--timeout', 'soon')).err,
      /expects a duration such as 30s or 10m, came "soon"/,
    )
  })

  test('--json is one JSON document on every kind of error', async () => {
    for (const args of [['depoy'], ['status'], ['validate', '-f', 'nope.yaml'], ['deploy', 'x']]) {
      const { out, err, code } = await beryl(...args, '--json')
      assert.notEqual(code, 0)
      assert.equal(out, '')
      assert.equal(typeof JSON.parse(err), 'object', args.join(' '))
    }
  })

  test('an API that is not there is named: exit 1', async () => {
    const { code, err } = await beryl('--api', 'http://127.0.0.1:1', 'status')
    assert.equal(code, 1)
    assert.match(err, /nobody answers at http:\/\/127\.0\.0\.1:1/)
  })

  test('something else at the API’s address is no Beryl: exit 1', async () => {
    const other = createServer((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const { code } = await beryl('--api', url, 'status')
    other.close()
    assert.equal(code, 1)
  })
})

describe('beryl up', () => {
  test('refuses a wrong manifest with file, line and column: exit 2, and nothing is made', async () => {
    writeFileSync(join(directory, 'wrong.yaml'), 'apiVersion: beryl/v1\nservice: {}\n')
    const { code, err } = await beryl('up', '-f', 'wrong.yaml', '--data', 'wrong-data')
    assert.equal(code, 2)
    assert.match(err, /wrong\.yaml:2:\d+ service: unknown key "service"; did you mean "services"\?/)
    assert.ok(!existsSync(join(directory, 'wrong-data')))
  })

  for (const which of ['gateway', 'api'] as const) {
    test(`refuses a port that is in use for the ${which}, by name: exit 1, nothing left running`, async () => {
      const holder = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => holder.once('listening', resolve))
      const { port } = holder.address() as AddressInfo
      const file = manifest(`port-${which}.yaml`, { [which]: port })
      const { code, err } = await beryl('up', '-f', file, '--data', `port-${which}`)
      holder.close()
      assert.equal(code, 1)
      assert.match(err, new RegExp(`127\\.0\\.0\\.1:${port}.*in use|in use.*${port}`, 's'))
      assert.match(err, new RegExp(`${which}\\.listen`))
      assert.ok(!existsSync(join(directory, `port-${which}`, 'gateway.process.json')))
    })
  }

  test('refuses a data directory that cannot be written: exit 1', async () => {
    writeFileSync(join(directory, 'a-file'), '')
    const { code, err } = await beryl('up', '-f', manifest('m.yaml'), '--data', 'a-file/data')
    assert.equal(code, 1)
    assert.match(err, /cannot write to the data directory .*a-file\/data.*--data/s)
  })

  test('refuses a data directory of a newer Beryl, and changes nothing in it: exit 1', async () => {
    const data = join(directory, 'newer')
    mkdirSync(data)
    const database = new DatabaseSync(join(data, 'beryl.db'))
    database.exec('PRAGMA user_version = 99')
    database.close()
    const bytes = readFileSync(join(data, 'beryl.db'))
    const { code, err } = await beryl('up', '-f', manifest('m.yaml'), '--data', 'newer')
    assert.equal(code, 1)
    assert.match(
      err,
      /has schema 99, and this Beryl knows schemas up to \d+: a newer Beryl wrote it\. Nothing was changed/,
    )
    const again = new DatabaseSync(join(data, 'beryl.db'))
    assert.deepEqual(again.prepare('SELECT name FROM sqlite_master').all(), [])
    again.close()
    assert.ok(bytes.length > 0)
  })

  test('refuses a data file that is no database: exit 1', async () => {
    mkdirSync(join(directory, 'garbage'))
    writeFileSync(
      join(directory, 'garbage', 'beryl.db'),
      'not a database, surely, by any means at all'.repeat(50),
    )
    const { code, err } = await beryl('up', '-f', manifest('m.yaml'), '--data', 'garbage')
    assert.equal(code, 1)
    assert.match(err, /beryl\.db.*(not a database|damaged)/s)
  })
})

describe('with a Beryl that runs', () => {
  let running: Running

  before(async () => {
    running = await startBeryl({
      models: { v1: { answer: 'one' }, v2: { answer: 'two' } },
      goldenLines: [{ request: { text: 'x' }, expected: '1' }],
    })
    await running.deployed('v1')
  })
  after(async () => assert.equal(await running.stop(), 0))

  test('a second `up` on the same data directory is refused, and touches nothing: exit 1', async () => {
    const before_ = readFileSync(join(running.data, 'running.json'), 'utf8')
    const { code, err } = await running.cli('up', '-f', join(running.directory, 'beryl.yaml'))
    assert.equal(code, 1)
    assert.match(err, /another `beryl up` runs on .*: one writer per data directory/)
    assert.equal(readFileSync(join(running.data, 'running.json'), 'utf8'), before_)
    assert.equal((await running.service()).live?.version, 'v1')
  })

  test('a service, version or release that does not exist is named, with those that do: exit 2', async () => {
    const service = await running.cli('deploy', 'tinny', 'v1')
    assert.equal(service.code, 2)
    assert.match(service.err, /there is no service tinny\nNext: services: tiny/)
    const version = await running.cli('deploy', 'tiny', 'v3')
    assert.equal(version.code, 2)
    assert.match(version.err, /v3.*\n?.*v2/s)
    const release = await running.cli('abort', 'r99')
    assert.equal(release.code, 2)
    assert.match(release.err, /there is no release r99/)
  })

  test('abort and rollback with no release running are refused with the way that is left, and nothing is touched', async () => {
    const before_ = await running.service()
    const abort = await running.cli('abort', 'tiny')
    assert.equal(abort.code, 1)
    assert.match(abort.err, /no release of tiny is running\nNext: beryl deploy tiny VERSION/)
    const back = await running.cli('rollback', 'tiny')
    assert.equal(back.code, 1)
    assert.match(back.err, /no standby to go back to\nNext: beryl rollback tiny --to VERSION/)
    const after_ = await running.service()
    assert.equal(after_.generation, before_.generation)
    assert.deepEqual(after_.environments.blue.replicas, before_.environments.blue.replicas)
  })

  test('a gate is skipped only with a reason, and only one that exists', async () => {
    const { code, err } = await running.cli('approve', 'tiny', '--force', 'goldenSet')
    assert.equal(code, 2)
    assert.match(err, /needs --reason/)
  })

  test('a version whose files changed after it was registered is refused with both digests', async () => {
    writeFileSync(join(running.directory, 'v1.json'), JSON.stringify({ answer: 'changed' }))
    const { code, err } = await running.cli('deploy', 'tiny', 'v1')
    assert.notEqual(code, 0)
    assert.equal(err.match(/sha256:[0-9a-f]{8,}/g)?.length, 2, err)
  })

  test('the token file is readable by its owner only, and a wrong token opens nothing', async () => {
    assert.equal(statSync(join(running.data, 'admin.token')).mode & 0o777, 0o600)
    const answer = await fetch(`${running.apiUrl}/api/v1/services`, {
      headers: { authorization: 'Bearer beryl_wrong' },
    })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    const problem = (await answer.json()) as Record<string, unknown>
    assert.equal(problem['code'], 'unauthenticated')
    assert.ok(!JSON.stringify(problem).includes('beryl_wrong'), 'a token is never echoed')
    assert.equal((await fetch(`${running.apiUrl}/api/v1/services`)).status, 401)
  })

  test('a body that is not JSON, too large, or has an unknown field changes nothing', async () => {
    const post = (body: string) =>
      fetch(`${running.apiUrl}/api/v1/services/tiny/releases`, {
        method: 'POST',
        headers: { authorization: `Bearer ${running.token}` },
        body,
      }).then(async (answer) => [answer.status, ((await answer.json()) as { code: string }).code])
    assert.deepEqual(await post('{'), [400, 'not-json'])
    assert.deepEqual(await post('{"version":"v2","force":true}'), [400, 'wrong-body'])
    assert.deepEqual(await post('{"version":7}'), [400, 'wrong-body'])
    assert.deepEqual(await post(`{"version":"${'x'.repeat(70_000)}"}`), [413, 'body-too-large'])
    assert.equal((await running.service()).release, null)
  })

  test('a golden set with a broken line names file and line, and never passes', async () => {
    const file = join(running.directory, 'golden.jsonl')
    const whole = readFileSync(file, 'utf8')
    writeFileSync(file, `${whole}\n{"request": {"text": "y"}, "expec\n`)
    const { id } = await running.deploy('v2')
    // Warm-up sends the same lines: whichever gate reads the file first says so.
    const release = await running.until(
      id,
      ({ waitingFor }) => waitingFor?.startsWith('a person') ?? false,
      'waiting for a person',
    )
    const judged = release.gates.filter((gate) => gate.state === 'decided')
    assert.ok(judged.length > 0 && judged.every(({ verdict }) => verdict === 'undecided'))
    assert.match(judged[0]!.because, /golden\.jsonl:2/)
    await running.api('POST', `/releases/${id}/abort`, {})
    await running.until(id, ({ phase }) => phase === 'aborted', 'aborted')
    assert.equal((await running.service()).live?.version, 'v1')
  })
})

test('a data directory is for its owner only', async () => {
  const data = join(directory, 'mine')
  prepareDirectory(data)
  assert.equal(statSync(data).mode & 0o077, 0)
})
