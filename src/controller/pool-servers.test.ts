/** Servers of pools that Beryl starts: there as long as the manifest asks for them, at their addresses, whoever dies. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../config/manifest.ts'
import { pool } from '../config/pools.ts'
import { processProvider } from '../providers/process/process-provider.ts'
import { freePort } from '../providers/process/ports.ts'
import { eventually, journalFake, silentLog } from '../providers/testing.ts'
import { keepPoolServers, poolServersOf } from './pool-servers.ts'

const program = fileURLToPath(new URL('../../examples/pool/server.ts', import.meta.url))
const poolsOf = (port: number, more: object = {}): Manifest['pools'] => ({
  spare: pool.parse({
    url: `http://127.0.0.1:${port}`,
    models: 2,
    start: { command: [process.execPath, program, '--port', '{port}'], ...more },
  }),
})

test('it is started at its address, again when it dies, taken up by the next controller, anew when its command changes, and ended when nobody asks', async () => {
  const logDirectory = mkdtempSync(join(tmpdir(), 'beryl-pool-servers-'))
  const journal = journalFake()
  const open = async () => {
    const provider = processProvider({ journal, logDirectory, gpuSlots: [], log: silentLog })
    await provider.open()
    return provider
  }
  const port = await freePort('127.0.0.1', new Set())
  let pools = poolsOf(port)
  const wanted = () => poolServersOf(pools, process.cwd())
  let provider = await open()
  let keeping = keepPoolServers({ provider, wanted })
  const ready = () => provider.look().find(({ state }) => state.name === 'ready')
  const answers = () => fetch(`http://127.0.0.1:${port}/v2/health/live`).catch(() => null)
  try {
    const first = await eventually('it to answer', ready, () => provider.look())
    assert.deepEqual(
      [first.port, first.service, (await answers())?.status],
      [port, 'pool spare', 200],
    )
    process.kill(first.pid!, 'SIGKILL')
    const second = await eventually('another process', () => {
      const one = ready()
      return one?.pid === first.pid ? null : one
    })
    assert.deepEqual([second.id, second.port, second.restarts], [first.id, port, 1])

    keeping.stop()
    await provider.close()
    provider = await open()
    keeping = keepPoolServers({ provider, wanted })
    assert.equal((await eventually('it to be taken up', ready)).pid, second.pid)

    pools = poolsOf(port, { env: { OTHER: '1' } })
    await keeping.look()
    const third = await eventually('one by the new command', () => {
      void keeping.look()
      const one = ready()
      return one?.id === first.id ? null : one
    })
    assert.deepEqual([third.port, provider.look().length], [port, 1])

    pools = {}
    await keeping.look()
    await eventually('none', () => provider.look().length === 0)
    assert.equal(await answers(), null)
  } finally {
    keeping.stop()
    for (const { id } of provider.look()) await provider.stop(id)
    await eventually('none', () => provider.look().length === 0)
    await provider.close()
    rmSync(logDirectory, { recursive: true, force: true })
  }
})

test('where its port is taken it waits, and says so; one that was given up is tried again after a while', async () => {
  const logDirectory = mkdtempSync(join(tmpdir(), 'beryl-pool-servers-'))
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const journal = journalFake()
  const provider = processProvider({ journal, logDirectory, gpuSlots: [], log: silentLog })
  await provider.open()
  let pools = poolsOf(port)
  let at = 0
  const wanted = () => poolServersOf(pools, process.cwd())
  const keeping = keepPoolServers({ provider, wanted, now: () => at })
  const only = () => provider.look()[0]
  try {
    await eventually('it to say so', () => {
      const state = only()?.state
      return (
        state?.name === 'starting' &&
        'because' in state &&
        /is taken by another/.test(state.because)
      )
    })
    await new Promise((resolve) => other.close(resolve))
    await eventually('it to answer', () => only()?.state.name === 'ready')
    pools = poolsOf(port, { command: ['/there/is/none'] })
    await keeping.look()
    const failed = await eventually('it to be given up', () => {
      void keeping.look()
      return only()?.state.name === 'failed' ? only() : null
    })
    await keeping.look()
    assert.equal(only()!.startedAt, failed.startedAt)
    at += 60_000
    await keeping.look()
    await eventually('another try', () => {
      void keeping.look()
      return only() !== undefined && only()!.startedAt > failed.startedAt
    })
  } finally {
    keeping.stop()
    pools = {}
    for (const { id } of provider.look()) await provider.stop(id)
    await eventually('none', () => provider.look().length === 0)
    await provider.close()
    rmSync(logDirectory, { recursive: true, force: true })
  }
})
