/**
 * What the controller pays at so many requests a second, at their real pace: the gateway's pages as text → counters, curves, the line
 * in assignment order, the watch, and the journal. Nothing of it is on a request's path; here is one core's share of it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ControllerStore } from '../../src/controller/store.ts'
import type { GatewayClient } from '../../src/gateway/client.ts'
import type { GatewayState, Observation, Observations } from '../../src/gateway/control.ts'
import { seeded } from '../../src/statistics/testing/random.ts'
import { openStore } from '../../src/storage/store.ts'
import { readerOf, watchedRelease } from './watched.ts'

const pageOf = 2000
const [run, began] = ['run', Date.now()]

export type Paid = {
  /** Of one core. */
  share: number
  nsEach: number
  taken: number
  /** Of all that the gateway saw; 0 unless it could not keep up. */
  missing: number
}

/** @param known the old version's rate is: the guard then judges a part, chosen by numbers. Else, of a first release, everything. */
export async function paid(perSecond: number, seconds: number, known: boolean): Promise<Paid> {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-bench-guard-'))
  const store = openStore(join(directory, 'beryl.db')) as ControllerStore
  try {
    return await measured(store, { perSecond, seconds, known })
  } finally {
    store.close()
    rmSync(directory, { recursive: true })
  }
}

async function measured(
  store: ControllerStore,
  { perSecond, seconds, known }: { perSecond: number; seconds: number; known: boolean },
): Promise<Paid> {
  const release = watchedRelease(store, { service: 'tiny', release: 'r1', perSecond, known })
  const pages = pagesOf(perSecond, seconds)
  let start = Infinity
  let taken = 0
  const observations = (_: string, after: number): Promise<Observations> => {
    const page = after / pageOf
    const here = Math.floor(((performance.now() - start) / 1000) * perSecond) / pageOf
    if (page >= Math.min(here, pages.length))
      return Promise.resolve({ run, next: after, items: [], gaps: [] })
    taken = after + pageOf
    return Promise.resolve(JSON.parse(pages[page]!) as Observations)
  }
  const watching = readerOf(store, { observations } as unknown as GatewayClient)
  const state = stateAt(0)
  await watching.take(state)
  watching.begin(release)
  const before = process.cpuUsage()
  start = performance.now()
  // Beside other work it may fall behind: it is measured until it has taken everything, or nearly.
  while (taken < pages.length * pageOf && performance.now() - start < seconds * 4000) {
    await watching.take(state)
    watching.judge(release)
    await wait(100)
  }
  const { user, system } = process.cpuUsage(before)
  const spent = (user + system) / 1e6
  return {
    share: (spent / taken) * perSecond,
    nsEach: (spent * 1e9) / taken,
    taken,
    missing: 1 - taken / (pages.length * pageOf),
  }
}

function stateAt(assigned: number): GatewayState {
  const replicas = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, {}]))
  return {
    run,
    services: { tiny: { assigned, replicas, table: { environments: {} } } },
  } as unknown as GatewayState
}

function pagesOf(perSecond: number, seconds: number): string[] {
  const random = seeded(1)
  return Array.from({ length: Math.floor((perSecond * seconds) / pageOf) }, (_, page) => {
    const items = Array.from({ length: pageOf }, (__, k): Observation => {
      const seq = page * pageOf + k
      const isBad = random.chance(0.01)
      return {
        service: 'tiny',
        environment: 'green',
        version: 'v2',
        release: 'r1',
        replica: 'abcd'[Math.floor(random.uniform() * 4)]!,
        generation: 5,
        client: 0,
        seq,
        at: began + (seq / perSecond) * 1000,
        outcome: isBad ? 'error-status' : 'ok',
        status: isBad ? 500 : 200,
        firstByteMs: 5 + 20 * random.uniform(),
        totalMs: 10 + 50 * random.uniform(),
      }
    })
    return JSON.stringify({ run, next: (page + 1) * pageOf, items, gaps: [] })
  })
}
