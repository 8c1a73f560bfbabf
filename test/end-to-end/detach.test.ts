/** `beryl up --detach` and `beryl down`, and what they say where they cannot. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../bin/beryl.js', import.meta.url))
const model = fileURLToPath(new URL('../fixtures/model.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-story-'))
const [file, data] = [join(directory, 'beryl.yaml'), join(directory, 'data')]
const manifest = (listen: string) => `apiVersion: beryl/v1
gateway: { listen: ${listen} }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    environment: { provider: process, command: [${process.execPath}, ${model}, "{model}", "{port}"] }
    versions: { v1: { model: ./v1.json } }
`
const beryl = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) =>
    execFile(process.execPath, [program, ...args, '--data', data], (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    ),
  )

after(async () => {
  await beryl('down')
  rmSync(directory, { recursive: true, force: true })
})

test('it comes up in the background, answers, and is stopped by `down`, once', async () => {
  writeFileSync(file, manifest('127.0.0.1:0'))
  writeFileSync(join(directory, 'v1.json'), '{"answer":"one"}')
  const up = await beryl('up', '-f', file, '--detach')
  assert.equal(up.code, 0, up.err)
  assert.match(up.out, /in the background \(pid \d+\)/)
  assert.equal((await beryl('status')).code, 0)
  const second = await beryl('up', '-f', file, '--detach')
  assert.equal(second.code, 1)
  assert.match(second.err, /another `beryl up` runs/)
  const down = await beryl('down')
  assert.equal(down.code, 0, down.err)
  const again = await beryl('down')
  assert.equal(again.code, 1)
  assert.match(again.err, /no Beryl runs on/)
})

test('what keeps it from coming up is said here, not only in a log', async () => {
  writeFileSync(file, manifest('192.0.2.1:1'))
  const taken = await beryl('up', '-f', file, '--detach')
  assert.equal(taken.code, 1)
  assert.match(taken.err, /Beryl did not come up/)
  assert.match(taken.err, /192\.0\.2\.1/)
  writeFileSync(file, manifest('nowhere'))
  const broken = await beryl('up', '-f', file, '--detach')
  assert.equal(broken.code, 2)
  assert.match(broken.err, /gateway\.listen: expected host:port/)
})
