/**
 * `npm run bench:pairs`: two equal servers behind a real gateway, one answers clients and the other one copies. Are the two times of
 * a pair alike? They are not; docs/decisions says what follows. Prints, for each kind of work, who is slower how often.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { Agent, request } from 'node:http'
import type { Observation } from '../src/gateway/control.ts'
import { openGateway, placed, tableOf } from '../src/gateway/testing/gateway.ts'

type Work = { name: string; busyMs: number; waitMs: number; perSecond: number; uploadMs: number }

const pairsOfEach = 600
const works: Work[] = [
  { name: '1 ms of computing', busyMs: 1, waitMs: 0, perSecond: 60, uploadMs: 0 },
  { name: '5 ms of computing', busyMs: 5, waitMs: 0, perSecond: 60, uploadMs: 0 },
  { name: '20 ms of waiting', busyMs: 0, waitMs: 20, perSecond: 60, uploadMs: 0 },
  { name: 'the same, uploads pause 30 ms', busyMs: 0, waitMs: 20, perSecond: 60, uploadMs: 30 },
]

for (const work of works) {
  const pairs = await measured(work)
  const ms = (side: 0 | 1) => quantile(pairs.map((pair) => pair[side].totalMs))
  const beyond = (a: 0 | 1, b: 0 | 1) =>
    pairs.filter((pair) => pair[a].totalMs > 1.1 * pair[b].totalMs + 5).length
  const slower = pairs.filter(([live, copy]) => live.totalMs > copy.totalMs).length
  console.log(
    `${work.name.padEnd(32)} median ${ms(0).toFixed(1)} ms live, ${ms(1).toFixed(1)} ms copy; live slower in ${Math.round((100 * slower) / pairs.length)} % of ${pairs.length} pairs; beyond 10 % + 5 ms: live ${beyond(0, 1)}, copy ${beyond(1, 0)}`,
  )
}

async function measured(work: Work): Promise<[live: Observation, copy: Observation][]> {
  const [own, other] = [await serverOf(work), await serverOf(work)]
  const gateway = await openGateway({ workers: 1 })
  const places = { blue: placed('v2', [own.port]), green: placed('v1', [other.port]) }
  const copies = { to: 'green' as const, share: 1, methods: ['POST'], exclude: [] }
  await gateway.client.putTable('s', { table: tableOf(1, 'blue', places, { copies }), back: null })
  const agent = new Agent({ keepAlive: true })
  const asked: Promise<unknown>[] = []
  for (let nth = 0; nth < pairsOfEach; nth++) {
    asked.push(ask(gateway.base, agent, work.uploadMs))
    await passed((-Math.log(1 - Math.random()) * 1000) / work.perSecond)
  }
  await Promise.all(asked)
  const { run } = await gateway.client.state()
  const seen: Observation[] = []
  for (let after = 0; seen.length < 2 * pairsOfEach;) {
    const page = await gateway.client.observations(run, after)
    seen.push(...page.items)
    after = page.next
    if (page.items.length === 0) await passed(20)
  }
  agent.destroy()
  await gateway.close()
  own.child.kill()
  other.child.kill()
  const bySeq = Map.groupBy(seen, ({ seq }) => seq)
  return [...bySeq.values()].map((both) => {
    const copy = both.find(({ isCopy }) => isCopy === true)!
    return [both.find((one) => one !== copy)!, copy]
  })
}

function serverOf({ busyMs, waitMs }: Work): Promise<{ port: number; child: ChildProcess }> {
  const code = `require('node:http').createServer((asked, answer) => {
    asked.resume().on('end', () => {
      const end = performance.now() + ${busyMs} * (0.5 + Math.random())
      while (performance.now() < end);
      setTimeout(() => answer.end('x'.repeat(500)), ${waitMs} * (0.75 + Math.random() / 2))
    })
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve) =>
    child.stdout.once('data', (said: Buffer) => resolve({ port: Number(String(said)), child })),
  )
}

function ask(base: string, agent: Agent, uploadMs: number): Promise<void> {
  const headers = { 'content-length': 1000 }
  return new Promise((resolve, reject) => {
    const sent = request(`${base}/x`, { method: 'POST', agent, headers }, (answer) =>
      answer.resume().on('end', resolve),
    )
    sent.on('error', reject)
    sent.write('x'.repeat(500))
    setTimeout(() => sent.end('x'.repeat(500)), uploadMs)
  })
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function quantile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
