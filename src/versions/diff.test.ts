import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diffOf } from './diff.ts'
import type { VersionContent } from './digest.ts'

const file = (path: string, sha256: string, size = 1) => ({ key: 'model', path, size, sha256 })
const v1: VersionContent = {
  files: [file('config.json', 'a'), file('weights.bin', 'b', 10), file('old.bin', 'c')],
  args: ['--threads', '2'],
  env: { MODE: 'hash-1', LEVEL: 'hash-2', OLD: 'hash-3' },
  expects: { exact: 0.9 },
}

test('files that differ, by their digests; those that do not are counted', () => {
  const files = [file('config.json', 'a'), file('weights.bin', 'x', 11), file('new.bin', 'c')]
  const { files: changed, same } = diffOf(v1, { ...v1, files })
  assert.equal(same, 1)
  assert.deepEqual(changed, [
    { key: 'model', path: 'new.bin', from: null, to: { size: 1, sha256: 'c' } },
    { key: 'model', path: 'old.bin', from: { size: 1, sha256: 'c' }, to: null },
    {
      key: 'model',
      path: 'weights.bin',
      from: { size: 10, sha256: 'b' },
      to: { size: 11, sha256: 'x' },
    },
  ])
  // The same path under another key of the manifest is another file.
  const moved = v1.files.map((one) => ({ ...one, key: 'config' }))
  assert.equal(diffOf(v1, { ...v1, files: moved }).files.length, 6)
})

test('arguments in their order, names of variables without a trace of their values, what is expected', () => {
  const other = {
    ...v1,
    args: ['2', '--threads'],
    env: { MODE: 'hash-9', LEVEL: 'hash-2', NEW: 'hash-4' },
    expects: { exact: 0.95, valid: 1 },
  }
  const diff = diffOf(v1, other)
  assert.deepEqual(diff.args, { from: v1.args, to: other.args })
  assert.deepEqual(diff.env, [
    { name: 'MODE', change: 'changed' },
    { name: 'NEW', change: 'added' },
    { name: 'OLD', change: 'removed' },
  ])
  assert.ok(!JSON.stringify(diff.env).includes('hash'))
  assert.deepEqual(diff.expects, [
    { name: 'exact', from: 0.9, to: 0.95 },
    { name: 'valid', from: null, to: 1 },
  ])
})

test('nothing differs between a version and itself', () => {
  assert.deepEqual(diffOf(v1, v1), { files: [], same: 3, args: null, env: [], expects: [] })
})
