import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetween } from './changes.ts'
import type { InUse } from './changes.ts'
import type { ManifestText } from './manifest.ts'

const written = (change: (text: any) => void = () => {}): ManifestText => {
  const text = {
    apiVersion: 'beryl/v1',
    gateway: { listen: '127.0.0.1:8080' },
    services: {
      chat: {
        route: { path: '/v1' },
        environment: {
          provider: 'process',
          command: ['serve'],
          env: { TOKEN: '${TOKEN}' },
          replicas: 2,
        },
        versions: { v1: { model: 'a' }, v2: { model: 'b', notes: 'old' } },
        watch: { atLeast: '10m' },
      },
    },
  }
  change(text)
  return text as unknown as ManifestText
}
const idle: InUse = {
  roles: { v1: 'live' },
  registered: ['v1', 'v2'],
  beside: [],
  taken: [],
  mayScale: true,
  underWay: null,
  isGoing: false,
}
const sorted = (change: (text: any) => void, inUse: InUse = idle, remove = false) =>
  changesBetween(written(), written(change), () => inUse, remove).map(({ path, when }) => [
    path,
    when,
  ])

test('nothing changed is no change, whatever the order of keys', () => {
  assert.deepEqual(
    changesBetween(written(), written(), () => idle),
    [],
  )
})

test('each change is sorted by when it takes effect', () => {
  const cases: [(text: any) => void, string, string][] = [
    [(text) => (text.services.chat.route.path = '/v2'), 'services.chat.route.path', 'now'],
    [(text) => (text.services.chat.requests = { body: '1MiB' }), 'services.chat.requests', 'now'],
    [(text) => (text.services.chat.versions.v3 = {}), 'services.chat.versions.v3', 'now'],
    [(text) => (text.services.other = {}), 'services.other', 'now'],
    [(text) => delete text.services.chat.versions.v2, 'services.chat.versions.v2', 'now'],
    [
      (text) => (text.services.chat.environment.replicas = 4),
      'services.chat.environment.replicas',
      'now',
    ],
    [
      (text) => (text.services.chat.environment.command = ['x']),
      'services.chat.environment.command',
      'next release',
    ],
    [
      (text) => (text.services.chat.watch.atLeast = '1m'),
      'services.chat.watch.atLeast',
      'next release',
    ],
    [
      (text) => (text.services.chat.versions.v2.notes = 'new'),
      'services.chat.versions.v2.notes',
      'next release',
    ],
    [(text) => (text.gateway.listen = '127.0.0.1:1'), 'gateway.listen', 'next start'],
    [(text) => delete text.services.chat, 'services.chat', 'refused'],
    [(text) => delete text.services.chat.versions.v1, 'services.chat.versions.v1', 'refused'],
    [
      (text) => (text.services.chat.versions.v2.model = 'c'),
      'services.chat.versions.v2.model',
      'refused',
    ],
  ]
  for (const [change, path, when] of cases) assert.deepEqual(sorted(change), [[path, when]])
})

test('nothing is scaled while a release is under way, and a version that nobody deployed may still change', () => {
  const busy = { ...idle, mayScale: false, registered: ['v1'] }
  assert.deepEqual(
    sorted((text) => (text.services.chat.environment.replicas = 1), busy),
    [['services.chat.environment.replicas', 'next release']],
  )
  assert.deepEqual(
    sorted((text) => (text.services.chat.versions.v2.model = 'c'), busy),
    [['services.chat.versions.v2.model', 'now']],
  )
})

test('what is in use is taken away with consent only, and what clients are answered by never', () => {
  const one = (change: (text: any) => void, inUse: Partial<InUse>, remove = false) =>
    sorted(change, { ...idle, ...inUse }, remove).map(([, when]) => when)
  const v2 = (text: any) => delete text.services.chat.versions.v2
  const service = (text: any) => delete text.services.chat
  assert.deepEqual(one(service, {}), ['refused'])
  assert.deepEqual(one(service, {}, true), ['now'])
  assert.deepEqual(one(service, { underWay: 'r7 is watching' }, true), ['refused'])
  assert.deepEqual(one(v2, {}), ['now'], 'nobody uses it')
  assert.deepEqual(one(v2, { roles: { v2: 'standby' } }), ['refused'])
  assert.deepEqual(one(v2, { roles: { v2: 'standby' } }, true), ['now'])
  assert.deepEqual(one(v2, { roles: { v2: 'standby' }, underWay: 'r7 is watching' }, true), [
    'refused',
  ])
  assert.deepEqual(one(v2, { roles: { v2: 'being released' } }, true), ['refused'])
  assert.deepEqual(one(v2, { roles: { v2: 'live' } }, true), ['refused'])
  assert.deepEqual(one(v2, { roles: { v2: 'live' }, beside: ['v2'] }), ['now'])
})

test('a name that was registered as something else cannot be given to another version, nor one that is still going to a new service', () => {
  const v3 = (text: any) => (text.services.chat.versions.v3 = { model: 'c' })
  assert.deepEqual(sorted(v3, { ...idle, taken: ['v3'] }), [
    ['services.chat.versions.v3', 'refused'],
  ])
  const more = (text: any) => (text.services.more = {})
  assert.deepEqual(sorted(more, { ...idle, isGoing: true }), [['services.more', 'refused']])
})
