/**
 * Which replicas may be chosen: main alone decides. A replica is left out when requests failed on it again and again
 * (passive, workers say so) or when it does not answer its health check (active); never the last one of its environment:
 * a guess is better than a refusal. It is taken back once it answers.
 */
import { connect } from 'node:net'
import { log } from '../log.ts'
import { askHttp2 } from '../probe/ask-http2.ts'
import { requestTo } from '../probe/request-to.ts'
import { peerTrouble } from '../tls/peer.ts'
import type { Alive } from './control.ts'
import type { Shared } from './shared.ts'
import type { SlotKey, openSlots } from './slots.ts'
import type { Server } from './wire/wire.ts'

/** The clock that all checks hang on. */
const tickMs = 100
/** One that was left out is asked this often, and not sooner after it was. */
const againMs = 500
/** Checks under way at once: a thousand silent replicas must not take all descriptors. */
const checksMax = 64
/** Where a table says nothing of health checks, a connection that is accepted is one. */
const plain: Alive = { path: '', everyMs: 5000, timeoutMs: 1000, failures: 3 }

type Asked = Alive & Pick<Server, 'speaks' | 'tls'>

type Check = { id: string; dueAt: number; failed: number; asking: boolean }

export function openHealth({
  shared,
  slots,
  aliveOf,
  ejected = () => {},
}: {
  shared: Shared
  slots: ReturnType<typeof openSlots>
  /** How a replica's environment is to be checked; undefined where its table does not say. */
  aliveOf: (key: SlotKey) => Asked | undefined
  /** Told of each one that is left out. */
  ejected?: (key: SlotKey) => void
}) {
  const checks = new Map<number, Check>()
  let asking = 0
  const clock = setInterval(tick, tickMs)
  clock.unref()
  return {
    /** A worker saw a replica fail three times in a row. */
    failing(slot: number): void {
      const key = slots.keyOf(slot)
      if (key !== null) eject(slot, key, 'it failed three times in a row')
    },
    close: () => clearInterval(clock),
  }

  function tick(): void {
    const now = performance.now()
    const standing = slots.all()
    for (const { slot, key } of standing) {
      const alive = aliveOf(key)
      const known = checks.get(slot)
      const check =
        known?.id === key.id
          ? known
          : { id: key.id, dueAt: now + againMs, failed: 0, asking: false }
      checks.set(slot, check)
      // Without a check of its own only one that was left out is asked: does it accept connections again?
      if (check.asking || now < check.dueAt || (alive === undefined && !isEjected(slot))) continue
      if (asking >= checksMax) return
      void ask(slot, key, check, alive ?? plain)
    }
    if (checks.size > standing.length) forget(new Set(standing.map(({ slot }) => slot)))
  }

  async function ask(slot: number, key: SlotKey, check: Check, alive: Asked): Promise<void> {
    asking++
    check.asking = true
    const why = await asked(key, alive)
    asking--
    check.asking = false
    // Its place may belong to another one by now.
    if (slots.keyOf(slot)?.id !== key.id) return
    check.failed = why === null ? 0 : check.failed + 1
    if (why === null) takeBack(slot, key)
    else if (check.failed >= alive.failures) eject(slot, key, why)
    check.dueAt =
      performance.now() + (isEjected(slot) ? Math.min(againMs, alive.everyMs) : alive.everyMs)
  }

  function eject(slot: number, key: SlotKey, why: string): void {
    if (isEjected(slot)) return
    const others = slots
      .all()
      .filter(
        (one) =>
          one.slot !== slot &&
          one.key.service === key.service &&
          one.key.environment === key.environment &&
          !isEjected(one.slot),
      )
    if (others.length === 0) return
    Atomics.store(shared.ejected, slot, 1)
    const check = checks.get(slot)
    if (check !== undefined) check.dueAt = performance.now() + againMs
    log.warn({ service: key.service, replica: key.id, why }, 'left out')
    ejected(key)
  }

  function takeBack(slot: number, key: SlotKey): void {
    if (!isEjected(slot)) return
    Atomics.store(shared.failures, slot, 0)
    Atomics.store(shared.ejected, slot, 0)
    log.info({ service: key.service, replica: key.id }, 'answers again, and is taken back')
  }

  function isEjected(slot: number): boolean {
    return Atomics.load(shared.ejected, slot) === 1
  }

  function forget(standing: ReadonlySet<number>): void {
    for (const slot of checks.keys()) if (!standing.has(slot)) checks.delete(slot)
  }
}

function asked(key: SlotKey, { speaks, ...alive }: Asked): Promise<string | null> {
  if (alive.path === '') return accepts(key, alive)
  return speaks === undefined ? answers(key, alive) : askHttp2({ ...key, ...alive, speaks })
}

/** @returns null for 2xx in time, else why not */
function answers({ host, port }: SlotKey, { path, timeoutMs, tls }: Asked): Promise<string | null> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs)
    // A connection of its own: a kept one would say nothing about new ones.
    const headers = { connection: 'close', 'user-agent': 'beryl-health' }
    const request = requestTo({ host, port, path, tls, headers, signal }, (response) => {
      response.on('error', () => {})
      response.resume()
      const { statusCode = 0 } = response
      resolve(statusCode >= 200 && statusCode < 300 ? null : `GET ${path} answers ${statusCode}`)
    })
    request.end()
    request.on('error', (error) =>
      resolve(signal.aborted ? `GET ${path}: no answer in ${timeoutMs} ms` : peerTrouble(error)),
    )
  })
}

function accepts({ host, port }: SlotKey, { timeoutMs }: Alive): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (why: string | null) => {
      socket.destroy()
      resolve(why)
    }
    socket.once('connect', () => end(null))
    socket.once('timeout', () => end(`no connection in ${timeoutMs} ms`))
    socket.once('error', (error) => end(error.message))
  })
}
