/** One gateway hands over to the next while everybody asks: nothing is refused or lost, and no version answers that was left. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { dataDirectory } from '../../src/ipc/data-directory.ts'
import { isAlive, readIdentity } from '../../src/ipc/identity.ts'
import type { Identity } from '../../src/ipc/identity.ts'
import { askToRestartGateway } from '../../src/supervisor/control.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { mixed, oldAfterNew, steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

let beryl: Running
const clients = 16
const service = `
    verify: [{ warmUp: { within: 20s, request: { path: /predict } } }]
    switch: { when: approved, drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`

before(async () => {
  const models = { a: { answer: 'a' }, b: { answer: 'b' } }
  beryl = await startBeryl({ models, service, replicas: 2 })
  const { id } = await beryl.deploy('a')
  await approved(id)
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watching')
  await beryl.api('POST', `/releases/${id}/promote`, { reason: 'it is the first one' })
  await beryl.until(id, ({ phase }) => phase === 'finished', 'finished')
})
after(async () => assert.equal(await beryl.stop(), 0))

/** Ended with its test, however that ends. */
let asking: Traffic | null = null
afterEach(() => asking?.stop())
const traffic16 = (options: { keepAlive?: boolean } = {}): Traffic =>
  (asking = steadyTraffic(beryl.gateway, { concurrency: clients, pauseMs: 80, ...options }))

const approved = async (id: string) => {
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  await beryl.api('POST', `/releases/${id}/approve`, {})
}
const gatewayNow = () => readIdentity(dataDirectory(beryl.data).process('gateway'))!
const restart = () => askToRestartGateway(dataDirectory(beryl.data))
const gone = (one: Identity) =>
  eventually(
    () => !isAlive(one),
    () => `the gateway with pid ${one.pid} to end`,
  )
/** @returns the gateway before, which ends what it has begun */
async function handOver(): Promise<Identity> {
  const before_ = gatewayNow()
  const { from, to } = await restart()
  assert.equal(from, before_.pid)
  assert.equal(to, gatewayNow().pid)
  return before_
}

async function streamed(count: number): Promise<() => Promise<void>> {
  const stream = await fetch(`${beryl.gateway}/stream?count=${count}&every=20`)
  const text = stream.text()
  return async () =>
    assert.equal(
      (await text).split('\n').filter((line) => /^data: \w \d+$/.test(line)).length,
      count,
    )
}

async function socketOpen() {
  const socket = new WebSocket(`${beryl.gateway.replace('http', 'ws')}/chat`)
  const said: string[] = []
  socket.addEventListener('message', ({ data }) => said.push(String(data)))
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  return {
    asks: async (what: string, by: string) => {
      socket.send(what)
      await eventually(
        () => said.includes(`${by}: ${what}`),
        () => `an answer to ${what}`,
      )
    },
    close: async () => {
      socket.close()
      await closed
    },
  }
}

/** Requests that ended, as Prometheus is told. */
async function counted(): Promise<number> {
  const headers = { authorization: `Bearer ${beryl.token}` }
  const answer = await fetch(`${beryl.apiUrl}/metrics`, { headers })
  const text = await answer.text()
  const lines = text.split('\n').filter((line) => line.startsWith('beryl_outcomes_total{'))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test('three hand-overs under load: nothing refused or lost, streams and WebSockets whole, each request counted once', async () => {
  const began = await counted()
  let now = began
  const traffic = traffic16()
  await traffic.atLeast(clients * 4)
  let others = 0
  for (let time = 0; time < 3; time++) {
    const whole = await streamed(50)
    const socket = await socketOpen()
    others += 2
    const old = await handOver()
    await socket.asks(`still there ${time}?`, 'a')
    if (time === 0) {
      const second = await beryl.cli('restart', 'gateway')
      assert.equal(second.code, 1)
      assert.match(
        second.err,
        new RegExp(`a gateway \\(pid ${old.pid}\\) still ends what it has begun`),
      )
    }
    await traffic.atLeast(clients * 4)
    await whole()
    assert.ok(isAlive(old), 'it waits for the WebSocket')
    await socket.close()
    await gone(old)
  }
  const { lost, sent } = await traffic.stop()
  assert.deepEqual(lost, [])
  await eventually(
    async () => (now = await counted()) - began === sent + others,
    () => `${sent + others} requests to be counted, not ${now - began}`,
    10_000,
  )
})

test('while two gateways live a switch waits, and says so; a rollback is stored in both, and no client sees it move twice', async () => {
  const { id } = await beryl.deploy('b')
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  const traffic = traffic16()
  const first = await socketOpen()
  const old = await handOver()
  await approved(id)
  const waits = /^the gateway before this one, which has \d+ requests in flight/
  await beryl.until(
    id,
    ({ waitingFor }) => waits.test(waitingFor ?? ''),
    'waiting for the hand-over',
  )
  assert.match((await beryl.cli('status', 'tiny')).out, /the gateway before this one/)
  await first.asks('and now?', 'a')
  await first.close()
  await gone(old)
  await beryl.until(id, ({ phase }) => phase === 'watching', 'watching')
  await traffic.atLeast(clients * 2)
  const switched = traffic.counts().answers.length
  assert.equal(oldAfterNew(traffic.counts().answers, 'a', 'b'), 0)

  const second = await socketOpen()
  const older = await handOver()
  await beryl.api('POST', '/services/tiny/rollback', { reason: 'in the middle of it' })
  await traffic.atLeast(clients * 4)
  await second.asks('still b?', 'b')
  assert.ok(isAlive(older))
  // What it has open keeps the version that it left from being taken down.
  const open = /[1-9]\d* requests that are still in flight on green/
  await beryl.until(id, ({ waitingFor }) => open.test(waitingFor ?? ''), 'waiting for what is open')
  await second.close()
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  await gone(older)
  const { lost, answers } = await traffic.stop()
  assert.deepEqual(lost, [])
  assert.equal(oldAfterNew(answers.slice(switched), 'b', 'a'), 0)
  assert.equal(mixed(answers, 'a', 'b'), 0)
  const { events } = await beryl.api<{ events: { text: string }[] }>(
    'GET',
    `/releases/${id}/report`,
  )
  assert.ok(events.some(({ text }) => /rolled back to a \(blue\) in two steps/.test(text)))
})

test('whoever is killed in the middle: no connection is refused, and only what was in flight in a killed gateway is lost', async () => {
  const traffic = traffic16({ keepAlive: false })
  const pids = async () => (await beryl.service()).environments.blue.replicas.map(({ pid }) => pid)
  const models = await pids()
  const lostSince = async (most: number, act: () => Promise<void>) => {
    const already = traffic.counts().lost.length
    await act()
    await traffic.atLeast(clients * 4)
    const lost = traffic.counts().lost.slice(already)
    assert.deepEqual(
      lost.filter((why) => why.includes('ECONNREFUSED')),
      [],
    )
    assert.ok(lost.length <= most, `${lost.length} lost: ${lost.join(', ')}`)
  }
  const inTheMiddle = async (act: (old: Identity) => Promise<void>) => {
    const socket = await socketOpen()
    const old = await handOver()
    await act(old)
    await socket.close()
    await gone(old)
  }

  // The one that leaves.
  await lostSince(0, () =>
    inTheMiddle(async (old) => {
      process.kill(old.pid, 'SIGKILL')
      await gone(old)
    }),
  )
  // The one that has taken over: who comes now waits for a third.
  await lostSince(clients, () =>
    inTheMiddle(async () => {
      const now = gatewayNow()
      beryl.kill('gateway')
      await gone(now)
      await eventually(
        () => gatewayNow().pid !== now.pid,
        () => 'another gateway',
      )
    }),
  )
  // Controller and supervisor, while both gateways live.
  await lostSince(0, () =>
    inTheMiddle(async (old) => {
      const { pid } = gatewayNow()
      beryl.kill('controller')
      await beryl.killSupervisor()
      await beryl.restartSupervisor()
      assert.equal(gatewayNow().pid, pid)
      assert.ok(isAlive(old))
    }),
  )
  // The supervisor, right after it has started the next one: whichever stays, one gateway is left.
  await lostSince(0, async () => {
    const old = gatewayNow()
    const asked = restart().catch(() => null)
    const next = dataDirectory(beryl.data).process('gateway-next')
    await eventually(
      () => readIdentity(next) !== null,
      () => 'the next gateway to be started',
    )
    const coming = readIdentity(next)!
    await beryl.killSupervisor()
    await asked
    await beryl.restartSupervisor()
    const stays = gatewayNow()
    assert.ok([old.pid, coming.pid].includes(stays.pid))
    await gone(stays.pid === old.pid ? coming : old)
    assert.ok(isAlive(stays))
  })
  // The next one, before it listens, and whoever runs, while the next one starts.
  for (const whose of ['next', 'gateway'] as const)
    await lostSince(whose === 'next' ? 0 : clients, async () => {
      const old = gatewayNow()
      const asked = restart().then(
        () => 'taken over',
        (error: unknown) => (error as Error).message,
      )
      const next = dataDirectory(beryl.data).process('gateway-next')
      await eventually(
        () => readIdentity(next) !== null,
        () => 'the next gateway to be started',
      )
      process.kill(whose === 'next' ? readIdentity(next)!.pid : old.pid, 'SIGKILL')
      const answer = await asked
      if (whose === 'next') assert.match(answer, /the one that ran goes on: signal SIGKILL/)
      assert.equal(gatewayNow().pid === old.pid, whose === 'next')
    })
  await traffic.stop()
  assert.deepEqual(await pids(), models)
  const left = (await readdir(beryl.data)).filter((name) => /\.sock\.\d+$|gateway-next/.test(name))
  assert.deepEqual(left, [])
})

test('other settings: a gateway that cannot start leaves the one that runs alone; then `up --take-over` brings them', async () => {
  const file = join(beryl.directory, 'beryl.yaml')
  const manifest = await readFile(file, 'utf8')
  const traffic = traffic16()
  const old = gatewayNow()
  await writeFile(
    file,
    manifest.replace('workers: 2', 'workers: 2, accessLog: { file: /dev/null/access.log }'),
  )
  const refused = await beryl.cli('restart', 'gateway')
  assert.equal(refused.code, 1)
  assert.match(
    refused.err,
    /the next gateway did not take over, and the one that ran goes on: .*\/dev\/null/,
  )
  assert.equal(gatewayNow().pid, old.pid)

  await writeFile(file, manifest.replace('workers: 2', 'workers: 1, headers: id'))
  const supervisor = await beryl.runningPid()
  await beryl.restartSupervisor({ takeOver: true })
  assert.notEqual(await beryl.runningPid(), supervisor)
  const answer = await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })
  assert.deepEqual([answer.status, answer.headers.get('beryl-version')], [200, null])
  await gone(old)
  const { lost } = await traffic.stop()
  assert.deepEqual(
    lost.filter((why) => why !== 'status 200 from no version'),
    [],
  )
  await traffic.stop()
})
