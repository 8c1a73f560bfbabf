import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { Alive } from './control.ts'
import { openHealth } from './health.ts'
import { makeShared, openShared } from './shared.ts'
import { openSlots } from './slots.ts'

const open: { close(): void }[] = []
after(() => open.forEach((one) => one.close()))

/** A replica whose health can be changed; counts how often it was asked. */
async function replica() {
  const state = { status: 200, silent: false, asked: 0 }
  const server: Server = createServer((request, response) => {
    state.asked++
    if (!state.silent) response.writeHead(state.status).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  open.push({ close: () => (server.closeAllConnections(), server.close()) })
  return { state, port: (server.address() as AddressInfo).port, server }
}

function environmentOf(ports: readonly number[], alive?: Alive) {
  const shared = openShared(makeShared(1))
  const slots = openSlots(shared)
  const taken = ports.map((port, index) =>
    slots.replica({ service: 's', environment: 'blue', id: `r${index}`, host: '127.0.0.1', port }),
  )
  const health = openHealth({ shared, slots, aliveOf: () => alive })
  open.push(health)
  return { health, out: (index: number) => Atomics.load(shared.ejected, taken[index]!) === 1 }
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 10))
}

const alive: Alive = { path: '/healthz', everyMs: 50, timeoutMs: 100, failures: 2 }

test('a replica that answers its check with an error, or not at all, is left out, and taken back when it answers', async () => {
  const [sick, well] = [await replica(), await replica()]
  const { out } = environmentOf([sick.port, well.port], alive)
  for (const trouble of [{ status: 503 }, { silent: true }]) {
    Object.assign(sick.state, trouble)
    await until(() => out(0))
    assert.ok(!out(1))
    Object.assign(sick.state, { status: 200, silent: false })
    await until(() => !out(0))
  }
})

test('the last one of an environment is never left out', async () => {
  const [one, two] = [await replica(), await replica()]
  const { out } = environmentOf([one.port, two.port], alive)
  Object.assign(one.state, { status: 500 })
  Object.assign(two.state, { status: 500 })
  const asked = two.state.asked
  await until(() => two.state.asked > asked + 10 && (out(0) || out(1)))
  assert.notEqual(out(0), out(1), 'one of the two stays')
})

test('one that workers saw failing is left out at once, and asked before it is taken back', async () => {
  const [failing, well] = [await replica(), await replica()]
  const { health, out } = environmentOf([failing.port, well.port])
  health.failing(0)
  assert.ok(out(0))
  await until(() => !out(0))
  failing.server.close()
  failing.server.closeAllConnections()
  health.failing(0)
  assert.ok(out(0))
})
