/**
 * The machine goes down in the middle of a release, in a step of a canary and on each rung: every process is gone, the boot id is another
 * one, and the clock that counts from the boot begins again. Everything is started again from the journal, and the release goes on.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { bootId, identityOf } from '../../src/ipc/identity.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { steadyTraffic } from '../support/traffic.ts'

let beryl: Running
let id = ''

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' } },
    replicas: 2,
    workers: 1,
    environment: '      sleep: { by: paths, sleep: /sleep, wake: /wake_up }\n',
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    switch: { drain: 20s, traffic: { canary: [20%, 50%], every: 4s } }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 30%, minimumEffect: 20% } }
    standby: [{ full: 8s }, { replicas: 1, for: 8s }, { asleep: 10m }]
`,
  })
  await beryl.deployed('v1')
})
after(async () => assert.equal(await beryl.stop(), 0))

/** Each of Beryl's processes, one after the other, where the release stands: nobody but what was in flight in a gateway notices. */
async function everybodyKilled(wanted: Record<string, string>): Promise<void> {
  const concurrency = 4
  const traffic = steadyTraffic(beryl.gateway, { concurrency, keepAlive: false })
  try {
    await traffic.atLeast(20)
    await anotherGateway('SIGKILL')
    await traffic.atLeast(20)
  } finally {
    await traffic.stop()
  }
  const { lost } = traffic.counts()
  assert.ok(lost.length <= concurrency, `more than was in flight: ${lost.join(', ')}`)
  assert.deepEqual(
    lost.filter((why) => /ECONNREFUSED|^status|timeout/.test(why)),
    [],
  )
  await is(wanted)
  await asked(async () => {
    for (const role of ['examiner', 'controller'] as const) {
      const old = beryl.kill(role)
      await eventually(
        () => ![null, old].includes(beryl.pidOf(role)),
        () => `another ${role}`,
      )
    }
    await is(wanted)
    await beryl.killSupervisor()
    await beryl.restartSupervisor()
  })
}

async function anotherGateway(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const old = beryl.pidOf('gateway')!
  process.kill(old, signal)
  await eventually(
    async () =>
      ![null, old].includes(beryl.pidOf('gateway')) &&
      (await fetch(`${beryl.gateway}/predict`, { method: 'POST', body: '{}' })).ok,
    () => 'another gateway that answers',
  )
}

/** What is up where: version, role, and the states of its replicas. */
async function world() {
  const { environments } = await beryl.service()
  return Object.fromEntries(
    [environments.blue, environments.green]
      .filter(({ version }) => version !== null)
      .map(({ version, replicas }) => [version, replicas.map(({ state }) => state).join(' ')]),
  )
}

/** Which is live, its part of the traffic, and that of the other. */
async function shares() {
  const { environments, live } = await beryl.service()
  const { environment, version } = live!
  const other = environment === 'blue' ? 'green' : 'blue'
  return [version, environments[environment].share, environments[other].share]
}

/** The routes follow what is ready. */
async function sharesAre(wanted: string): Promise<void> {
  let seen = ''
  await eventually(
    async () => (seen = (await shares()).join()) === wanted,
    () => `shares of ${wanted}; they are ${seen}`,
  )
}

async function pids(): Promise<number[]> {
  const { environments } = await beryl.service()
  return [environments.blue, environments.green].flatMap(({ replicas }) =>
    replicas.flatMap(({ pid }) => (pid === null ? [] : [pid])),
  )
}

async function reboot(): Promise<void> {
  const before_ = await pids()
  await beryl.killSupervisor()
  const own = (['gateway', 'controller', 'examiner'] as const).map((role) => beryl.kill(role))
  for (const pid of before_) process.kill(pid, 'SIGKILL')
  await eventually(
    () => [...own, ...before_].every((pid) => identityOf(pid) === null),
    () => 'everything to be dead',
  )
  for (const role of ['gateway', 'controller', 'examiner'] as const) {
    const file = join(beryl.data, `${role}.process.json`)
    await writeFile(file, otherBoot(await readFile(file, 'utf8')))
  }
  const database = new DatabaseSync(join(beryl.data, 'beryl.db'))
  for (const [table, key, column] of [
    ['replicas', 'id', 'record'],
    ['services', 'name', 'row'],
    ['releases', 'number', 'row'],
  ] as const)
    for (const row of database.prepare(`SELECT ${key}, ${column} FROM ${table}`).all())
      database
        .prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`)
        .run(otherBoot(String(row[column])), row[key]!)
  database.close()
  await beryl.restartSupervisor()
  const again = await pids()
  assert.deepEqual(
    again.filter((pid) => before_.includes(pid)),
    [],
  )
}

/** Times of the boot before lie ahead of the clock that has begun again. */
function otherBoot(text: string): string {
  return text
    .replaceAll(bootId(), '00000000-0000-4000-8000-000000000000')
    .replace(/"up":([\d.]+)/g, (_, up: string) => `"up":${Number(up) + 1e7}`)
}

async function is(wanted: Record<string, string>): Promise<void> {
  let seen = {}
  await eventually(
    async () => {
      seen = await world()
      return JSON.stringify(seen) === JSON.stringify(wanted)
    },
    () => `${JSON.stringify(wanted)}; it is ${JSON.stringify(seen)}`,
  )
}

const waitsFor = (what: string) =>
  beryl.until(id, ({ waitingFor }) => waitingFor?.startsWith(what) === true, what)

/** Clients ask until the act is over: all are answered. */
async function asked(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const traffic = steadyTraffic(beryl.gateway)
  try {
    await act()
    await traffic.atLeast(20)
  } finally {
    await traffic.stop()
  }
  assert.deepEqual(traffic.counts().lost, [])
  return traffic.counts().byVersion
}

test('in each step of a canary: both versions keep their parts, whoever is killed; after a reboot they are back with them, and on evidence it goes on', async () => {
  const both = { v1: 'ready ready', v2: 'ready ready' }
  id = (await beryl.deploy('v2')).id
  await waitsFor('evidence: step 1 of 3')
  await beryl.api('POST', `/releases/${id}/pause`, {})
  await everybodyKilled(both)
  await sharesAre('v1,0.8,0.2')
  // This one listens on the sockets of the supervisor that died: replaced while nobody asks, its successor on those of the one that lives.
  await anotherGateway('SIGTERM')
  await asked(async () => {
    const next = await beryl.cli('promote', id, '--reason', 'seen enough')
    assert.equal(next.code, 0, next.err)
    await beryl.api('POST', `/releases/${id}/resume`, {})
    await sharesAre('v1,0.5,0.5')
    await beryl.api('POST', `/releases/${id}/pause`, {})
  })
  await everybodyKilled(both)
  await sharesAre('v1,0.5,0.5')
  await reboot()
  await is(both)
  await sharesAre('v1,0.5,0.5')
  const byVersion = await asked(async () => {
    await beryl.api('POST', `/releases/${id}/resume`, {})
    await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'past its watch')
  })
  assert.ok(byVersion['v1']! > 0 && byVersion['v2']! > 0, JSON.stringify(byVersion))
})

test('on the rung full: live and the whole standby are back', async () => {
  await beryl.api('POST', `/releases/${id}/pause`, {})
  await everybodyKilled({ v1: 'ready ready', v2: 'ready ready' })
  await reboot()
  await is({ v1: 'ready ready', v2: 'ready ready' })
  assert.deepEqual(Object.keys(await asked(async () => {})), ['v2'])
  const { live, wayBack, release } = await beryl.service()
  assert.deepEqual([live?.version, wayBack.possible, release?.id], ['v2', true, id])
  await beryl.api('POST', `/releases/${id}/resume`, {})
})

test('on a lower rung: as many as the rung keeps', async () => {
  await waitsFor('the standby: 1 replica for another')
  await beryl.api('POST', `/releases/${id}/pause`, {})
  await everybodyKilled({ v1: 'ready', v2: 'ready ready' })
  await reboot()
  await is({ v1: 'ready', v2: 'ready ready' })
  assert.deepEqual(Object.keys(await asked(async () => {})), ['v2'])
  await beryl.api('POST', `/releases/${id}/resume`, {})
})

test('asleep: it is started, and sleeps again; a rollback wakes it, and the traffic follows', async () => {
  await waitsFor('the standby: asleep for another')
  await everybodyKilled({ v1: 'asleep asleep', v2: 'ready ready' })
  await reboot()
  await is({ v1: 'asleep asleep', v2: 'ready ready' })
  const byVersion = await asked(async () => {
    await beryl.api('POST', '/services/tiny/rollback', { reason: 'after the reboot' })
    await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  })
  assert.ok(byVersion['v1']! > 0)
  assert.equal((await beryl.service()).live?.version, 'v1')
})
