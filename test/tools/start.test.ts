/** Before anything of Beryl runs: what an old Node is told, and what `npm test` and `npm run demo` install. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-start-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** The oldest Node of this machine, beside the one that comes with the checkout; install.js runs on whatever there is. */
const nodes = [...new Set([process.execPath, ...systemNode()])]

function systemNode(): string[] {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((path) => !path.includes('node_modules'))
    .map((path) => join(path, 'node'))
    .filter((file) => existsSync(file))
    .slice(0, 1)
}

function runOld(version: string, ...args: string[]) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(pretend)}`,
      join(root, 'bin/beryl.js'),
      ...args,
    ],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

for (const version of ['18.20.0', '20.20.2', '22.12.0', '24.14.9']) {
  test(`Node ${version} is told which Node is needed, and how to get on with its own words`, () => {
    const { status, stdout, stderr } = runOld(version, 'deploy', 'chat', 'v2')
    assert.equal(status, 1)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(`needs Node 24\\.15 or newer; this is Node ${version}`))
    assert.match(stderr, /\nNext: npm run beryl -- deploy chat v2 /)
  })
}

for (const version of ['24.15.0', '26.10.0', '100.0.0'])
  test(`Node ${version} is new enough`, () => assert.equal(runOld(version, '--version').status, 0))

test('what an old Node has to read is written for it', () => {
  const text = readFileSync(join(root, 'bin/beryl.js'), 'utf8')
  assert.doesNotMatch(text, /^(const .* = )?await /m, 'await outside of a function')
  assert.doesNotMatch(text, /\?\.|\?\?/, 'operators of Node 14')
})

test('under npm run, the Node that comes with the checkout is used', () => {
  const { stdout } = spawnSync('npm', ['exec', '--no', '--', 'node', '--version'], {
    cwd: root,
    encoding: 'utf8',
  })
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: { node: string }
  }
  assert.equal(stdout.trim(), `v${devDependencies.node}`)
})

/** A clone with two packages, and an npm that writes down how it was called. A fake of our own. */
const clone = join(directory, 'clone')
const lock = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/other-platform': { version: '1.0.0', optional: true },
  },
}

beforeEach(() => {
  rmSync(clone, { recursive: true, force: true })
  mkdirSync(join(clone, 'scripts'), { recursive: true })
  copyFileSync(join(root, 'scripts/install.js'), join(clone, 'scripts/install.js'))
  writeFileSync(join(clone, 'package.json'), '{"type":"module"}')
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock))
})

function install(node: string, npmEndsWith = 0) {
  const bin = join(clone, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(
    join(bin, 'npm'),
    `#!/bin/sh\npwd >> "${clone}/called"\necho "$@" >> "${clone}/called"\nexit ${npmEndsWith}\n`,
  )
  chmodSync(join(bin, 'npm'), 0o755)
  const { status, stdout, stderr } = spawnSync(node, [join(clone, 'scripts/install.js')], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` },
  })
  const called = join(clone, 'called')
  return { status, stdout, stderr, called: existsSync(called) ? readFileSync(called, 'utf8') : '' }
}

function present(version: string): void {
  mkdirSync(join(clone, 'node_modules', 'a'), { recursive: true })
  writeFileSync(join(clone, 'node_modules', 'a', 'package.json'), '{}')
  writeFileSync(
    join(clone, 'node_modules', '.package-lock.json'),
    JSON.stringify({ packages: { 'node_modules/a': { version } } }),
  )
}

for (const node of nodes) {
  const { stdout: version } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  const on = `on Node ${version.trim()}`

  test(`${on}: a clone without node_modules is installed, wherever one stands, and it says so`, () => {
    const { status, stdout, called } = install(node)
    assert.equal(status, 0)
    assert.match(stdout, /Installing what Beryl needs \(there is no node_modules yet\)/)
    assert.match(called, /\/clone\nci --include=dev /)
  })

  test(`${on}: what is there and right is left alone, in silence`, () => {
    present('1.0.0')
    const { status, stdout, stderr, called } = install(node)
    assert.deepEqual(
      { status, stdout, stderr, called },
      { status: 0, stdout: '', stderr: '', called: '' },
    )
  })

  test(`${on}: a stale package is named and installed anew`, () => {
    present('0.9.0')
    const { stdout, called } = install(node)
    assert.match(stdout, /a should be 1\.0\.0/)
    assert.match(called, /ci /)
  })

  test(`${on}: a package that somebody deleted, and a broken record, are installed anew`, () => {
    present('1.0.0')
    rmSync(join(clone, 'node_modules', 'a'), { recursive: true })
    assert.match(install(node).stdout, /a is gone from node_modules/)
    present('1.0.0')
    writeFileSync(join(clone, 'node_modules', '.package-lock.json'), '{"pack')
    assert.match(install(node).stdout, /a should be 1\.0\.0/)
  })

  test(`${on}: npm's failure is passed on, with its exit code`, () => {
    const { status, stderr } = install(node, 7)
    assert.equal(status, 7)
    assert.match(stderr, /`npm ci` failed \(exit code 7\).*\nNext: check the network/)
  })
}
