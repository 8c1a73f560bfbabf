/**
 * The package as a stranger gets it: packed, installed into an empty directory, and used. `npm run test:package`; not part of
 * `npm test`, because it builds and needs the package registry for Beryl's dependencies.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-package-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** This Node, and none of the checkout's other tools. */
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
}
const installed = join(directory, 'node_modules', 'beryl')

before(() => {
  const npm = (args: string[], cwd: string) =>
    execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const packed = npm(['pack', '--json', '--pack-destination', directory], root)
  const file = /"filename": "([^"]+)"/.exec(packed)![1]!
  writeFileSync(join(directory, 'package.json'), '{"private":true}')
  npm(['install', '--no-audit', '--no-fund', '--loglevel=error', join(directory, file)], directory)
})

type Ended = { code: number | null; out: string; err: string }

function beryl(args: readonly string[], hear: (out: string, stop: () => void) => void = () => {}) {
  const child = spawn('npx', ['--no-install', 'beryl', ...args], {
    cwd: directory,
    env,
    detached: true,
  })
  const stop = () => process.kill(-child.pid!, 'SIGINT')
  let [out, err] = ['', '']
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => hear((out += chunk.toString()), stop))
  return new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

test('the package holds what it needs to run, and no sources or tests', () => {
  for (const file of [
    'dist/cli/main.js',
    'dist/storage/migrations',
    'dist/config/example.yaml',
    'dist/dashboard/browser/main.js',
    'dist/dashboard/browser/style.css',
    'README.md',
    'LICENSE',
    'examples/langid/server.js',
    'examples/langid/data/golden.jsonl',
  ])
    assert.ok(existsSync(join(installed, file)), file)
  for (const file of ['src', 'test', 'dist/providers/testing.js', 'examples/langid/train.ts'])
    assert.ok(!existsSync(join(installed, file)), file)
})

test('npx beryl --help and --version answer', async () => {
  const { code, out } = await beryl(['--help'])
  assert.equal(code, 0)
  assert.match(out, /beryl \[options\] \[command\]/)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  assert.equal((await beryl(['--version'])).out.trim(), version)
})

test('validate and up work from the built files, and Ctrl-C ends all of it', async () => {
  writeFileSync(
    join(directory, 'serve.js'),
    'require("http").createServer((q, r) => r.end("hi")).listen(process.argv[2], "127.0.0.1")',
  )
  writeFileSync(
    join(directory, 'beryl.yaml'),
    `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    environment: { provider: process, command: [node, serve.js, "{port}"] }
    versions: { v1: {} }
`,
  )
  const valid = await beryl(['validate'])
  assert.equal(valid.code, 0, valid.err)
  let deployed: Promise<Ended> | null = null
  let files: Promise<string[]> | null = null
  const up = await beryl(['up', '--json'], (out, stop) => {
    if (!out.endsWith('}\n')) return
    files ??= filesOf((JSON.parse(out) as { dashboard: string }).dashboard)
    deployed ??= beryl(['deploy', 'tiny', 'v1', '--wait', '--timeout', '2s']).finally(stop)
  })
  assert.match(up.err, /Stopped\./)
  assert.ok((await files!).includes('/dashboard/signals-core.mjs'))
  // With no gate at all a first version waits for a person.
  const { code, out, err } = await deployed!
  assert.equal(code, 5, err)
  assert.match(out, /awaiting-approval.*\n.*\nNext: beryl approve r1/)
})

/** The files that the dashboard is made of, each of them fetched. */
async function filesOf(dashboard: string): Promise<string[]> {
  const page = await (await fetch(dashboard)).text()
  const paths = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path!)
  for (const path of paths) assert.equal((await fetch(new URL(path, dashboard))).status, 200, path)
  return paths
}

test('the demo runs from the package: nothing in it needs the checkout', async () => {
  const { code, out, err } = await beryl(['demo'])
  assert.equal(code, 0, `${out}\n${err}`)
  assert.match(out, /All of it happened/)
})

test('a stack of the built files leads to a line of the source', () => {
  const map = JSON.parse(readFileSync(join(installed, 'dist', 'cli', 'main.js.map'), 'utf8')) as {
    sources: string[]
    sourcesContent?: string[]
  }
  assert.match(map.sources[0]!, /src\/cli\/main\.ts$/)
  assert.match(map.sourcesContent?.[0] ?? '', /export async function run/)
})
