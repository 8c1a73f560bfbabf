import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { logFilesIn } from './log-files.ts'

const mebibyte = 1024 * 1024

test('a log over its size is moved away and cut while the writer goes on, and one old one is kept', () =>
  inDirectory(async (directory) => {
    const logs = logFilesIn(directory)
    const writer = logs.open('a')
    assert.ok(typeof writer === 'number')
    for (const round of ['first', 'second']) {
      writeSync(writer, `${'x'.repeat(10 * mebibyte)}\n${round} end\n`)
      await logs.rotate('a')
      writeSync(writer, `after the ${round}\n`)
      assert.ok(statSync(join(directory, 'a.log')).size < 100)
      assert.ok(statSync(join(directory, 'a.log.1')).size <= 10 * mebibyte)
    }
    logs.close(writer)
    assert.deepEqual(readdirSync(directory).toSorted(), ['a.log', 'a.log.1'])
    assert.deepEqual(logs.lastLines('a', 2), ['second end', 'after the second'])
  }))

test('a log under its size is left as it is', () =>
  inDirectory(async (directory) => {
    writeFileSync(join(directory, 'a.log'), 'x'.repeat(9 * mebibyte))
    await logFilesIn(directory).rotate('a')
    assert.deepEqual(readdirSync(directory), ['a.log'])
  }))

test('a log that cannot be moved away is cut all the same', () =>
  inDirectory(async (directory) => {
    writeFileSync(join(directory, 'a.log'), 'x'.repeat(11 * mebibyte))
    mkdirSync(join(directory, 'a.log.1'))
    await logFilesIn(directory).rotate('a')
    assert.equal(statSync(join(directory, 'a.log')).size, 0)
  }))

test('of the replicas that are gone, each service keeps the last twenty logs', () =>
  inDirectory(async (directory) => {
    const write = (id: string, age: number) => {
      for (const name of [`${id}.log`, `${id}.log.1`]) {
        writeFileSync(join(directory, name), id)
        utimesSync(join(directory, name), 1e9 - age, 1e9 - age)
      }
    }
    for (let age = 0; age < 23; age++) write(`chat-green-blue-r1-${age}`, age)
    write('other-green-r1-0', 99)
    write('chat-green-blue-r1-running', 100)
    const logs = logFilesIn(directory)
    logs.tidy(new Set(['chat-green-blue-r1-running']))
    const left = readdirSync(directory).filter((name) => name.endsWith('.log'))
    assert.equal(left.length, 22)
    assert.equal(readdirSync(directory).length, 44)
    for (const gone of [20, 21, 22]) assert.ok(!left.includes(`chat-green-blue-r1-${gone}.log`))
  }))

test('where nothing can be written or read, nothing is thrown', async () => {
  const logs = logFilesIn(join(process.execPath, 'not-a-directory'))
  assert.equal(logs.open('a'), 'ignore')
  logs.close('ignore')
  await logs.rotate('a')
  logs.tidy(new Set())
  assert.deepEqual(logs.lastLines('a', 3), [])
})

async function inDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-logs-'))
  try {
    await act(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
