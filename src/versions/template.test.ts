import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProcessEnvironment, ServiceManifest, VersionManifest } from '../config/manifest.ts'
import { programOf, readyOf, templateOf } from './template.ts'

const version: VersionManifest = {
  model: './models/v1',
  args: ['--name', '{version}'],
  env: { MODEL: '{model}', LEVEL: 'debug' },
  expects: {},
}
const environment = {
  command: ['serve', '{model}', '--port', '{port}', '{unknown}', '{prompt}'],
  env: { LEVEL: 'info', PORT: '{port}' },
  directory: 'work',
  stop: { grace: 10 },
} as unknown as ProcessEnvironment

test('placeholders are filled from the version; only the port, and what is none, stays open', () => {
  const { command, env, directory } = programOf('v1', version, environment, '/base')
  assert.deepEqual(command, [
    'serve',
    '/base/models/v1',
    '--port',
    '{port}',
    '{unknown}',
    '{prompt}',
    '--name',
    'v1',
  ])
  assert.deepEqual(env, { LEVEL: 'debug', PORT: '{port}', MODEL: '/base/models/v1' })
  assert.equal(directory, '/base/work')
})

test('what a version names itself is never read as a placeholder again', () => {
  const odd = { ...version, model: './{version}' }
  assert.equal(programOf('v1', odd, environment, '/base').command[1], '/base/{version}')
})

test('external servers are found where their place is; what they must say they are is filled from the version', () => {
  const place = (port: number) => [{ host: '10.0.0.1', port }]
  const service = {
    protocol: 'http',
    environment: {
      provider: 'external',
      blue: place(1),
      green: place(2),
      ready: {
        path: '/health',
        within: 60,
        version: { path: '/version', answer: '$.v', is: 'writer-{version}' },
      },
      alive: { every: 5, timeout: 2, failures: 3 },
    },
  } as const satisfies Pick<ServiceManifest, 'protocol' | 'environment'>
  const nothing = { args: [], env: {}, expects: {} }
  assert.deepEqual(templateOf('v2', nothing, service.environment, '/base'), {
    provider: 'external',
    places: { blue: place(1), green: place(2) },
  })
  assert.deepEqual(readyOf(service, 'v2', nothing, '/base'), {
    path: '/health',
    withinS: 60,
    version: { path: '/version', answer: '$.v', is: 'writer-v2' },
  })
})
