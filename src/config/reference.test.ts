import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReference, placeOf, unpinned } from './reference.ts'

const sha256 = 'a'.repeat(64)
const commit = '0123456789abcdef0123456789abcdef01234567'

test('what is pinned means the same tomorrow, and is passed on as it stands', () => {
  for (const text of [
    `hf://acme/writer@${commit}`,
    `git+https://example.com/models.git@${commit}`,
    `docker://registry.example.com/writer@sha256:${sha256}`,
    `registry.example.com:5000/writer@sha256:${sha256}`,
    `https://example.com/writer.tar#sha256=${sha256}`,
    's3://bucket/writer/?versionId=3HL4kqCxf3vjVBH40Nrjfkd',
    'gs://bucket/writer.bin#1712345678901234',
    'models:/writer/7',
    `models:/m-${'b'.repeat(32)}`,
  ]) {
    assert.equal(isReference(text), true, text)
    assert.equal(unpinned(text), null, text)
    assert.equal(placeOf('/base', text), text)
  }
})

test('what may mean something else tomorrow is refused, with what would do', () => {
  for (const text of [
    'hf://acme/writer',
    'hf://acme/writer@main',
    `hf://acme/writer@${commit.slice(0, 12)}`,
    'docker://registry.example.com/writer:latest',
    'https://example.com/writer.tar',
    's3://bucket/writer',
    's3://bucket/writer?versionId=null',
    'models:/writer/Production',
    'models:/writer@champion',
    'models:/writer/0',
    'mlflow-artifacts:/1/2/artifacts',
  ]) {
    assert.equal(isReference(text), true, text)
    assert.match(
      unpinned(text) ?? '',
      /expected a pinned reference.*@COMMIT.*models:\/NAME\/NUMBER/,
    )
  }
})

test('anything else is a path', () => {
  for (const text of ['./v1', 'models/v1', '/models/v1@2', 'a:b', 'file:///models/v1'])
    assert.equal(isReference(text), false, text)
  assert.equal(placeOf('/base', './v1'), '/base/v1')
})
