/** What people do wrong, and what happens to them: a clear error, the right exit code, nothing started, nothing lost. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { prepareDirectory } from '../../src/storage/database.ts'
import { menu } from '../../src/cli/menu.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

const program = fileURLToPath(new URL('../../bin/beryl.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-bad-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** A command that should have been refused and runs on is stopped, as Ctrl-C would. */
const commandMaxMs = 20_000

type Ended = { code: number | null; out: string; err: string }

const beryl = (...args: string[]) => berylWith({}, ...args)

/** @param own environment variables; the person's own do not reach it */
async function berylWith(own: Record<string, string>, ...args: string[]): Promise<Ended> {
  const { BERYL_TOKEN: _, BERYL_API: __, BERYL_DATA: ___, ...env } = process.env
  const child = spawn(process.execPath, [program, ...args], {
    cwd: directory,
    env: { ...env, ...own },
  })
  const tooLong = setTimeout(() => child.kill('SIGINT'), commandMaxMs)
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(tooLong)
  return { code, out, err }
}

function manifest(name: string, { gateway = 0, preview = 0, api = 0 } = {}): string {
  const file = join(directory, name)
  writeFileSync(
    file,
    `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:${gateway}, preview: 127.0.0.1:${preview} }
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
      (await beryl('deploy', 'a', 'b', '--wait', '--timeout', 'soon')).err,
      /expects a duration such as 30s or 10m, came "soon"/,
    )
  })

  test('--json is one JSON document on every kind of error', async () => {
    writeFileSync(join(directory, 'wrong.yaml'), 'apiVersion: beryl/v2\n')
    for (const args of [
      [],
      ['depoy'],
      ['status'],
      ['status', '--api', 'nowhere'],
      ['validate', '-f', 'nope.yaml'],
      ['validate', '-f', 'wrong.yaml'],
      ['up', '-f', 'wrong.yaml'],
      ['deploy', 'x'],
      ['deploy', 'x', 'v1', '--timeout', '5s'],
    ]) {
      const { out, err, code } = await beryl(...args, '--json')
      assert.notEqual(code, 0)
      assert.equal(out, '')
      const { code: stable, title } = JSON.parse(err) as Record<string, string>
      assert.equal(typeof stable, 'string', args.join(' '))
      assert.equal(typeof title, 'string', args.join(' '))
    }
  })

  test('an API that is not there is named: exit 1', async () => {
    const { code, err } = await beryl('--api', 'http://127.0.0.1:1', 'status')
    assert.equal(code, 1)
    assert.match(err, /nobody answers at http:\/\/127\.0\.0\.1:1/)
  })

  test('an address that is no URL is refused before anybody is asked: exit 2', async () => {
    const { code, err } = await beryl('status', '--api', 'localhost:8090')
    assert.equal(code, 2)
    assert.match(err, /expected a URL such as http:\/\/127\.0\.0\.1:8090, came "localhost:8090"/)
  })

  test('a time-out of no wait is refused: exit 2', async () => {
    const { code, err } = await beryl('deploy', 'tiny', 'v1', '--timeout', '5s')
    assert.equal(code, 2)
    assert.match(err, /--timeout says how long --wait waits: give both, or neither/)
  })

  test('the token of a data directory goes to its own Beryl only', async () => {
    const data = join(directory, '.beryl')
    mkdirSync(data)
    writeFileSync(join(data, 'admin.token'), 'beryl_not-for-strangers')
    const seen: (string | undefined)[] = []
    const stranger = createHttpServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(404).end()
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => stranger.once('listening', resolve))
    const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    await beryl('status', '--api', url)
    await beryl('status', '--api', url, '--data', '.beryl')
    stranger.close()
    rmSync(data, { recursive: true })
    assert.equal(seen[0], 'Bearer')
    assert.equal(seen[1], 'Bearer beryl_not-for-strangers', 'unless it is told to')
  })

  test('who reads no more of the output ends it quietly', async () => {
    const child = spawn(process.execPath, [program, 'schema'], { cwd: directory })
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.stdout.destroy()
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(err, '')
    assert.equal(code, 0)
  })

  for (const name of Object.keys(menu)) {
    test(`beryl ${name} --help shows how it is typed`, async () => {
      const { code, out } = await beryl(name, '--help')
      assert.equal(code, 0)
      assert.match(out, new RegExp(`Examples:\n  beryl ${name}`))
    })
  }

  test('validate reads golden sets as the gate will: a broken line has file and line, exit 2', async () => {
    const golden = join(directory, 'golden.jsonl')
    const file = manifest('golden.yaml')
    const gate =
      '    verify: [{ goldenSet: { file: golden.jsonl, request: { path: / }, atLeast: 0.9 } }]\n'
    writeFileSync(file, readFileSync(file, 'utf8') + gate)
    writeFileSync(golden, '{"request":1,"expected":1}\n{"request":2}\n')
    const broken = await beryl('validate', '-f', file)
    assert.equal(broken.code, 2)
    assert.match(broken.err, /golden\.jsonl:2: "expected" is missing/)
    writeFileSync(golden, '{"request":1,"expected":1}\n')
    const whole = await beryl('validate', '-f', file)
    assert.equal(whole.code, 0)
    assert.match(whole.out, /golden\.jsonl: 1 labelled inputs\nNext: beryl up -f /)
    const schema = join(directory, 'answer.schema.json')
    writeFileSync(schema, '{"type": "objet"}')
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(
        'atLeast',
        'score: { jsonSchema: answer.schema.json }, atLeast',
      ),
    )
    const noSchema = await beryl('validate', '-f', file)
    assert.equal(noSchema.code, 2)
    assert.match(
      noSchema.err,
      /cannot use the JSON Schema .*answer\.schema\.json: schema is invalid.*\nNext: mend it/,
    )
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

  for (const [which, key] of [
    ['gateway', 'gateway.listen'],
    ['preview', 'gateway.preview'],
    ['api', 'api.listen'],
  ] as const) {
    test(`refuses a port that is in use for the ${which}, by name: exit 1, nothing left running`, async () => {
      const holder = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => holder.once('listening', resolve))
      const { port } = holder.address() as AddressInfo
      const file = manifest(`port-${which}.yaml`, { [which]: port })
      const { code, err } = await beryl('up', '-f', file, '--data', `port-${which}`)
      holder.close()
      assert.equal(code, 1)
      assert.match(err, new RegExp(`127\\.0\\.0\\.1:${port}.*in use|in use.*${port}`, 's'))
      assert.match(err, new RegExp(`Next: change ${key} in the manifest`))
      assert.ok(!existsSync(join(directory, `port-${which}`, 'gateway.process.json')))
    })
  }

  test('refuses an address that this machine does not have: exit 1', async () => {
    const file = manifest('elsewhere.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('127.0.0.1', '192.0.2.1'))
    const { code, err } = await beryl('up', '-f', file, '--data', 'elsewhere')
    assert.equal(code, 1)
    assert.match(err, /cannot listen on 192\.0\.2\.1:0: this machine has no such address/)
  })

  test('refuses a token file that is no token: exit 1, and nothing runs', async () => {
    const data = join(directory, 'tokens')
    for (const spoil of [
      (file: string) => writeFileSync(file, ''),
      (file: string) => writeFileSync(file, 'short\n'),
      (file: string) => mkdirSync(file),
    ]) {
      rmSync(data, { recursive: true, force: true })
      mkdirSync(data)
      spoil(join(data, 'admin.token'))
      const { code, err } = await beryl('up', '-f', manifest('m.yaml'), '--data', 'tokens')
      assert.equal(code, 1)
      assert.match(err, /token file .*admin\.token/)
      assert.ok(!existsSync(join(data, 'controller.process.json')))
    }
  })

  test('--json says where it is, as one document, and what happens later on standard error', async () => {
    const file = manifest('m.yaml')
    const child = spawn(process.execPath, [program, 'up', '-f', file, '--data', 'json', '--json'], {
      cwd: directory,
    })
    let [out, err] = ['', '']
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (out.endsWith('}\n')) child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(code, 0, err)
    const { url, services, next } = JSON.parse(out) as Record<string, unknown>
    assert.match(String(url), /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.deepEqual(services, ['tiny'])
    assert.equal(next, `beryl deploy tiny v1 --wait --data ${join(directory, 'json')}`)
    assert.match(err, /Stopped\.\n$/)
  })

  test('refuses a manifest that lacks a service of the data directory, in one sentence: exit 1', async () => {
    const file = manifest('m.yaml')
    const other = join(directory, 'renamed.yaml')
    writeFileSync(other, readFileSync(file, 'utf8').replace('  tiny:', '  small:'))
    const { code, err } = await beryl('up', '-f', other, '--data', 'json')
    assert.equal(code, 1)
    assert.match(err, /renamed\.yaml has no service tiny, and tiny is in the data directory/)
    assert.doesNotMatch(err, / at .*\.[jt]s:\d+/, 'no stack')
  })

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
    assert.match(
      service.err,
      /there is no service tinny; did you mean "tiny"\?\nNext: services: tiny/,
    )
    const version = await running.cli('deploy', 'tiny', 'v3')
    assert.equal(version.code, 2)
    assert.match(version.err, /no version v3; did you mean "v\d"\?\nNext: versions in .*: v1, v2/)
    const inherited = await running.cli('deploy', 'tiny', 'constructor')
    assert.equal(inherited.code, 2)
    assert.match(inherited.err, /tiny has no version constructor/)
    const release = await running.cli('abort', 'r99')
    assert.equal(release.code, 2)
    assert.match(release.err, /there is no release r99; the newest is r1\nNext: beryl history tiny/)
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

  test('a golden set with a broken line is named with file and line before anything is started: exit 2', async () => {
    const file = join(running.directory, 'golden.jsonl')
    const whole = readFileSync(file, 'utf8')
    writeFileSync(file, `${whole}\n{"request": {"text": "y"}, "expec\n`)
    const { code, err } = await running.cli('deploy', 'tiny', 'v2')
    assert.equal(code, 2)
    assert.match(err, /golden\.jsonl:2: not JSON.*\nNext: .*nothing was started/)
    const { release, environments } = await running.service()
    assert.equal(release, null)
    assert.equal(environments.green.replicas.length + environments.blue.replicas.length, 1)
    // The way back asks no golden set: a broken one must not bar it.
    const back = await running.cli('rollback', 'tiny', '--to', 'v2')
    assert.equal(back.code, 0, back.err)
    assert.equal((await running.cli('abort', 'tiny', '--reason', 'only to see it begin')).code, 0)
    writeFileSync(file, whole)
  })

  test('a wrong token opens nothing, and the answer says where the right one is: exit 1', async () => {
    const { code, err } = await berylWith(
      { BERYL_TOKEN: 'beryl_wrong' },
      'status',
      '--data',
      running.data,
    )
    assert.equal(code, 1)
    assert.match(err, /this token is not known here\nNext: .*admin\.token.*BERYL_TOKEN/)
  })

  test('a second Beryl cannot share the first one’s port, though its workers share it among themselves', async () => {
    const port = Number(new URL(running.gateway).port)
    const file = manifest('shared.yaml', { gateway: port })
    const { code, err } = await beryl('up', '-f', file, '--data', 'shared')
    assert.equal(code, 1)
    assert.match(err, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use`))
  })

  test('a controller that starts again goes by the manifest that `up` checked, whatever became of the file', async () => {
    const file = join(running.directory, 'beryl.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, 'services: [half a file')
    const killed = running.kill('controller')
    await eventually(
      async () => running.pidOf('controller') !== killed && (await running.service()).live !== null,
      () => 'the next controller',
    )
    assert.equal((await running.service()).live?.version, 'v1')
    writeFileSync(file, text)
  })

  test('`up` opens the token file to nobody else, whoever opened it', async () => {
    const file = join(running.data, 'admin.token')
    chmodSync(file, 0o644)
    running.kill('controller')
    await eventually(
      () => (statSync(file).mode & 0o777) === 0o600,
      () => 'mode 0600',
    )
  })
})

test('a data directory is for its owner only', async () => {
  const data = join(directory, 'mine')
  prepareDirectory(data)
  assert.equal(statSync(data).mode & 0o077, 0)
})
