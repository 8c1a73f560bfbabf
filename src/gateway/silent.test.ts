/** Connections that say nothing, to a gateway of its own: what they cost, and that they cost others nothing. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { openGateway, openModel, placed, saying, tableOf } from './testing/gateway.ts'

/** The gateway has one descriptor for each, and so has this process. */
const count = Math.min(10_000, descriptorsMax() - 1000)
const perConnectionMaxBytes = 10 * 1024

test(`${count} connections that send nothing: memory stays bounded, and others are served`, async () => {
  const model = await openModel(saying('served'))
  const gateway = await openGateway({ workers: 1 })
  const silent: Socket[] = []
  try {
    const table = tableOf(1, 'blue', { blue: placed('v1', [model.port]) })
    await gateway.client.putTable('s', { table, back: null })
    await gateway.ask()
    const before = memoryOf(gateway.pid())
    while (silent.length < count) {
      const some = Array.from({ length: Math.min(250, count - silent.length) }, () =>
        connect({ port: gateway.port, host: '127.0.0.1' }),
      )
      silent.push(...some)
      await Promise.all(some.map((one) => new Promise((resolve) => one.once('connect', resolve))))
    }
    assert.equal((await gateway.ask()).text, 'served')
    const each = (memoryOf(gateway.pid()) - before) / count
    assert.ok(each < perConnectionMaxBytes, `${each.toFixed(0)} bytes for each`)
    assert.ok(silent.every((one) => !one.destroyed))
  } finally {
    for (const one of silent) one.destroy()
    await gateway.close()
    model.close()
  }
})

function memoryOf(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kb) * 1024
}

function descriptorsMax(): number {
  const [, , hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(
    readFileSync('/proc/self/limits', 'utf8'),
  )!
  return hard === 'unlimited' ? Infinity : Number(hard)
}
