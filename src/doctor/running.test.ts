import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dataDirectory } from '../ipc/data-directory.ts'
import { errorFindings } from './last-errors.ts'
import { directoryFinding, processFindings, versionFinding } from './running.ts'

const root = mkdtempSync(join(tmpdir(), 'beryl-running-'))
after(() => rmSync(root, { recursive: true, force: true }))

test('a data directory that is not there yet is fine, and is not made', async () => {
  const directory = dataDirectory(join(root, 'not', 'yet'))
  assert.match(directoryFinding(directory).said, /is not there yet; `beryl up` makes it/)
  assert.deepEqual(
    (await processFindings(directory, '1')).map(({ said }) => said),
    ['no Beryl runs here'],
  )
  assert.match(directoryFinding(directory).said, /is not there yet/)
})

test('a data directory that is a file, or somebody else’s, is a problem', () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  const none = directoryFinding(dataDirectory(file))
  assert.deepEqual(
    [none.level, 'fix' in none && none.fix],
    ['problem', 'another directory with --data'],
  )
  const theirs = directoryFinding(dataDirectory(root), 12_345)
  assert.match(theirs.said, /belongs to user \d+, and this is user 12345/)
  assert.match('fix' in theirs ? theirs.fix : '', /run beryl as that user, or chown -R 12345/)
})

test('another version that runs is a warning', () => {
  assert.equal(versionFinding('0.1.0', '0.1.0').level, 'ok')
  for (const runs of ['0.0.9', undefined]) {
    const finding = versionFinding(runs, '0.1.0')
    assert.match(
      finding.said,
      /^Beryl (0\.0\.9|of an older version) runs, and 0\.1\.0 is installed$/,
    )
    assert.match(
      'fix' in finding ? finding.fix : '',
      /beryl up --take-over: no connection is dropped/,
    )
  }
})

test('errors of the last day are shown with the last of them; older ones and other lines are not', () => {
  const directory = dataDirectory(join(root, 'logs-of'))
  mkdirSync(directory.logs, { recursive: true })
  const now = Date.now()
  assert.deepEqual(
    errorFindings(directory).map(({ level }) => level),
    ['ok'],
  )
  const lines = [
    { level: 50, time: now - 48 * 3600 * 1000, msg: 'old' },
    { level: 50, time: now - 2000, msg: 'route: a worker was late' },
    { level: 60, time: now - 1000, msg: 'could not be written', error: 'disk is full' },
    { level: 30, time: now, msg: 'recovered' },
  ].map((line) => JSON.stringify(line))
  writeFileSync(join(directory.logs, 'controller.log'), [...lines, 'no JSON', ''].join('\n'))
  const [finding, ...others] = errorFindings(directory, now)
  assert.deepEqual(others, [])
  assert.ok(finding?.level === 'warning')
  assert.match(
    finding.said,
    /^controller: 2 errors in 24 h, the last at .*: could not be written: disk is full$/,
  )
  assert.match(finding.fix, /^read .*controller\.log$/)
})
