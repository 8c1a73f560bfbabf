import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceManifest, VersionManifest } from '../config/manifest.ts'
import { templateOf } from './template.ts'

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
} as unknown as ServiceManifest['environment']

test('placeholders are filled from the version; only the port, and what is none, stays open', () => {
  const { command, env, directory } = templateOf('v1', version, environment, '/base')
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
  assert.equal(templateOf('v1', odd, environment, '/base').command[1], '/base/{version}')
})
