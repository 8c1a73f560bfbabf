import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProcessSpec } from '../provider.ts'
import { eventuallySeen, specOf } from '../testing.ts'
import { askJson, fixture, withProvider } from './bench.ts'
import { marked } from './marks.ts'

type Said = { pid: number; directory: string; args: string[]; env: Record<string, string> }

test('a model server gets its port, its mark and its variables, and none of what is private to Beryl', async () => {
  process.env['BERYL_TOKEN'] = 'secret'
  process.env['BERYL_CONTROLLER'] = '{}'
  process.env['FROM_OUTSIDE'] = 'inherited'
  try {
    await withProvider(async (provider, { directory }) => {
      const env = { ADDRESS: 'at:{port}', PORT: 'mine' }
      const spec = specOf(fixture('serves.js', '--port={port}'), { env, directory })
      await provider.start(spec)
      const { port, pid } = await eventuallySeen(provider, spec.id, 'ready')
      const said = (await askJson<Said>(`http://127.0.0.1:${port}/`))!
      assert.equal(said.pid, pid)
      assert.deepEqual(said.args, [`--port=${port}`])
      assert.equal(said.directory, directory)
      const { PORT, ADDRESS, FROM_OUTSIDE, CUDA_VISIBLE_DEVICES } = said.env
      assert.deepEqual(
        { PORT, ADDRESS, FROM_OUTSIDE, CUDA_VISIBLE_DEVICES },
        {
          PORT: String(port),
          ADDRESS: `at:${port}`,
          FROM_OUTSIDE: 'inherited',
          CUDA_VISIBLE_DEVICES: process.env['CUDA_VISIBLE_DEVICES'],
        },
      )
      const ours = Object.entries(said.env).filter(([name]) => name.startsWith('BERYL_'))
      assert.deepEqual(ours, [['BERYL_REPLICA', spec.id]])
    })
  } finally {
    for (const name of ['BERYL_TOKEN', 'BERYL_CONTROLLER', 'FROM_OUTSIDE']) delete process.env[name]
  }
})

test(
  'a model server leads a session of its own',
  { skip: process.platform !== 'linux' },
  async () => {
    await withProvider(async (provider) => {
      const spec = specOf(fixture('serves.js'))
      await provider.start(spec)
      const { pid } = await eventuallySeen(provider, spec.id, 'ready')
      assert.deepEqual(
        marked(spec.id).map(({ group, session }) => ({ group, session })),
        [{ group: pid, session: pid }],
      )
    })
  },
)

test('a command that cannot be run has failed at once, and the reason says what to look at', async () => {
  await withProvider(async (provider, { directory }) => {
    const script = join(directory, 'not-executable')
    await writeFile(script, '#!/bin/sh\n', { mode: 0o644 })
    const cases: [readonly string[], Partial<ProcessSpec>, RegExp][] = [
      [['no-such-server', '{port}'], {}, /"no-such-server" in .*: there is no such command/],
      [[script], {}, /this user may not execute it/],
      [fixture('serves.js'), { directory: join(directory, 'nowhere') }, /no such directory/],
      [['bad\0name'], {}, /cannot run/],
    ]
    for (const [command, change, reason] of cases) {
      const spec = specOf(command, change)
      await provider.start(spec)
      const { state } = await eventuallySeen(provider, spec.id, 'failed')
      assert.match(state.name === 'failed' ? state.because : '', reason)
    }
  })
})

test('a model server starts although its log cannot be written', async () => {
  await withProvider(async (provider, { logDirectory }) => {
    await writeFile(logDirectory, 'a file where the directory should be')
    const spec = specOf(fixture('serves.js'))
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    assert.deepEqual(await provider.lastLines(spec.id, 5), [])
  })
})

test('what a model server prints is appended to the log of its replica', async () => {
  await withProvider(async (provider, { logDirectory }) => {
    const spec = specOf(fixture('serves.js'))
    await mkdir(logDirectory)
    await writeFile(join(logDirectory, `${spec.id}.log`), 'before\n')
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    assert.deepEqual(await provider.lastLines(spec.id, 9), ['before', 'first line', 'listening'])
  })
})
