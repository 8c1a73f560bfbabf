import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VersionLine } from '../api/shapes.ts'
import { aliasesText, diffText, versionsText, versionText } from './versions-text.ts'

const line: VersionLine = {
  version: 'v2',
  digest: `sha256:${'ab'.repeat(32)}`,
  registeredAt: 0,
  inManifest: true,
  added: null,
  source: null,
  notes: 'trained on June\nand more',
  expects: { exact: 0.94 },
  aliases: ['live', 'champion'],
  roles: ['live'],
}
const fresh = { digest: null, registeredAt: null, notes: null, expects: {}, aliases: [], roles: [] }

test('the registry, a line for each version and what people wrote of it', () => {
  const versions = [line, { ...line, ...fresh, version: 'v3', inManifest: false }]
  assert.equal(
    versionsText({ service: 'chat', versions }),
    `v2  sha256:abababababab  1970-01-01 00:00:00  live, @live, @champion
  notes     trained on June
  expects   exact 0.94
v3  not registered yet
  manifest  does not name it any more
Next: beryl versions chat show VERSION`,
  )
  assert.match(versionsText({ service: 'chat', versions: [] }), /^chat has no version\./)
})

test('one version: files with their digests, and how its releases ended', () => {
  const file = { key: 'model', path: 'a.bin', size: 2048, sha256: 'cd' }
  const releases = [
    {
      id: 'r7',
      kind: 'deploy',
      at: 0,
      by: 'ann',
      alias: 'champion',
      phase: 'rejected',
      because: 'goldenSet: too low\nlines',
    },
  ] as const
  const view = { ...line, service: 'chat', files: [file], args: [], env: ['MODE'], releases }
  const text = versionText(view)
  assert.match(text, /^ {2}env {7}MODE$/m)
  assert.match(text, /^ {2}files {5}1 file, 2\.0 KiB\n {4}model\/a\.bin {2}2\.0 KiB {2}sha256:cd$/m)
  assert.match(text, /r7 .*deploy {2}by ann as @champion {2}rejected: goldenSet: too low$/m)
  assert.match(text, /Next: beryl plan chat v2$/)
  const many = versionText({ ...view, files: Array.from({ length: 60 }, () => file) })
  assert.match(many, /and 10 more: --json lists all/)
  assert.match(versionText({ ...view, inManifest: false }), /it cannot be deployed/)
})

test('what differs, and when nothing does', () => {
  const none = { service: 'chat', from: 'v1', to: 'v2', files: [], same: 3, args: null } as const
  const text = diffText({
    ...none,
    files: [{ key: 'model', path: '', from: { size: 1, sha256: 'a'.repeat(64) }, to: null }],
    args: { from: [], to: ['--fast'] },
    env: [{ name: 'MODE', change: 'changed' }],
    expects: [{ name: 'exact', from: 0.9, to: null }],
  })
  assert.equal(
    text,
    `chat  v1 → v2
  file      model removed: 1 bytes → nothing (aaaaaaaaaaaa → none)
  files     1 file of 4 differ
  args      none → --fast
  env       MODE changed
  expects   exact: 0.9 → nothing
Next: beryl plan chat v2`,
  )
  assert.match(diffText({ ...none, env: [], expects: [] }), /nothing differs but the name/)
})

test('aliases: what each means now, and all it ever meant', () => {
  const change = { id: 1, name: 'champion', from: null, to: 'v1', at: 0, by: 'ann', reason: 'won' }
  const view = {
    service: 'chat',
    aliases: [
      { name: 'live', version: 'v2', computed: true },
      { name: 'champion', version: 'v1', computed: false },
    ],
    history: [change],
    next: null,
  }
  assert.equal(
    aliasesText(view, null),
    `@live      v2  (always: by what is live)
@champion  v1
history
  1970-01-01 00:00:00  @champion: nothing → v1  by ann: won
Next: beryl deploy chat @champion --wait`,
  )
  assert.match(aliasesText(view, 'best'), /^@best means nothing now\nNext: .* alias NAME VERSION/)
})
