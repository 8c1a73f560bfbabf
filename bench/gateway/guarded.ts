/** A gateway under all the load that the machine gives, with and without a controller that reads and judges what it saw. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Read } from '../guard/reader.ts'
import type { Work } from './more.ts'
import { load } from './others.ts'
import { beryl } from './proxies.ts'
import type { BerylProxy } from './proxies.ts'

const connections = 32
const [warmRounds, rounds] = [3, 5]
/** Bounded: what the reader has not taken by then it never will. */
const catchUpMs = 10_000

export type Guarded = {
  /** Of the gateway with a reader to one that nobody reads, in the same round. */
  cpu: number[]
  p50: number[]
  perSecond: number
  /** Of the reader with its guard, for each request. */
  micros: number
  /** Of all requests: those it never saw. */
  missing: number
  decision: string | null
}

export async function guarded(model: number, work: Work): Promise<Guarded> {
  const [read, alone] = [await beryl([model, model]), await beryl([model, model])]
  const reader = fork(fileURLToPath(new URL('../guard/reader.ts', import.meta.url)), [
    read.controlSocket,
  ])
  process.once('exit', () => reader.kill())
  const ask = async (): Promise<Read> => {
    reader.send('how far?')
    return (await once(reader, 'message'))[0] as Read
  }
  const found = { cpu: [] as number[], p50: [] as number[] }
  let [first, asked, ms]: [Read | null, number, number] = [null, 0, 0]
  try {
    for (let round = 0; round < warmRounds + rounds; round++) {
      if (round === warmRounds) first = await ask()
      const isWarm = round >= warmRounds
      await emptied(alone)
      const one = await cost(read, work, () => caughtUp(ask, asked + work.count))
      asked += work.count
      const other = await cost(alone, work, () => Promise.resolve())
      if (!isWarm) continue
      found.cpu.push(one.cpu / other.cpu)
      found.p50.push(one.p50 / other.p50)
      ms += one.ms
    }
    const last = await ask()
    return {
      ...found,
      perSecond: (work.count * rounds * 1000) / ms,
      micros: ((last.cpuS - first!.cpuS) * 1e6) / (work.count * rounds),
      missing: 1 - last.taken / asked,
      decision: last.decision,
    }
  } finally {
    reader.kill()
    for (const proxy of [read, alone]) await proxy.stop()
  }
}

async function cost(proxy: BerylProxy, work: Work, done: () => Promise<void>) {
  const before = proxy.cpu()
  const { p50, ms } = await load({ port: proxy.port, ...work, connections })
  await done()
  return { cpu: proxy.cpu() - before, p50, ms }
}

/** Reading costs the gateway something too, and belongs to the round whose requests are read. */
async function caughtUp(ask: () => Promise<Read>, asked: number): Promise<void> {
  for (const until = Date.now() + catchUpMs; Date.now() < until; await wait(20)) {
    const { taken, missing } = await ask()
    if (taken + missing >= asked) return
  }
}

/** Between rounds, so that it notes what it sees in the next one too: a gateway that is full notes nothing. */
async function emptied({ client }: BerylProxy): Promise<void> {
  const { run } = await client.state()
  for (let after = 0; ;) {
    const { items, next } = await client.observations(run, after)
    if (items.length === 0) return
    after = next
  }
}
