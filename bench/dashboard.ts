/**
 * `npm run bench:dashboard`: how quick pages and `status` stay with 200 services and 10,000 past releases. The services are real ones,
 * each in front of two servers of this process (provider `external`); their past is written into the journal as copies of a release that
 * was made. A few are asked all the time, so that what the pages follow never stands still. Needs a Chromium (BERYL_CHROMIUM).
 * Exits 1 when a goal is missed.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { openDatabase, transaction } from '../src/storage/database.ts'
import type { ReleaseView, ServiceView } from '../src/api/shapes.ts'
import { eventually, startBeryl } from '../test/support/beryl.ts'
import { openBrowser, openPage, signIn } from '../test/support/browser.ts'
import { steadyTraffic } from '../test/support/traffic.ts'

const servicesCount = Number(process.env['SERVICES'] ?? 200)
const releasesCount = Number(process.env['RELEASES'] ?? 10_000)
/** Of one service, in all. */
const busyCount = 5
const watchMs = 10_000
const ticksPerSecond = 100

/** What a person bears, on a machine that does something else as well. */
const goals: Record<string, number> = {
  'GET /services (status), ms': 500,
  'GET /services/{s}, ms': 100,
  'GET history, ms': 200,
  'GET report, ms': 100,
  'GET /metrics, ms': 2000,
  'overview opens, ms': 3000,
  'a service opens, ms': 1500,
  'update on the overview, ms': 3000,
  'controller memory, MB': 400,
  'controller CPU, idle pages, %': 50,
}
const figures: Record<string, number> = {}

const servers = await Promise.all(Array.from({ length: servicesCount * 2 }, openServer))
const names = Array.from(
  { length: servicesCount },
  (_, index) => `service-${String(index).padStart(3, '0')}`,
)
const beryl = await startBeryl({ models: {}, manifest: manifest() })
try {
  const firsts = await live()
  console.log(`${names.length} services are live`)
  await beryl.interrupt()
  remember(firsts)
  const began = performance.now()
  await beryl.restartSupervisor()
  console.log(`started again in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  const busy = names
    .slice(0, busyCount)
    .map((name) => steadyTraffic(`${beryl.gateway}/${name}`, { concurrency: 1, pauseMs: 50 }))
  try {
    await measure()
  } finally {
    for (const one of busy) await one.stop()
  }
} finally {
  await beryl.stop()
  for (const server of servers) server.close()
}
let isMissed = false
for (const [name, goal] of Object.entries(goals)) {
  const figure = figures[name]
  const isOver = figure === undefined || figure > goal
  isMissed ||= isOver
  console.log(
    `${name.padEnd(34)} ${(figure ?? Number.NaN).toFixed(1).padStart(9)}   goal ${goal} ${isOver ? 'MISSED' : 'held'}`,
  )
}
process.exitCode = isMissed ? 1 : 0

function openServer() {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.end('{"label":"1"}'))
  })
  return new Promise<ReturnType<typeof createServer>>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve(server)),
  )
}

function manifest(): string {
  const url = (index: number) =>
    `http://127.0.0.1:${(servers[index]!.address() as AddressInfo).port}`
  const services = names.map(
    (name, index) => `
  ${name}:
    route: { path: /${name} }
    environment:
      provider: external
      blue: ["${url(index * 2)}"]
      green: ["${url(index * 2 + 1)}"]
      ready: { path: /, within: 60s }
      price: { replicaHour: 2, currency: USD }
    versions: { v1: {}, v2: {} }
    switch: { when: approved, drain: 0s }
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept }
    standby: [{ full: 1h }]`,
  )
  return `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 1 }
api: { listen: 127.0.0.1:0 }
services:${services.join('')}
`
}

/** A first version of each goes live, as anybody's does. */
async function live(): Promise<ReleaseView[]> {
  const releases: ReleaseView[] = []
  // Not all at once: it is the past that is wanted.
  for (let from = 0; from < names.length; from += 10) {
    const some = await Promise.all(
      names.slice(from, from + 10).map(async (name) => {
        const asked = { version: 'v1' }
        const { id } = await beryl.api<ReleaseView>('POST', `/services/${name}/releases`, asked)
        await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'waiting for approval')
        await beryl.api('POST', `/releases/${id}/approve`, {})
        return beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
      }),
    )
    releases.push(...some)
  }
  return releases
}

/** The past: what was made once, again and again, with its plan and its record. */
function remember(firsts: readonly ReleaseView[]): void {
  const database = openDatabase(`${beryl.data}/beryl.db`)
  const each = Math.floor(releasesCount / names.length) - 1
  const next =
    Number(database.prepare('SELECT max(number) AS last FROM releases').get()!['last']) + 1
  const insert = database.prepare(
    "INSERT INTO releases (number, service, row, plan) SELECT ?, service, json_set(row, '$.id', ?, '$.at', ?), plan FROM releases WHERE number = ?",
  )
  const copy = database.prepare(
    'INSERT INTO events (at, service, release, kind, actor, text, data) SELECT at - ?, service, ?, kind, actor, text, data FROM events WHERE release = ?',
  )
  let number = next
  transaction(database, () => {
    for (const { id, at } of firsts)
      for (let index = 0; index < each; index++) {
        const ago = (each - index) * 3_600_000
        insert.run(number, `r${number}`, at - ago, Number(id.slice(1)))
        copy.run(ago, `r${number}`, id)
        number++
      }
  })
  const count = (table: string) =>
    Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()!['count'])
  console.log(`${count('releases')} releases, ${count('events')} events`)
  database.close()
}

async function measure(): Promise<void> {
  const pid = beryl.pidOf('controller')!
  await eventually(
    async () => (await beryl.api<ServiceView>('GET', `/services/${names.at(-1)}`)).live !== null,
    () => 'everything to be there again',
  )
  const [first] = (
    await beryl.api<{ releases: ReleaseView[] }>('GET', `/services/${names[0]}/history?limit=1`)
  ).releases
  figures['GET /services (status), ms'] = await median(() => beryl.api('GET', '/services'))
  figures['GET /services/{s}, ms'] = await median(() => beryl.api('GET', `/services/${names[0]}`))
  figures['GET history, ms'] = await median(() => beryl.api('GET', `/services/${names[0]}/history`))
  figures['GET report, ms'] = await median(() => beryl.api('GET', `/releases/${first!.id}/report`))
  figures['GET /metrics, ms'] = await median(async () => {
    const answer = await fetch(`${beryl.apiUrl}/metrics`, {
      headers: { authorization: `Bearer ${beryl.token}` },
    })
    return answer.text()
  })
  await inBrowser(pid)
  figures['controller memory, MB'] = memoryMb(pid)
}

async function inBrowser(pid: number): Promise<void> {
  const browser = await openBrowser()
  try {
    const { page } = await openPage(browser, beryl.apiUrl)
    await signIn(page, beryl.token)
    const opens = async (path: string, shown: () => Promise<unknown>) => {
      const began = performance.now()
      await page.goto(`${beryl.apiUrl}${path}`)
      await shown()
      return performance.now() - began
    }
    const cards = page.locator('.service')
    figures['overview opens, ms'] = await opens('/', () => cards.nth(names.length - 1).waitFor())
    const before = cpuTicks(pid)
    await wait(watchMs)
    figures['controller CPU, idle pages, %'] =
      ((cpuTicks(pid) - before) / ticksPerSecond / (watchMs / 1000)) * 100
    // A change of somebody else's, until it is seen.
    const began = performance.now()
    await beryl.api('POST', `/services/${names.at(-1)}/freeze`, { reason: 'to be seen' })
    await cards.last().getByText('to be seen').waitFor()
    figures['update on the overview, ms'] = performance.now() - began
    figures['a service opens, ms'] = await opens(`/services/${names[0]}`, () =>
      page.getByRole('table').first().waitFor(),
    )
  } finally {
    await browser.close()
  }
}

async function median(act: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let times_ = 0; times_ < 7; times_++) {
    const began = performance.now()
    await act()
    times.push(performance.now() - began)
  }
  return times.toSorted((a, b) => a - b)[3]!
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function memoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024
}
