/**
 * `npm run bench:gateway [case …]`: CPU of the gateway beside nginx, HAProxy and Caddy, all doing the same work, measured
 * interleaved in the same minutes. A figure is user + system time of the proxy's processes per request; what counts is its ratio to
 * nginx in the same round, as median (least to most) over rounds: absolute times are this machine's. Exits 1 when a goal is missed.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { many, mirrored, overTls, twoWorkers } from './gateway/more.ts'
import type { Work } from './gateway/more.ts'
import { beryl, caddy, haproxy, install, nginx } from './gateway/proxies.ts'
import type { Proxy } from './gateway/proxies.ts'
import { toggles } from './gateway/switch.ts'

const rounds = 5
const connections = 32

const small = `POST /small HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nContent-Length: 300\r\n\r\n${'a'.repeat(300)}`
const get = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n`
const upload = `POST /upload HTTP/1.1\r\nHost: bench\r\nContent-Length: 262144\r\n\r\n${'a'.repeat(262_144)}`

/** What is sent, how often a round, and the most that the ratio to nginx may be. */
const saturated: Record<string, { request: string; count: number; goal: number | null }> = {
  'small POST': { request: small, count: 20_000, goal: 1.35 },
  GET: { request: get('/small'), count: 20_000, goal: 1.35 },
  '4 KB': { request: get('/4k'), count: 20_000, goal: 1.35 },
  '1 MB': { request: get('/1m'), count: 400, goal: null },
  'upload 256 KB': { request: upload, count: 1500, goal: null },
}

const smallPost = { request: small, count: 10_000 }
/** What a candidate waits that computes nothing. */
const waitMs = 5

let missed = 0
const wanted = process.argv.slice(2)
const asked = (name: string) => wanted.length === 0 || wanted.includes(name)

// Whoever was started is stopped at the exit, which a signal alone does not bring.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
install()
const [modelA, modelB] = [await model(), await model()]
const proxies: Proxy[] = [
  await nginx(modelA.port),
  await beryl([modelA.port, modelB.port]),
  await haproxy(modelA.port),
  await caddy(modelA.port),
]
try {
  for (const [name, work] of Object.entries(saturated)) if (asked(name)) await measure(name, work)
  if (asked('p99')) await tail()
  if (asked('streams')) await streams()
  if (asked('idle')) await idle()
  if (asked('TLS')) await tls()
  if (asked('mirror')) await mirror()
  if (asked('workers')) await workers()
  if (asked('routes')) await routes()
  if (asked('switch')) missed += await toggles([modelA.port, modelB.port])
} finally {
  for (const proxy of proxies) await proxy.stop()
  modelA.stop()
  modelB.stop()
}
console.log(missed > 0 ? `\n${missed} goals missed` : '\nall goals held')
process.exitCode = missed > 0 ? 1 : 0

async function mirror(): Promise<void> {
  const copy = await model(waitMs)
  const { ratios, copied } = await mirrored(
    { live: modelA.port, copy: copy.port },
    smallPost,
    costsOf,
  )
  copy.stop()
  title(
    `every request mirrored to a server that waits ${waitMs} ms: CPU per request, ratio to nginx's mirror`,
  )
  row('Beryl', `${spread(ratios)}, ${(copied * 100).toFixed(1)} % copied`, 0.4, median(ratios))
}

async function tls(): Promise<void> {
  const ratios = await overTls(modelA.port, smallPost, costsOf)
  title('small POST over TLS, kept connections: CPU per request, ratio to nginx')
  row('Beryl', spread(ratios), null, median(ratios))
}

async function workers(): Promise<void> {
  const ratios = await twoWorkers(modelA.port, smallPost, costsOf)
  title('small POST, two workers: CPU per request, ratio to nginx with two')
  row('Beryl', spread(ratios), 1.35, median(ratios))
}

async function routes(): Promise<void> {
  const { ratios, switchMs } = await many(modelA.port, smallPost, costsOf)
  title('1,000 services with 10,000 rules of paths: CPU per request, ratio to one service')
  // What differs by less is not established on a shared machine.
  row('Beryl', spread(ratios), 1.15, median(ratios))
  title('the same: a switch, prepared everywhere and stored, ms')
  for (const [name, all] of Object.entries(switchMs)) row(name, spread(all), null, median(all))
}

/** CPU seconds per request: each contender once a round, interleaved. */
async function costsOf(
  contenders: readonly Proxy[],
  { count, ...work }: Work,
): Promise<Map<string, number[]>> {
  const found = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round <= rounds; round++)
    for (const proxy of contenders) {
      const before = proxy.cpu()
      await load({ port: proxy.port, ...work, connections, count })
      // The first round warms caches and compilers.
      if (round > 0) found.get(proxy.name)!.push((proxy.cpu() - before) / count)
    }
  return found
}

async function measure(
  name: string,
  { request, count, goal }: (typeof saturated)[string],
): Promise<void> {
  const ratios = new Map(proxies.map((proxy) => [proxy.name, [] as number[]]))
  let micros = 0
  for (let round = 0; round <= rounds; round++) {
    const costs = new Map<string, number>()
    for (const proxy of proxies) {
      const before = proxy.cpu()
      await load({ port: proxy.port, request, connections, count })
      costs.set(proxy.name, (proxy.cpu() - before) / count)
    }
    // The first round warms caches and compilers.
    if (round === 0) continue
    for (const [proxy, cost] of costs) ratios.get(proxy)!.push(cost / costs.get('nginx')!)
    micros = costs.get('nginx')! * 1e6
  }
  title(
    `${name}: CPU per request, ratio to nginx (${micros.toFixed(0)} µs), ${connections} connections, saturated`,
  )
  for (const [proxy, all] of ratios)
    if (proxy !== 'nginx') row(proxy, spread(all), proxy === 'Beryl' ? goal : null, median(all))
}

/** Far from saturation, on schedule: latency counts from when a request should have begun. */
async function tail(): Promise<void> {
  const perSecond = 2500
  const p99 = new Map(proxies.map((proxy) => [proxy.name, [] as number[]]))
  for (let round = 0; round <= rounds; round++)
    for (const proxy of proxies) {
      const { p99: ms } = await load({
        port: proxy.port,
        request: small,
        connections,
        count: 7500,
        perSecond,
      })
      if (round > 0) p99.get(proxy.name)!.push(ms)
    }
  const base = median(p99.get('nginx')!)
  title(`p99 at ${perSecond} requests a second, ratio to nginx (${base.toFixed(2)} ms)`)
  for (const [proxy, all] of p99)
    if (proxy !== 'nginx')
      row(
        proxy,
        spread(all.map((ms) => ms / base)),
        proxy === 'Beryl' ? 1.25 : null,
        median(all) / base,
      )
}

async function streams(): Promise<void> {
  const [open, every, count] = [200, 20, 250]
  title(
    `token streams: ${open} at once, one event per ${every} ms: CPU per event, ratio to nginx with buffering off`,
  )
  const ratios = new Map<string, number[]>()
  for (let round = 0; round < 3; round++) {
    const costs = new Map<string, number>()
    for (const proxy of proxies) {
      const before = proxy.cpu()
      await Promise.all(
        Array.from({ length: open }, () =>
          read(proxy.port, get(`/stream?every=${every}&count=${count}`)),
        ),
      )
      costs.set(proxy.name, proxy.cpu() - before)
    }
    for (const [name, cost] of costs)
      ratios.set(name, [...(ratios.get(name) ?? []), cost / costs.get('nginx')!])
  }
  for (const [name, all] of ratios)
    if (name !== 'nginx') row(name, spread(all), name === 'Beryl' ? 1 : null, median(all))
  title('memory per open stream, 2,000 at once, KB')
  for (const proxy of proxies) {
    const before = proxy.memoryKb()
    const sockets = await hold(proxy.port, 2000, get('/stream?every=1000&count=60'))
    const kb = (proxy.memoryKb() - before) / 2000
    for (const socket of sockets) socket.destroy()
    row(proxy.name, `${kb.toFixed(1)} KB`, proxy.name === 'Beryl' ? 10 : null, kb)
  }
}

async function idle(): Promise<void> {
  // A process may have 20,000 descriptors where this was written, and HAProxy keeps two for each connection.
  title('memory per idle connection, 9,000 open, KB')
  for (const proxy of proxies) {
    const before = proxy.memoryKb()
    const sockets = await hold(proxy.port, 9000, null)
    const kb = (proxy.memoryKb() - before) / 9000
    for (const socket of sockets) socket.destroy()
    row(proxy.name, `${kb.toFixed(1)} KB`, proxy.name === 'Beryl' ? 10 : null, kb)
  }
}

/** Opens connections, a few at a time; with a request, waits for the first bytes of each answer. */
async function hold(port: number, count: number, request: string | null): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('error', () => {})
      if (request !== null) socket.write(request)
      return new Promise<Socket>((resolve) =>
        socket.once(request === null ? 'connect' : 'data', () => resolve(socket)),
      )
    })
    sockets.push(...(await Promise.all(batch)))
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return sockets
}

/** One request; ends with its last chunk. */
function read(port: number, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      if (chunk.subarray(-5).toString('latin1') !== '0\r\n\r\n') return
      socket.destroy()
      resolve()
    })
  })
}

type Load = { done: number; errors: number; p50: number; p99: number }

async function load(what: object): Promise<Load> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./gateway/load.ts', import.meta.url)), JSON.stringify(what)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await new Promise((resolve) => child.once('close', resolve))
  const result = JSON.parse(said) as Load & { why: string | null }
  if (result.errors > 0 || result.why !== null)
    throw new Error(`the load did not go through: ${said}`)
  return result
}

/** @param waits ms before each answer */
async function model(waits = 0): Promise<{ port: number; stop(): void }> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./gateway/upstream.ts', import.meta.url)), '0', String(waits)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  process.on('exit', () => child.kill())
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  )
  return { port, stop: () => child.kill() }
}

function title(text: string): void {
  console.log(`\n${text}`)
}

function row(name: string, figure: string, goal: number | null, value: number): void {
  const held = goal === null ? '' : value <= goal ? `goal ${goal}: held` : `goal ${goal}: MISSED`
  if (goal !== null && value > goal) missed++
  console.log(`  ${name.padEnd(10)} ${figure.padEnd(24)} ${held}`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`
}
