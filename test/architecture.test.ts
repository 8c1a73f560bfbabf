/** The house keeps its doors: which room may import which, and what only one file may do. Arrows point inwards. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src/', import.meta.url))

/**
 * Each room, and the rooms it may open a door to. Anything not listed is closed. `log` is open to every room but the pure
 * ones. `controller` alone knows gateway, providers, storage and verification together; `server` alone wires them.
 */
const doors: Record<string, string> = {
  release: '',
  statistics: '',
  protocols: '',
  secrets: '',
  config: 'ipc protocols secrets tls',
  ipc: '',
  probe: 'tls',
  tls: '',
  log: '',
  guard: 'statistics',
  versions: 'config',
  gateway: 'ipc log probe telemetry tls',
  telemetry: 'ipc log',
  providers: 'ipc log probe protocols release tls secrets',
  storage: 'log release',
  verification: 'ipc log protocols release statistics tls',
  api: 'ipc release tls',
  // Told from the record, by a line of its own: the loop knows nothing of it.
  notifications: 'api config ipc log release storage',
  // The pages take types from these, and nothing else: browsers load their own files only.
  dashboard: 'api ipc',
  controller:
    'api config gateway guard ipc log protocols providers release secrets statistics storage telemetry verification versions',
  supervisor: 'config gateway ipc log storage',
  // Looks at everything, changes nothing.
  doctor: 'config ipc providers storage supervisor',
  // `validate` reads golden sets as the gate will.
  // `init` looks at servers as health checks do.
  cli: 'api config doctor ipc probe supervisor tls verification',
  server:
    'api config controller dashboard gateway ipc log notifications providers release storage telemetry tls verification',
}

/** Modules that may be imported in these files only: each is a door to something that needs one owner. */
const owners: Record<string, readonly string[]> = {
  'node:sqlite': ['storage/database.ts', 'storage/lock.ts'],
  pino: ['log.ts'],
  yaml: ['config/load.ts', 'cli/'],
}

/** Node's private doors, each in one file, with a public way beside it. */
const privateDoors: Record<string, readonly string[]> = {
  _createServerHandle: ['gateway/wire/bind.ts'],
  _handle: ['gateway/wire/door.ts', 'ipc/descriptors.ts'],
  pipe_wrap: ['ipc/descriptors.ts'],
}

const files = globSync('**/*.ts', { cwd: source })
  .map((file) => file.replaceAll('\\', '/'))
  .toSorted()
const product = files.filter((file) => !/\.test\.ts$|\.contract\.ts$|\/testing(\/|\.ts)/.test(file))

test('every import goes through an open door', () => {
  const trespasses = product.flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith('.'))
      .map((target) => roomOf(relative(source, join(source, dirname(file), target))))
      .filter(
        (target) => target !== roomOf(file) && !doors[roomOf(file)]?.split(' ').includes(target),
      )
      .map((target) => `${file} → ${target}`),
  )
  assert.deepEqual(trespasses, [])
})

test('every room has its doors written down', () => {
  assert.deepEqual(
    [...new Set(files.map(roomOf))].filter((room) => !(room in doors)),
    [],
  )
})

test('the heart, the statistics and the protocols import nothing but their own files', () => {
  const foreign = product
    .filter((file) => ['release', 'statistics', 'guard', 'protocols'].includes(roomOf(file)))
    .flatMap((file) => importsOf(file).map((target) => `${file} → ${target}`))
    .filter((line) => !/→ \.\.?\//.test(line))
  assert.deepEqual(foreign, [])
})

test('what needs one owner has one', () => {
  const trespasses = product.flatMap((file) =>
    importsOf(file)
      .filter((target) => target in owners && !owners[target]!.some((one) => file.startsWith(one)))
      .map((target) => `${file} → ${target}`),
  )
  const doorsOpened = product.flatMap((file) =>
    Object.entries(privateDoors)
      .filter(([door, where]) => !where.includes(file) && textOf(file).includes(door))
      .map(([door]) => `${file} uses ${door}`),
  )
  assert.deepEqual([...trespasses, ...doorsOpened], [])
})

test('a file stays short enough to read in one go', () => {
  const linesMax = 400
  const long = product
    .map((file) => ({ file, lines: textOf(file).split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
  assert.deepEqual(long, [])
})

function roomOf(file: string): string {
  return file.split('/')[0]!.replace(/\.ts$/, '')
}

function importsOf(file: string): string[] {
  return [...textOf(file).matchAll(/^(?:import|export)\s(?:[^;'"`=]*?from\s)?'([^']+)'/gm)].map(
    ([, target]) => target!,
  )
}

function textOf(file: string): string {
  return readFileSync(join(source, file), 'utf8')
}
