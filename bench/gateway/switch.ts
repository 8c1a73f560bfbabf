/**
 * The switch under load, with new and kept connections mixed, beside the ways of nginx, HAProxy and Caddy. A breach is an old answer
 * to a request that was sent after anybody had received a newer one; a single toggle with kept connections alone would prove nothing.
 * Runs with the others (`npm run bench:gateway switch`) or alone: `node bench/gateway/switch.ts [toggles of Beryl] [of the others]`.
 */
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Stored } from '../../src/gateway/control.ts'
import { caddyLoad, haproxyMap, nginxReload } from './peers-switch.ts'
import type { Switcher } from './peers-switch.ts'
import { beryl, install } from './proxies.ts'
import type { BerylProxy } from './proxies.ts'

const clients = 16
/** Reloads are slow, and break enough in so many. */
const peerToggles = 60
const services = 1000
/** A service has one route; so many services make as many routes. */
const routes = 5_000

type Seen = { number: number; sentAt: number; at: number }

/** @returns goals missed */
export async function toggles(
  upstreams: readonly [number, number],
  { count = 1000, others = peerToggles } = {},
): Promise<number> {
  const proxy = await beryl(upstreams, { workers: 2 })
  const took: number[] = []
  const stored: Stored[] = []
  const switcher: Switcher = {
    name: 'Beryl',
    port: proxy.port,
    toggle: async (number) => {
      const from = performance.now()
      stored.push(await proxy.client.putTable('bench', { table: proxy.table(number), back: null }))
      took.push(performance.now() - from)
    },
    stop: () => proxy.stop(),
  }
  console.log(
    `\nswitch: old answers after newer ones, ${clients} clients, new and kept connections mixed, two workers each`,
  )
  const { breaches, lost } = await judged(switcher, count, proxy)
  console.log(
    `  from the command: median ${at(took, 0.5)} ms, p99 ${at(took, 0.99)} ms; of it disk sync: median ${at(
      stored.map(({ syncMs }) => syncMs),
      0.5,
    )} ms, p99 ${at(
      stored.map(({ syncMs }) => syncMs),
      0.99,
    )} ms; the store: p99 ${at(
      stored.map(({ storeMs }) => storeMs),
      0.99,
    )} ms`,
  )
  await many(proxy)
  await switcher.stop()
  for (const open of [haproxyMap, nginxReload, caddyLoad]) {
    const peer = await open(upstreams)
    await judged(peer, peer.name.startsWith('HAProxy') ? count : others, null)
    await peer.stop()
  }
  return breaches + lost === 0 ? 0 : 1
}

async function judged(
  switcher: Switcher,
  count: number,
  watched: BerylProxy | null,
): Promise<{ breaches: number; lost: number }> {
  const traffic = openTraffic(switcher.port)
  const claims = watched === null ? null : openClaims(watched)
  let [breaches, broken] = [0, 0]
  for (let number = 2; number < count + 2; number++) {
    await switcher.toggle(number)
    await traffic.untilSeen(number)
    const here = traffic.take(number)
    breaches += here
    if (here > 0) broken++
  }
  const { sent, lost } = await traffic.stop()
  const goal =
    watched === null ? '' : `   goal 0 and 0: ${breaches + lost === 0 ? 'held' : 'MISSED'}`
  console.log(
    `  ${switcher.name.padEnd(17)} ${count} toggles, ${sent} requests: ${broken} toggles broke it, ${breaches} old answers; lost ${lost}${goal}`,
  )
  if (claims !== null) console.log(`  ${await claims.figures()}`)
  return { breaches, lost }
}

function openTraffic(port: number) {
  const kept = new Agent({ keepAlive: true, maxSockets: clients })
  let [stopped, lost, sent] = [false, 0, 0]
  let seen: Seen[] = []
  let woken = () => {}
  const running = Array.from({ length: clients }, async (_, index) => {
    for (let turn = 0; !stopped; turn++) {
      const sentAt = performance.now()
      sent++
      const number = await ask(port, (turn + index) % 2 === 0 ? kept : null).catch(() => null)
      if (number === null) lost++
      else seen.push({ number, sentAt, at: performance.now() })
      woken()
    }
  })
  return {
    /** Until so many answers came after the first by this number that both sides of the toggle can be judged. */
    untilSeen: async (number: number) => {
      const isSeen = () => {
        const first = seen.findIndex((one) => one.number === number)
        return first !== -1 && seen.length - first >= 2 * clients
      }
      while (!isSeen()) await new Promise<void>((resolve) => (woken = resolve))
    },
    /** Breaches in this toggle; what was seen of it is let go. */
    take: (number: number) => {
      const first = Math.min(...seen.filter((one) => one.number === number).map((one) => one.at))
      const late = seen.filter((one) => one.number < number && one.sentAt > first).length
      seen = seen.filter((one) => one.number === number).slice(0, 1)
      return late
    },
    stop: async () => {
      stopped = true
      await Promise.all(running)
      kept.destroy()
      return { sent, lost }
    },
  }
}

/**
 * From the store to the last claim on the old version, by the numbers that claims got from one counter over all workers: what an old
 * table numbered after a new one did. Their clock is of 1 ms.
 */
function openClaims({ client }: BerylProxy) {
  const firsts = new Map<number, { seq: number; at: number }>()
  const lasts = new Map<number, { seq: number; at: number }>()
  let next = 0
  let done = false
  const reading = (async () => {
    const { run } = await client.state()
    for (;;) {
      const { items, next: after } = await client.observations(run, next)
      next = after
      for (const { service, generation, seq, at: when } of items) {
        if (service !== 'bench') continue
        if (seq < (firsts.get(generation)?.seq ?? Infinity))
          firsts.set(generation, { seq, at: when })
        if (seq > (lasts.get(generation)?.seq ?? -1)) lasts.set(generation, { seq, at: when })
      }
      if (items.length === 0 && done) return
      if (items.length < 2000) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return {
    figures: async () => {
      done = true
      await reading
      const late: number[] = []
      const numbers: number[] = []
      for (const [generation, first] of firsts) {
        const last = lasts.get(generation - 1)
        if (last === undefined) continue
        numbers.push(Math.max(0, last.seq - first.seq))
        late.push(last.seq > first.seq ? Math.max(0, last.at - first.at) : 0)
      }
      return `from the first new claim to the last old one: ${at(numbers, 0.99)} numbers, ${at(late, 0.99)} ms (p99; clock of 1 ms; ${numbers.length} toggles)`
    },
  }
}

/** With a thousand services, and with ten thousand routes: neither the switch nor a request may cost more. */
async function many(proxy: BerylProxy): Promise<void> {
  let generation = 1_000_000
  const figures = async (what: string) => {
    const took: number[] = []
    for (let toggle = 0; toggle < 100; toggle++) {
      const from = performance.now()
      const table = proxy.table(++generation)
      await proxy.client.putTable('bench', { table, back: null })
      took.push(performance.now() - from)
    }
    const requests = 3000
    const before = proxy.cpu()
    const kept = new Agent({ keepAlive: true, maxSockets: clients })
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let turn = 0; turn < requests / clients; turn++) await ask(proxy.port, kept)
      }),
    )
    kept.destroy()
    const micros = ((proxy.cpu() - before) / requests) * 1e6
    console.log(
      `  ${what.padEnd(17)} switch median ${at(took, 0.5)} ms, p99 ${at(took, 0.99)} ms; CPU per request ${micros.toFixed(0)} µs`,
    )
  }
  await figures('1 service')
  let made = 1
  for (const [wanted, what] of [
    [services, `${services} services`],
    [routes, `${routes} routes`],
  ] as const) {
    for (; made < wanted; made++) {
      const name = `service-${made}`
      const table = { ...proxy.table(1), service: name, route: { host: null, path: `/${name}` } }
      await proxy.client.putTable(name, { table, back: null })
    }
    await figures(what)
  }
}

function at(values: readonly number[], share: number): string {
  if (values.length === 0) return '–'
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!.toFixed(2)
}

function ask(port: number, agent: Agent | null): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, host: '127.0.0.1', path: '/small', agent: agent ?? false },
      (incoming) => {
        incoming.resume()
        incoming.on('end', () => resolve(numberIn(incoming.headers)))
        incoming.on('error', reject)
        if (incoming.statusCode !== 200) reject(new Error(`status ${incoming.statusCode}`))
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Beryl's signed id says which table chose; the others send the number back. */
function numberIn(headers: NodeJS.Dict<string | string[]>): number {
  const { toggle, 'beryl-request-id': id } = headers
  if (typeof toggle === 'string') return Number(toggle.replace(/^\w+-/, ''))
  return Number(Buffer.from(String(id).split('.', 1)[0]!, 'base64url').toString().split('\n')[5])
}

if (import.meta.main) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  install()
  const [one, other] = [await model(), await model()]
  const [count, others] = process.argv.slice(2).map(Number)
  process.exitCode = await toggles([one.port, other.port], {
    count: count ?? 1000,
    others: others ?? peerToggles,
  })
  one.stop()
  other.stop()
}

async function model(): Promise<{ port: number; stop(): void }> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./upstream.ts', import.meta.url))],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  process.once('exit', () => child.kill())
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  )
  return { port, stop: () => child.kill() }
}
