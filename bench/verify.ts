/**
 * `npm run bench:verify`: what it costs a live request that its exchange is tapped (5 % as for capture, 100 % as for a shadow),
 * beside no tap, in rounds that alternate; what it costs its p99 that every request is mirrored to a candidate that waits; how many exchanges a second one core redacts and records; and which capacity the load gate finds of a server whose capacity is known. The examiner here reads
 * and throws away. CPU is that of the gateway process, user and system. Linux only: it reads /proc. A busy machine shows in the
 * spread of the rounds: the medians of the differences count.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataDirectory } from '../src/ipc/data-directory.ts'
import { openCaptures } from '../src/verification/capture/captures.ts'
import { tappedOf } from '../src/verification/capture/testing.ts'
import { load as measureLoad } from '../src/verification/load/load.ts'
import { openGateway, placed, tableOf } from '../src/gateway/testing/gateway.ts'
import { load as askedFor } from './gateway/others.ts'

const rounds = 7
const count = 20_000
const connections = 16
const perSecond = 1500
const ticksMs = 10
const shares = [0, 0.05, 1]

const candidateWaitMs = 50
const upstreamFile = fileURLToPath(new URL('gateway/upstream.ts', import.meta.url))
const upstream = spawn(process.execPath, [upstreamFile])
const [said] = (await once(upstream.stdout, 'data')) as [Buffer]
const gateway = await openGateway()
const sink = createServer((socket) => socket.resume()).listen(
  dataDirectory(gateway.root).socket('tap'),
)
const livePort = Number(String(said))
try {
  const table = tableOf(1, 'blue', { blue: placed('v1', [livePort]) })
  await gateway.client.putTable('s', { table, back: null })
  await tapping()
  await mirroring()
  await recording()
  await capacity()
} finally {
  await gateway.close()
  sink.close()
  upstream.kill()
}

async function tapping(): Promise<void> {
  const seen = shares.map(() => [] as { cpuUs: number; p99: number }[])
  await load({ count: 5000 })
  for (let round = 0; round < rounds; round++)
    for (const [index, share] of shares.entries()) {
      const tap = share === 0 ? null : { share, methods: ['POST'], exclude: [] }
      await gateway.client.tap('s', tap)
      const before = cpuMs()
      await load({ count })
      const cpuUs = ((cpuMs() - before) * 1000) / count
      const { p99 } = await load({ count: perSecond * 4, perSecond })
      seen[index]!.push({ cpuUs, p99 })
    }
  const base = seen[0]!
  console.log('tapped   CPU µs per request   beside no tap      p99 ms   beside no tap')
  for (const [index, share] of shares.entries()) {
    const own = seen[index]!
    const times = (of: 'cpuUs' | 'p99') => median(own.map((one, at) => one[of] / base[at]![of]))
    console.log(
      `${`${share * 100} %`.padEnd(8)} ${median(own.map(({ cpuUs }) => cpuUs))
        .toFixed(1)
        .padStart(18)} ${times('cpuUs').toFixed(2).padStart(13)} × ${median(
        own.map(({ p99 }) => p99),
      )
        .toFixed(2)
        .padStart(11)} ${times('p99').toFixed(2).padStart(13)} ×`,
    )
  }
  console.log('of them:', (await gateway.client.metrics()).taps)
}

/** Every request to a candidate that waits instead of computing, too; beside no mirroring, in rounds that alternate. */
async function mirroring(): Promise<void> {
  await gateway.client.tap('s', null)
  const candidate = spawn(process.execPath, [upstreamFile, '0', String(candidateWaitMs)])
  try {
    const [port] = (await once(candidate.stdout, 'data')) as [Buffer]
    const places = { blue: placed('v1', [livePort]), green: placed('v2', [Number(String(port))]) }
    const copies = { to: 'green' as const, share: 1, methods: ['POST'], exclude: [] }
    const seen = { without: [] as number[], mirrored: [] as number[] }
    let generation = 1
    for (let round = 0; round < rounds; round++)
      for (const way of ['without', 'mirrored'] as const) {
        generation++
        const more = way === 'mirrored' ? { copies } : {}
        const next = tableOf(generation, 'blue', places, more)
        await gateway.client.putTable('s', { table: next, back: null })
        const { p99 } = await load({ count: perSecond * 4, perSecond })
        seen[way].push(p99)
      }
    const times = seen.mirrored.map((one, round) => one / seen.without[round]!)
    console.log(
      `mirrored at 100 % to a candidate that waits ${candidateWaitMs} ms: live p99 ${median(seen.mirrored).toFixed(2)} ms, without ${median(seen.without).toFixed(2)} ms, ${median(times).toFixed(2)} × (median of ${rounds} pairs, ${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)})`,
    )
    console.log('of them:', (await gateway.client.metrics()).copies)
  } finally {
    candidate.kill()
  }
}

/** Against a server of known capacity on a clock: one request at a time, each 10 ms, so 100 a second. */
async function capacity(): Promise<void> {
  const known = 100
  const found: number[] = []
  for (let round = 0; round < 3; round++) {
    let freeAt = 0
    const server = createHttpServer((_, response) => {
      freeAt = Math.max(freeAt, performance.now()) + 1000 / known
      setTimeout(() => response.end('{}'), Math.max(0, freeAt - performance.now()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { evidence, because } = await measureLoad(
      {
        kind: 'load',
        protocol: 'http',
        rate: { perSecond: 50 },
        forS: 3,
        ramp: { toPerSecond: 200, stepS: 10 },
        p95Ms: 200,
        firstTokenMs: null,
        errors: 0.01,
        request: { method: 'GET', path: '/', headers: {}, timeoutS: 10 },
        file: null,
        captured: null,
        withinS: 300,
      },
      { version: 'v2', environment: 'green', addresses: [`127.0.0.1:${port}`] },
      { service: 'tiny', captures: { newest: async () => [] } },
      { signal: new AbortController().signal, progress: () => {} },
    )
    server.close()
    server.closeAllConnections()
    const { capacity: one } = evidence as { capacity: { perSecond: number } | null }
    if (one === null) console.log(`capacity: not found (${because})`)
    else found.push(one.perSecond)
  }
  if (found.length === 0) return
  const errors = found.map((one) => Math.abs(one / known - 1) * 100)
  console.log(
    `capacity found: ${found.map((one) => one.toFixed(1)).join(', ')} of ${known}/s; error ${median(errors).toFixed(1)} % (median), ${Math.max(...errors).toFixed(1)} % at most`,
  )
}

async function recording(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'beryl-bench-'))
  const captures = openCaptures(home)
  const redact = {
    paths: ['$.messages[*].content.email'],
    headers: ['x-user'],
    patterns: ['\\d{13,16}'],
  }
  captures.configure({ tiny: { share: 1, keepS: 3600, atMostBytes: 1024 ** 3, redact } })
  const body = JSON.stringify({
    messages: [{ content: { email: 'a@b', text: 'word '.repeat(200) } }],
  })
  const one = tappedOf({ body, answer: JSON.stringify({ label: 'a', text: 'word '.repeat(200) }) })
  const total = 20_000
  const { user, system } = process.cpuUsage()
  for (let sent = 0; sent < total; sent += 1000) {
    for (let turn = 0; turn < 1000; turn++) captures.exchange(one)
    await captures.settled()
  }
  const used = process.cpuUsage({ user, system })
  const { records } = await captures.state('tiny')
  await captures.close()
  rmSync(home, { recursive: true })
  const seconds = (used.user + used.system) / 1e6
  console.log(
    `recorded: ${Math.round(records / seconds)} exchanges of 2 KB a second of one core (${records} of ${total} kept)`,
  )
}

async function load(more: { count: number; perSecond?: number }): Promise<{ p99: number }> {
  const body = 'x'.repeat(200)
  const request = `POST /small HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  return askedFor({ port: gateway.port, request, connections, ...more })
}

function cpuMs(): number {
  const fields = readFileSync(`/proc/${gateway.pid()}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * ticksMs
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
