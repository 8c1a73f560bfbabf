/**
 * `npm run bench:gateway [case …]`: CPU of the gateway beside nginx, HAProxy and Caddy, all doing the same work, measured
 * interleaved in the same minutes. A figure is user + system time of the proxy's processes per request; what counts is its ratio to
 * nginx in the same round, as median (least to most) over rounds: absolute times are this machine's. Exits 1 when a goal is missed.
 */
import { featureCosts, partCosts } from './gateway/features.ts'
import { guarded } from './gateway/guarded.ts'
import { get, idle, streams } from './gateway/many-open.ts'
import { many, mirrored, overGrpc, overTls, twoWorkers } from './gateway/more.ts'
import type { Calls, Work } from './gateway/more.ts'
import { load, model } from './gateway/others.ts'
import { beryl, caddy, haproxy, install, nginx } from './gateway/proxies.ts'
import type { Proxy } from './gateway/proxies.ts'
import { median, missedSoFar, row, spread, title } from './gateway/report.ts'
import { toggles } from './gateway/switch.ts'
import { streamed } from './gateway/upstream-grpc.ts'

const rounds = 5
/** Caches and compilers. */
const warmRounds = 3
/**
 * Two isolates have twice as much to compile, and each sees half of the requests: while that goes on, in the first 50,000 requests
 * or so, it takes a quarter of the CPU.
 */
const warmRoundsOfTwo = 8
const connections = 32

const small = `POST /small HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nContent-Length: 300\r\n\r\n${'a'.repeat(300)}`
const upload = `POST /upload HTTP/1.1\r\nHost: bench\r\nContent-Length: 262144\r\n\r\n${'a'.repeat(262_144)}`

/** What is sent, how often a round, and the most that the ratio to nginx may be. */
const saturated: Record<string, { request: string; count: number; goal: number | null }> = {
  'small POST': { request: small, count: 20_000, goal: 1.35 },
  GET: { request: get('/small'), count: 20_000, goal: 1.35 },
  '4 KB': { request: get('/4k'), count: 20_000, goal: 1.35 },
  '1 MB': { request: get('/1m'), count: 400, goal: null },
  'upload 256 KB': { request: upload, count: 1500, goal: null },
}

/** A client's frame of text, masked, with 60 bytes. */
const frame = `\x81\xbc\x01\x02\x03\x04${'m'.repeat(60)}`
const handshake =
  'GET /echo HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

const smallPost = { request: small, count: 10_000 }
/** What the guard must keep up with. */
const perSecondWanted = 20_000
/** What a candidate waits that computes nothing. */
const waitMs = 5

let toggled = 0
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
  if (asked('streams')) await streams(proxies, modelA.port)
  if (asked('idle')) await idle(proxies)
  if (asked('TLS')) await tls()
  if (asked('WebSocket')) await webSocket()
  if (asked('gRPC')) await grpc()
  if (asked('features')) await features()
  if (asked('guard')) await guard()
  if (asked('mirror')) await mirror()
  if (asked('workers')) await workers()
  if (asked('routes')) await routes()
  if (asked('switch')) toggled = await toggles([modelA.port, modelB.port])
} finally {
  for (const proxy of proxies) await proxy.stop()
  modelA.stop()
  modelB.stop()
}
const missed = missedSoFar() + toggled
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
  const whole = ratios.get('Beryl')!
  row('Beryl', `${spread(whole)}, ${(copied * 100).toFixed(1)} % copied`, 0.4, median(whole))
  for (const name of ['no copies', 'Node alone'])
    row(name, spread(ratios.get(name)!), null, median(ratios.get(name)!))
}

async function tls(): Promise<void> {
  const works = { 'small POST': smallPost, '1 MB': { request: get('/1m'), count: 300 } }
  const found = await overTls(modelA.port, Object.values(works), costsOf)
  for (const [index, name] of Object.keys(works).entries()) {
    title(`${name} over TLS, kept connections: CPU per request, ratio to nginx`)
    row('Beryl', spread(found[index]!), null, median(found[index]!))
  }
}

/** Those who spoke HTTP until then: nginx, HAProxy and Caddy as they are. */
async function webSocket(): Promise<void> {
  const found = await costsOf(proxies, { request: frame, count: 20_000, upgrade: handshake })
  title(
    `WebSocket echo, frames of 60 bytes, ${connections} connections: CPU per round trip, ratio to nginx`,
  )
  besideNginx(found, null)
}

async function grpc(): Promise<void> {
  const there = await model(0, 'upstream-grpc.ts')
  const kinds = {
    unary: { path: '/unary', count: 3000, messages: 1 },
    [`server stream of ${streamed} messages`]: { path: '/stream', count: 1000, messages: streamed },
  }
  const found = await overGrpc(there.port, Object.values(kinds), costsOf)
  there.stop()
  for (const [index, name] of Object.keys(kinds).entries()) {
    title(`gRPC, ${name}: CPU per call, ratio to nginx's grpc_pass`)
    row('Beryl', spread(found[index]!), null, median(found[index]!))
  }
}

async function features(): Promise<void> {
  const { observed, others, micros } = await featureCosts(modelA.port, smallPost, costsOf)
  title(`what features cost: CPU per small POST, ratio to the default (${micros.toFixed(0)} µs)`)
  row('not observed', spread(observed), null, median(observed))
  for (const [name, all] of others) row(name, spread(all), null, median(all))
  const noted = observed.map((ratio) => 1 / ratio)
  title('observations: CPU per request beside a request that is not observed')
  row('Beryl', spread(noted), 1.05, median(noted))
  title('parts of every request by themselves, in a loop: µs each')
  for (const [name, us] of partCosts())
    row(
      name,
      `${us.toFixed(2)}, ${((us / micros) * 100).toFixed(1)} %`,
      name === 'request id' ? 1 : null,
      us,
    )
}

async function guard(): Promise<void> {
  const { cpu, p50, perSecond, micros, missing, decision } = await guarded(modelA.port, {
    request: small,
    count: 20_000,
  })
  title(
    `a watched release at ${perSecond.toFixed(0)} requests a second: the gateway, ratio to one that nobody reads (guard: ${decision}; ${(missing * 100).toFixed(1)} % not seen)`,
  )
  row('CPU', spread(cpu), null, median(cpu))
  row('p50', spread(p50), null, median(p50))
  const share = (micros * perSecondWanted) / 1e6
  title(
    `the controller's reader and guard, a process of its own: share of a core at ${perSecondWanted} a second`,
  )
  row('Beryl', `${share.toFixed(2)} (${micros.toFixed(1)} µs each)`, 0.25, share)
}

async function workers(): Promise<void> {
  const ratios = await twoWorkers(
    modelA.port,
    { request: small, count: 20_000 },
    (contenders, work) => costsOf(contenders, work, warmRoundsOfTwo),
  )
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
  work: Work | Calls,
  warm = warmRounds,
): Promise<Map<string, number[]>> {
  const found = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < warm + rounds; round++)
    for (const proxy of contenders) {
      const before = proxy.cpu()
      await load({ port: proxy.port, ...work, connections })
      if (round >= warm) found.get(proxy.name)!.push((proxy.cpu() - before) / work.count)
    }
  return found
}

async function measure(
  name: string,
  { request, count, goal }: (typeof saturated)[string],
): Promise<void> {
  const found = await costsOf(proxies, { request, count })
  const micros = median(found.get('nginx')!) * 1e6
  title(
    `${name}: CPU per request, ratio to nginx (${micros.toFixed(0)} µs), ${connections} connections, saturated`,
  )
  besideNginx(found, goal)
}

function besideNginx(found: Map<string, number[]>, goal: number | null): void {
  for (const [name, all] of found) {
    if (name === 'nginx') continue
    const ratios = all.map((cost, round) => cost / found.get('nginx')![round]!)
    row(name, spread(ratios), name === 'Beryl' ? goal : null, median(ratios))
  }
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
