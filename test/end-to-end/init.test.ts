/** `beryl init` in front of three real servers: what it writes passes `validate`, and a deploy runs. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import { freePorts } from '../support/theirs.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-init-story-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const file = (path: string) => join(root, path)

type Server = {
  command: (port: number) => string[]
  ready: string
  says: RegExp
  service: string
  protocol: string
  /** Through Beryl, as a client. */
  ask: { path: string; body: object; answer: RegExp }
}

const servers: Record<string, Server> = {
  'an OpenAI-style server': {
    command: (port) => [
      file('examples/moby-pico/server.ts'),
      '--model',
      file('examples/moby-pico/models/v1.bin'),
      '--tokenizer',
      file('examples/moby-pico/models/tokenizer.json'),
      '--port',
      String(port),
    ],
    ready: '/health',
    says: /an OpenAI-style server that serves moby-pico, ready at \/health/,
    service: 'moby-pico',
    protocol: 'openai',
    ask: { path: '/v1/completions', body: { prompt: 'Call me', max_tokens: 3 }, answer: /choices/ },
  },
  'a server of KServe V2': {
    command: (port) => [file('test/fixtures/kserve-model.js'), String(port)],
    ready: '/v2/health/ready',
    says: /a server of the KServe V2 protocol \(tiny\), ready at \/v2\/health\/ready/,
    service: 'model',
    protocol: 'kserve-v2',
    ask: {
      path: '/v2/models/parity/infer',
      body: { inputs: [{ name: 'x', shape: [2], datatype: 'INT64', data: [3, 4] }] },
      answer: /"data":\[1,0\]/,
    },
  },
  'a server of plain HTTP': {
    command: (port) => [
      file('examples/langid/server.ts'),
      '--model',
      join(directory, 'langid', 'v1'),
      '--port',
      String(port),
    ],
    ready: '/healthz',
    says: /a server of plain HTTP, ready at \/healthz/,
    service: 'model',
    protocol: 'http',
    ask: { path: '/classify', body: { text: 'Guten Morgen' }, answer: /"language"/ },
  },
}

for (const [name, { command, ready, says, service, protocol, ask }] of Object.entries(servers))
  test(`${name}: what is written passes validate, and a deploy runs`, async () => {
    if (name.includes('plain'))
      execFileSync(process.execPath, [file('examples/langid/train.ts'), join(directory, 'langid')])
    const [port] = await freePorts(1)
    const server = spawn(process.execPath, command(port!), { stdio: 'inherit' })
    try {
      const url = `http://127.0.0.1:${port}`
      await eventually(
        async () => (await fetch(`${url}${ready}`)).ok,
        () => `${name} to be ready`,
      )
      const manifest = join(directory, `${protocol}.yaml`)
      const written = await beryl('init', '--url', url, '--file', manifest)
      assert.equal(written.code, 0, written.err)
      assert.match(written.out, says)
      const checked = await beryl('validate', '-f', manifest)
      assert.equal(checked.code, 0, checked.err)
      assert.match(checked.out, new RegExp(`${service}: v1, v2`))
      await deployed(readFileSync(manifest, 'utf8'), { service, protocol, ask })
      assert.equal((await fetch(`${url}${ready}`)).status, 200, 'the server goes on')
    } finally {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
    }
  })

async function deployed(
  text: string,
  { service, protocol, ask }: Pick<Server, 'service' | 'protocol' | 'ask'>,
): Promise<void> {
  assert.match(text, new RegExp(`protocol: ${protocol}\\b`))
  // Only that the test shares its machine: the system chooses the ports.
  const manifest = text.replace(/listen: 127\.0\.0\.1:\d+/g, 'listen: 127.0.0.1:0')
  const running = await startBeryl({ models: {}, manifest })
  try {
    const { id } = await running.api<ReleaseView>('POST', `/services/${service}/releases`, {
      version: 'v1',
    })
    await running.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting-approval')
    await running.api('POST', `/releases/${id}/approve`, {})
    await running.until(id, ({ phase }) => phase === 'watching', 'watching')
    const answer = await fetch(`${running.gateway}${ask.path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask.body),
    })
    assert.equal(answer.headers.get('beryl-version'), 'v1')
    assert.match(await answer.text(), ask.answer)
    await running.api('POST', `/releases/${id}/promote`, { reason: 'no traffic to judge by' })
    await running.until(id, ({ phase }) => phase === 'finished', 'finished')
  } finally {
    assert.equal(await running.stop(), 0)
  }
}

test('nothing is overwritten without --force, and nothing is left beside it', async () => {
  const place = mkdtempSync(join(directory, 'kept-'))
  const manifest = join(place, 'beryl.yaml')
  writeFileSync(manifest, 'mine\n')
  const refused = await beryl('init', '--file', manifest)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /beryl\.yaml is there already; nothing was written\nNext: .*--force/)
  assert.equal(readFileSync(manifest, 'utf8'), 'mine\n')
  assert.equal((await beryl('init', '--file', manifest, '--force')).code, 0)
  assert.match(readFileSync(manifest, 'utf8'), /^# .*beryl init/)
  assert.deepEqual(readdirSync(place), ['beryl.yaml'])
})

test('an address where nobody answers, or that is none, writes nothing and says what to do', async () => {
  const manifest = join(directory, 'none.yaml')
  for (const [url, code, said] of [
    [
      'http://127.0.0.1:1',
      1,
      /no model server answers in HTTP at http:\/\/127\.0\.0\.1:1 .*ECONNREFUSED/,
    ],
    ['https://127.0.0.1:1', 1, /at https:\/\/127\.0\.0\.1:1 .*ECONNREFUSED.*[^]*--ca FILE names/],
    ['127.0.0.1:8000', 2, /expected http\(s\):\/\/HOST:PORT.*came "127\.0\.0\.1:8000"/],
    ['http://127.0.0.1:8000/v1', 2, /no path/],
  ] as const) {
    const { code: came, err } = await beryl('init', '--url', url, '--file', manifest)
    assert.equal(came, code, url)
    assert.match(err, said)
    const json = await beryl('init', '--url', url, '--file', manifest, '--json')
    assert.equal(typeof (JSON.parse(json.err) as { code: string }).code, 'string')
  }
  assert.throws(() => readFileSync(manifest))
})

async function beryl(
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [file('bin/beryl.js'), ...args], { cwd: directory })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}
