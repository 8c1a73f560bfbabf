/**
 * `npm run bench:record`: a Beryl with 200 live services and 10,000 past releases: what pages, lists and `beryl status` take, how
 * much memory and CPU its controller needs, and how long the loop is held up. Real processes; the servers behind the services are
 * one process of our own with 400 ports. Exits 1 when a goal is missed. Linux only: it reads /proc.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ReleaseView } from '../src/api/shapes.ts'
import type { ControllerStore } from '../src/controller/store.ts'
import { openDatabase } from '../src/storage/database.ts'
import { openStore } from '../src/storage/store.ts'
import { readIdentity } from '../src/ipc/identity.ts'
import { startBeryl } from '../test/support/beryl.ts'

const services = 200
const releasesEach = 50
const eventsEach = 25
const replicasEach = 4
const goals = { ms: 1000, statusMs: 3000, memoryMb: 400, idleCpu: 0.5 }
const dayMs = 86_400_000
const servers: ReturnType<typeof createServer>[] = []

const names = [
  'tiny',
  ...Array.from({ length: services - 1 }, (_, index) => `service-${index + 1}`),
]
const ports = await Promise.all(Array.from({ length: services * 2 }, listen))
const beryl = await startBeryl({
  models: {},
  manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 2 }
api: { listen: 127.0.0.1:0 }
services:
${names.map((name, index) => serviceText(name, ports[2 * index]!, ports[2 * index + 1]!)).join('')}`,
  prepare: fill,
})
let isMissed = false
try {
  const began = Date.now()
  for (let from = 0; from < names.length; from += 20)
    await Promise.all(names.slice(from, from + 20).map(deployed))
  console.log(`${services} services went live in ${((Date.now() - began) / 1000).toFixed(0)} s`)
  const pid = readIdentity(join(beryl.data, 'controller.process.json'))!.pid
  const before = cpuTicks(pid)
  await wait(10_000)
  row('controller at rest, CPU of one core', (cpuTicks(pid) - before) / 100 / 10, goals.idleCpu, '')
  const any = names[services >> 1]!
  const { releases } = await beryl.api<{ releases: ReleaseView[] }>(
    'GET',
    `/services/${any}/history`,
  )
  const past = releases.at(-1)!.id
  for (const path of [
    '/services?limit=100',
    `/services/${any}`,
    `/services/${any}/history?limit=50`,
    `/services/${any}/versions`,
    `/services/${any}/cost`,
    `/services/${any}/curves`,
    `/releases/${past}`,
    `/releases/${past}/report`,
    '/events?limit=1000',
    `/events?service=${any}&limit=1000`,
    '/record',
    '/freezes',
  ])
    row(
      path.replace(any, '{s}').replace(past, '{id}'),
      await timed(() => beryl.api('GET', path)),
      goals.ms,
    )
  row('/metrics', await timed(() => metrics()), goals.ms)
  row('/live, the first look at all', await timed(firstLook), goals.statusMs)
  for (const args of [
    ['status'],
    ['status', any],
    ['history', any],
    ['cost', any],
    ['explain', past],
  ])
    row(
      `beryl ${args.join(' ').replace(any, '{s}').replace(past, '{id}')}`,
      await timed(() => beryl.cli(...args), 3),
      goals.statusMs,
    )
  const exported = await timed(() => beryl.cli('record', 'export'), 1)
  row('beryl record export (all events)', exported, 60_000)
  row(
    'beryl backup',
    await timed(() => beryl.cli('backup', join(beryl.directory, 'b.db')), 1),
    60_000,
  )
  row('controller, memory', memoryMb(pid), goals.memoryMb, 'MB')
} finally {
  await beryl.stop()
  for (const server of servers) server.close()
}
process.exitCode = isMissed ? 1 : 0

function row(what: string, value: number, goal: number, unit = 'ms'): void {
  if (value > goal) isMissed = true
  const shown = value < 10 ? value.toFixed(2) : value.toFixed(0)
  console.log(
    `${what.padEnd(44)} ${shown.padStart(8)} ${unit.padEnd(3)}${value > goal ? ` MISSED: ${goal}` : ''}`,
  )
}

/** The median, ms. */
async function timed(act: () => Promise<unknown>, times = 7): Promise<number> {
  const all: number[] = []
  for (let count = 0; count < times; count++) {
    const began = performance.now()
    await act()
    all.push(performance.now() - began)
  }
  return all.toSorted((a, b) => a - b)[Math.floor(times / 2)]!
}

async function metrics(): Promise<void> {
  const answer = await fetch(`${beryl.apiUrl}/metrics`, {
    headers: { authorization: `Bearer ${beryl.token}` },
  })
  await answer.text()
}

async function firstLook(): Promise<void> {
  const abort = new AbortController()
  const { body } = await fetch(`${beryl.apiUrl}/api/v1/live`, {
    headers: { authorization: `Bearer ${beryl.token}` },
    signal: abort.signal,
  })
  for await (const _ of body!) break
  abort.abort()
}

async function deployed(service: string): Promise<void> {
  const { id } = await beryl.api<ReleaseView>('POST', `/services/${service}/releases`, {
    version: 'v1',
  })
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  await beryl.api('POST', `/releases/${id}/approve`, { reason: 'a benchmark' })
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
}

/** A data directory as it is after years. */
function fill(data: string): void {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const file = join(data, 'beryl.db')
  const store = openStore(file) as unknown as ControllerStore
  const database = openDatabase(file)
  const release = database.prepare(
    'INSERT INTO releases (number, service, row, plan) VALUES (?, ?, ?, ?)',
  )
  const event = database.prepare(
    'INSERT INTO events (at, service, release, kind, actor, text, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const replica = database.prepare(
    'INSERT INTO replicas (id, service, ended, record) VALUES (?, ?, 1, ?)',
  )
  const rules = { gates: [], watch: {}, standby: [] }
  const start = Date.now() - 300 * dayMs
  database.exec('BEGIN')
  for (let number = 1; number <= services * releasesEach; number++) {
    const service = names[number % services]!
    const at = start + Math.floor((number * 300 * dayMs) / (services * releasesEach))
    const id = `r${number}`
    const bundle = { version: `v${number % 7}`, digest: `sha256:${'0'.repeat(64)}`, replicas: 2 }
    const row_ = {
      id,
      service,
      kind: 'deploy',
      bundle,
      from: null,
      rules,
      by: 'ada',
      at,
      step: 9,
      phase: { name: 'finished', since: { wall: at + 3600_000, up: 1 }, because: 'superseded' },
      paused: null,
      approvals: [],
      skipped: [],
      accepted: null,
    }
    release.run(
      number,
      service,
      JSON.stringify(row_),
      JSON.stringify({ rules, template: {}, gates: {}, price: null }),
    )
    for (let count = 0; count < eventsEach; count++) {
      const kind = count % 3 === 0 ? 'phase' : 'gate'
      const data_ = { phase: 'watching', because: 'evidence', evidence: 'x'.repeat(600) }
      event.run(
        at + count * 1000,
        service,
        id,
        kind,
        'beryl',
        `${id} is watching: step ${count}`,
        JSON.stringify(data_),
      )
    }
    for (let count = 0; count < replicasEach; count++) {
      const spec = {
        id: `${id}-${count}`,
        service,
        environment: 'blue',
        release: id,
        version: bundle.version,
        provider: 'process',
      }
      const record = {
        spec,
        host: '127.0.0.1',
        port: 1,
        gpus: [],
        process: null,
        restarts: 0,
        readyOnce: true,
        startedAt: at,
        endedAt: at + 3600_000,
        failed: null,
        stopping: true,
      }
      replica.run(spec.id, service, JSON.stringify(record))
    }
  }
  database.exec('COMMIT')
  database.close()
  store.close()
}

function serviceText(name: string, blue: number, green: number): string {
  return `  ${name}:
    route: { host: ${name}.example.com }
    environment:
      provider: external
      blue: ['http://127.0.0.1:${blue}']
      green: ['http://127.0.0.1:${green}']
    versions: { v1: {}, v2: {} }
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept }
    standby: []
`
}

async function listen(): Promise<number> {
  const server = createServer((_, response) => response.end('{}'))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function memoryMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}
