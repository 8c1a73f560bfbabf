import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from './finding.ts'
import {
  clockFinding,
  clockOf,
  diskFinding,
  diskOf,
  nodeFinding,
  openFilesFinding,
  openFilesOf,
} from './machine.ts'

/** What was said, and how it is mended. */
function whole(finding: Finding): string {
  return `${finding.level}: ${finding.said}${finding.level === 'ok' ? '' : ` → ${finding.fix}`}`
}

test('this machine is looked at for real', async () => {
  assert.equal(nodeFinding(process.versions.node).level, 'ok')
  assert.match(openFilesOf().said, /^\d+|unlimited/)
  assert.match((await diskOf(join(tmpdir(), 'not', 'there', 'yet'))).said, /free at /)
})

test('an old Node is a problem', () => {
  assert.equal(nodeFinding('24.15.0').level, 'ok')
  assert.equal(nodeFinding('26.0.0').level, 'ok')
  for (const old of ['24.14.9', '20.19.0'])
    assert.match(
      whole(nodeFinding(old)),
      /^problem: Node .*24\.15 or newer is needed → install a current/,
    )
})

test('a disk that is nearly full is a problem, one that will be soon a warning', () => {
  assert.match(whole(diskFinding('/data', 2 ** 31)), /^ok: 2\.0 GiB free at \/data$/)
  assert.match(whole(diskFinding('/data', 500 * 2 ** 20)), /^warning: 500 MiB free .*→ free space/)
  assert.match(
    whole(diskFinding('/data', 0)),
    /^problem: 0 MiB free at \/data: on a full disk no release begins.*→ free space there/,
  )
})

test('few open files are said as the requests that they carry', () => {
  assert.equal(openFilesFinding(65_536).level, 'ok')
  assert.equal(openFilesFinding('unlimited').level, 'ok')
  assert.match(whole(openFilesFinding(2048)), /^warning: .*about 1024 requests .*→ .*LimitNOFILE/)
  assert.match(whole(openFilesFinding(256)), /^problem: .*about 128 requests .*→ .*ulimit -n 65536/)
})

test('a clock that is wrong, or was set back, is a problem', () => {
  const now = Date.UTC(2026, 10, 1)
  assert.equal(clockFinding(now, now - 1000).level, 'ok')
  assert.match(whole(clockFinding(0, 0)), /^problem: it is 1970-.*→ set it/)
  assert.match(
    whole(clockFinding(now, now + 60_000)),
    /^problem: the clock is 60 s behind what Beryl wrote last.*→ set it/,
  )
  const directory = mkdtempSync(join(tmpdir(), 'beryl-clock-'))
  const file = join(directory, 'beryl.db')
  writeFileSync(file, '')
  assert.equal(clockOf([file, join(directory, 'missing')]).level, 'ok')
  const later = Date.now() / 1000 + 3600
  utimesSync(file, later, later)
  assert.equal(clockOf([file]).level, 'problem')
  rmSync(directory, { recursive: true })
})
