/**
 * One gateway hands over to the next, and no connection is dropped (rulings §7). Both hold the same sockets. The next one starts, and
 * is ready but for listening; it asks the one before to leave, and is told all routes; it takes its place at the control socket,
 * listens, and tells the one before to close. That one ends what it has begun, is heard out, hands on its counts, and ends.
 */
import { rmSync, writeFileSync } from 'node:fs'
import type { Hono } from 'hono'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { identityOf, isAlive, readIdentity } from '../ipc/identity.ts'
import { isNobodyThere, ProblemError } from '../ipc/problem.ts'
import { serveSocket } from '../ipc/serve.ts'
import type { ServedSocket } from '../ipc/serve.ts'
import { log } from '../log.ts'
import { gatewayClient } from './client.ts'
import type { GatewayMetrics, Leaving, Left } from './control.ts'
import type { Crew } from './crew.ts'
import type { HeldSockets } from './held-sockets.ts'
import { loadRoutes } from './routes-file.ts'
import { holdMaxMs, holdRequests, letRequestsGo } from './shared.ts'
import type { Shared } from './shared.ts'
import type { Cuts, Switchboard } from './switchboard.ts'

/** Two gateways live no longer than this. */
export const handOverMs = 60_000
/** Of it, at its end: until what it saw is taken, and its counts are handed on. */
const farewellMs = 5000
/** A successor that asked and did not come. */
const doubtMs = 15_000
const pollMs = 50

export type HandOver = ReturnType<typeof openHandOver>

export function openHandOver({
  directory,
  apps,
  shared,
  crew,
  switchboard,
  held,
  metrics,
  listen,
  isHeardOut,
  limitMs = handOverMs,
  ended,
}: {
  directory: DataDirectory
  /** `front`: while it leaves, whoever asks there takes it for another. `aside`: who knows that it leaves. */
  apps: { front: Hono; aside: Hono }
  shared: Shared
  crew: Crew
  switchboard: Switchboard
  held: HeldSockets
  metrics: () => GatewayMetrics
  /** Every worker, which has waited for it. */
  listen: () => Promise<unknown>
  /** All that was seen has been taken. */
  isHeardOut: () => boolean
  limitMs?: number | undefined
  /** It has left: the process may end. */
  ended: () => void
}) {
  const own = gatewayClient(directory.socket('gateway'))
  const before = gatewayClient(directory.socket('leaving'))
  let control: ServedSocket | null = null
  let aside: ServedSocket | null = null
  let isListening = false
  let leaving: Leaving | null = null
  let doubt: NodeJS.Timeout | null = null
  let holding: NodeJS.Timeout | null = null

  return {
    isListening: () => isListening,
    leaving: () => leaving,
    /** Another gateway that left to this one, or to one that died since, still ends what it has begun. */
    predecessorLives(): boolean {
      const one = readIdentity(directory.process('gateway-leaving'))
      return one !== null && one.pid !== process.pid && isAlive(one)
    },
    serve,
    takeOver,
    leave,
    close,
    stay,
    hold,
    told(): void {
      if (leaving !== null) leaving = { ...leaving, cut: {} }
    },
    async stop(): Promise<void> {
      for (const timer of [doubt, holding]) if (timer !== null) clearTimeout(timer)
      await Promise.all([control?.close(), aside?.close()])
    },
  }

  /** It is the one that is asked, and listens already. */
  async function serve(): Promise<void> {
    await held.place()
    control = await serveSocket(apps.front, directory.socket('gateway'))
    isListening = true
  }

  /** @throws when the one before does not leave: then nothing has changed */
  async function takeOver(): Promise<void> {
    const left = await askToLeave()
    await switchboard.follow(left?.services ?? loadRoutes(directory.routes).services)
    if (left !== null) writeIdentity('gateway-leaving', left.identity)
    writeIdentity('gateway', identityOf(process.pid))
    control = await serveSocket(apps.front, directory.socket('gateway'))
    await held.place()
    await listen()
    isListening = true
    if (left === null) return
    await before.close().catch((error: unknown) => {
      log.warn({ error: (error as Error).message }, 'the gateway before this one was not told')
    })
  }

  /** One that was asked by a successor which died answers aside. Null: nobody is there. */
  async function askToLeave(): Promise<Left | null> {
    for (const one of [before, own]) {
      try {
        return await one.leave()
      } catch (error) {
        if (isNobodyThere(error)) continue
        const isOld = error instanceof ProblemError && error.problem.code === 'not-found'
        throw isOld
          ? new Error('the gateway that runs is of an older Beryl, and cannot hand over')
          : error
      }
    }
    return null
  }

  async function leave(): Promise<Left> {
    if (leaving?.isClosed === true)
      throw new ProblemError({
        status: 409,
        code: 'handing-over',
        title: 'this gateway has left to another one already',
      })
    if (leaving === null) {
      const since = Date.now()
      const state = { isClosed: false, isOver: false, cut: {} }
      leaving = { since, until: since + limitMs, ...state }
      aside = await serveSocket(apps.aside, directory.socket('leaving'))
      doubt = setTimeout(() => void inDoubt(), doubtMs)
      log.info({}, 'another gateway is to take over: its routes are handed on')
    }
    const services = await switchboard.leave()
    // Who asks here from now on asks in vain, until the other one has taken the place.
    control?.leave()
    return { identity: identityOf(process.pid)!, services }
  }

  function close(): void {
    if (leaving === null || leaving.isClosed) return
    if (doubt !== null) clearTimeout(doubt)
    leaving = { ...leaving, isClosed: true }
    isListening = false
    log.info({}, 'another gateway listens: no new connections; those that stand may end')
    void end()
  }

  async function end(): Promise<void> {
    const { until } = leaving!
    const farewell = Math.min(farewellMs, limitMs / 2)
    const inTime = await crew.leave(until - farewell - Date.now())
    const cut = inTime ? {} : await switchboard.cutAll()
    if (Object.keys(cut).length > 0) log.warn({ cut: idsOf(cut) }, 'cut what was still open')
    await switchboard.flush()
    leaving = { ...leaving!, isOver: true, cut }
    let isTold = false
    while (Date.now() < until) {
      isTold ||= await own.inherit(metrics()).then(
        () => true,
        () => false,
      )
      if (isTold && isHeardOut() && Object.keys(leaving.cut).length === 0) break
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
    rmSync(directory.process('gateway-leaving'), { force: true })
    ended()
  }

  /** Whoever asked may have died before it listened. */
  async function inDoubt(): Promise<void> {
    const there = await own.state().catch(() => null)
    if (there?.isListening === true) return close()
    log.error({}, 'the gateway that was to take over did not come: this one goes on')
    await stay().catch((error: unknown) => log.error({ error: (error as Error).message }, 'stay'))
  }

  async function stay(): Promise<void> {
    if (leaving === null) return
    if (leaving.isClosed)
      throw new ProblemError({
        status: 409,
        code: 'handing-over',
        title: 'this gateway takes no new connections any more',
      })
    if (doubt !== null) clearTimeout(doubt)
    leaving = null
    // Who was to take over may have been told something in the meantime.
    await switchboard.follow(loadRoutes(directory.routes).services)
    writeIdentity('gateway', identityOf(process.pid))
    rmSync(directory.process('gateway-leaving'), { force: true })
    control = await serveSocket(apps.front, directory.socket('gateway'))
    await held.place()
    aside?.leave()
    aside = null
  }

  /** Until the way back is stored here too; should nobody say so, by what the other one wrote down. */
  function hold(): void {
    if (leaving === null) return
    holdRequests(shared)
    if (holding !== null) clearTimeout(holding)
    holding = setTimeout(() => {
      try {
        switchboard.catchUp(loadRoutes(directory.routes).services)
      } finally {
        letRequestsGo(shared)
      }
    }, holdMaxMs)
  }

  function writeIdentity(
    role: 'gateway' | 'gateway-leaving',
    identity: ReturnType<typeof identityOf>,
  ): void {
    if (identity !== null) writeFileSync(directory.process(role), JSON.stringify(identity))
  }
}

function idsOf(cut: Cuts): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(cut).map(([service, all]) => [service, all.map(({ requestId }) => requestId)]),
  )
}
