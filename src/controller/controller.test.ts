/** The loop over a real journal: what a controller finds after a crash it completes or drops, and the gateway has the last word. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { window } from '../config/windows.ts'
import type { Now, Phase, Service } from '../release/release.ts'
import { plainRules } from '../release/testing/plain.ts'
import type { ExaminerClient } from '../verification/client.ts'
import { createController } from './controller.ts'
import type { Controller } from './controller.ts'
import type { GuardFact, Spent } from '../release/seen.ts'
import { gatesOf } from './gates/gates.ts'
import { openRows } from './rows.ts'
import {
  gatewayFake,
  journal,
  providerFake,
  releaseOf,
  replicaOf,
  since,
  switched,
  tableOf,
  until,
} from './testing/hands.ts'
import type { Watching } from './watch/watching.ts'

const switching: Phase = { name: 'switching', since, generation: 4, step: 1, of: 1 }
const watching: Phase = { name: 'watching', since, generation: 4 }
const wayBack = { ...tableOf(5, 'blue') }
let judged: GuardFact | null = null
const watchingFake = {
  take: async () => {},
  begin: () => {},
  judge: () => judged,
  view: () => null,
  peak: () => null,
} as Watching

let loops: Controller[] = []
afterEach(async () => {
  await Promise.all(loops.map((loop) => loop.stop()))
  loops = []
  judged = null
  spent = []
})

let spent: readonly Spent[] = []

/** A controller that starts on what another has left in journal and gateway. */
function startedOn(service: Service, gateway: ReturnType<typeof gatewayFake>, clock = () => since) {
  const kept = journal(service)
  const provider = providerFake(replicaOf('a'), replicaOf('b'))
  const now = clock
  const begin = () => {
    const rows = openRows(kept.store)
    const gates = gatesOf({ store: kept.store, examiner: {} as ExaminerClient, now })
    const controller = createController({
      store: kept.store,
      rows,
      gateway: gateway.client,
      provider: provider.provider,
      gates,
      routeOf: () => ({ host: null, path: '/' }),
      rulesOf: () => ({}),
      tapOf: () => null,
      spentOf: () => spent,
      crowdOf: () => null,
      now,
      watching: watchingFake,
    })
    loops.push(controller)
    controller.start()
    return { rows, controller, phase: () => rows.find('tiny')?.release?.phase.name }
  }
  return { ...kept, provider, begin, routing: () => routingOf(kept.store) }
}

const routingOf = (store: ReturnType<typeof journal>['store']) =>
  store.events
    .ofRelease('r2')
    .filter(({ kind }) => kind === 'routing')
    .map(({ text }) => text.replace(/,.*/, ''))

test('a switch that was journalled and never stored is completed, under the generation that was journalled', async () => {
  const gateway = gatewayFake(tableOf(3, 'blue'))
  const { begin, routing } = startedOn(switched(releaseOf(switching)), gateway)
  const { phase } = begin()
  await until('the watch', () => phase() === 'watching')
  assert.deepEqual(gateway.asked, ['put 4'])
  assert.equal(gateway.back?.generation, 5)
  assert.deepEqual(routing(), ['switched to b (green) in one step'])
})

test('a switch that the gateway has stored is taken as done, and not asked for again', async () => {
  const gateway = gatewayFake(tableOf(4, 'green'), wayBack)
  const { begin } = startedOn(switched(releaseOf(switching)), gateway)
  const { phase } = begin()
  await until('the watch', () => phase() === 'watching')
  assert.deepEqual(gateway.asked, [])
})

test('a way back that the gateway took, and no journal knows of, stays taken', async () => {
  const gateway = gatewayFake({ ...wayBack, live: 'blue' })
  const { begin, store } = startedOn(switched(releaseOf(watching)), gateway)
  const { phase, rows } = begin()
  await until('the end', () => phase() === undefined)
  assert.equal(gateway.table.live, 'blue')
  assert.equal(rows.find('tiny')?.live?.version, 'a')
  assert.equal(store.services.release('r2')?.phase.name, 'rolled-back')
  assert.ok(!gateway.asked.some((one) => one.startsWith('back')))
})

test('on a full disk a rollback is stored; a controller that starts after that drops what it reads and keeps to it', async () => {
  const gateway = gatewayFake(tableOf(4, 'green'), wayBack)
  const { begin, full, room, store, provider } = startedOn(switched(releaseOf(watching)), gateway)
  full()
  const first = begin()
  provider.replicas = [
    replicaOf('a'),
    { ...replicaOf('b'), state: { name: 'unready', because: 'out of memory '.repeat(4000) } },
  ]
  await until('the way back', () => gateway.table.live === 'blue')
  assert.equal(store.services.all()[0]?.service.release?.phase.name, 'watching')
  await Promise.all(loops.map((loop) => loop.stop()))
  assert.equal(first.rows.isWritten('tiny'), false)
  provider.replicas = [replicaOf('a'), replicaOf('b')]
  room()
  const second = begin()
  await until('the end', () => second.phase() === undefined)
  assert.equal(gateway.table.live, 'blue')
  assert.equal(store.services.release('r2')?.phase.name, 'rolled-back')
})

test('an intent is in the journal before the gateway hears of it', async () => {
  const gateway = gatewayFake(tableOf(4, 'green'), wayBack)
  const { begin, store, provider } = startedOn(switched(releaseOf(watching)), gateway)
  const written: number[] = []
  gateway.before = () => void written.push(store.services.all()[0]!.service.generation)
  // A replica with another address: the routes change, the phase does not.
  provider.replicas = [replicaOf('a'), { ...replicaOf('b'), port: 99 }]
  begin()
  await until('the new routes', () => gateway.table.environments.green?.replicas[0]?.port === 99)
  assert.deepEqual(gateway.asked, ['put 6'])
  assert.deepEqual(written, [7])
  assert.equal(gateway.back?.generation, 7)
})

test('a gateway that refuses is said once, and asked again until it takes it', async () => {
  const gateway = gatewayFake(tableOf(3, 'blue'))
  const { begin } = startedOn(switched(releaseOf(switching)), gateway)
  let refusals = 3
  gateway.before = () => {
    if (refusals-- > 0) throw new Error('a worker was late')
  }
  const { phase, controller } = begin()
  await until('the complaint', () => controller.problems('tiny').length > 0)
  assert.deepEqual(controller.problems('tiny'), ['route: a worker was late'])
  await until('the watch', () => phase() === 'watching')
  await until('silence', () => controller.problems('tiny').length === 0)
  assert.equal(gateway.asked.length, 4)
})

test('when a command comes between two actions the rest of the plan is dropped', async () => {
  const gateway = gatewayFake(tableOf(3, 'blue'))
  const { begin, provider } = startedOn(switched(releaseOf(switching)), gateway)
  // Planned: start a replica for blue, then switch. The rollback comes with the first.
  provider.replicas = [replicaOf('b')]
  const { rows, phase } = begin()
  provider.before = () => {
    provider.before = () => {}
    const back = releaseOf({ name: 'rolling-back', since, generation: 5, why: 'no', by: 'ann' })
    const row = switched(back)
    const next: Service = { ...row, colour: 'blue', live: row.standby, standby: null, back: null }
    rows.save({ next, events: [] })
    provider.replicas = [replicaOf('a'), replicaOf('b')]
  }
  await until('the end', () => phase() === undefined)
  assert.ok(!gateway.asked.includes('put 4'))
  assert.equal(gateway.table.live, 'blue')
})

test('a release waits for its window by the local clock, and switches when it opens', async () => {
  const windows = [window.parse('Fri 10:00-11:00 Europe/Paris')]
  const rules = { ...plainRules, gates: [], windows }
  const waiting = releaseOf({ name: 'awaiting-approval', since }, { rules })
  const row: Service = {
    ...switched(waiting),
    generation: 3,
    back: null,
    colour: 'blue',
    live: { ...waiting.from! },
    standby: null,
  }
  // A Friday in winter, 09:00 in Paris.
  let clock: Now = { ...since, wall: Date.parse('2027-01-15T08:00:00Z') }
  const { begin } = startedOn(row, gatewayFake(tableOf(3, 'blue')), () => clock)
  const { phase, controller } = begin()
  await until('the wait', () => controller.waitingFor('tiny') !== null)
  assert.equal(
    controller.waitingFor('tiny'),
    'the window Fri 10:00-11:00 Europe/Paris, which opens in 1h (2027-01-15 09:00 UTC)',
  )
  assert.equal(phase(), 'awaiting-approval')
  clock = { up: clock.up + 3600, wall: clock.wall + 3_600_000 }
  await until('the watch', () => phase() === 'watching')
})

test('what is frozen stays frozen when the controller starts again, and a rollback goes through it', async () => {
  const rules = { ...plainRules, traffic: { shares: [0.1], everyS: 1, sticky: null } }
  const inStep: Phase = { ...switching, of: 2, share: 0.1 }
  const stepped = {
    ...tableOf(4, 'blue'),
    split: { to: 'green', share: 0.1, sticky: null } as const,
  }
  const gateway = gatewayFake(stepped, wayBack)
  const row = switched(releaseOf(inStep, { rules }))
  const later = { ...since, up: since.up + 60, wall: since.wall + 60_000 }
  const { begin, store } = startedOn(row, gateway, () => later)
  const freeze = { scope: '*', by: 'ann', reason: 'holidays', at: since.wall, until: null }
  const event = {
    at: 0,
    service: '*',
    release: null,
    kind: 'command',
    by: 'ann',
    text: '',
    data: {},
  }
  store.freezes.put(freeze, event)
  judged = { decision: 'promote', because: 'fine' }
  for (let turn = 0; turn < 2; turn++) {
    const { phase, controller } = begin()
    await until('the wait', () => controller.waitingFor('tiny') !== null)
    assert.equal(controller.waitingFor('tiny'), '`unfreeze`: ann froze everything (holidays)')
    assert.equal(phase(), 'switching')
    await controller.stop()
  }
  judged = { decision: 'rollBack', because: 'worse' }
  const { phase } = begin()
  await until('the end', () => phase() === undefined)
  assert.equal(gateway.table.live, 'blue')
  assert.equal(store.services.release('r2')?.phase.name, 'rolled-back')
})

test('a budget that is reached is an alarm in the record, said once, and the watch goes on', async () => {
  const gateway = gatewayFake(tableOf(4, 'green'), wayBack)
  spent = [{ of: 'release', name: 'r2', spent: 20.5, limit: 20, currency: 'USD' }]
  const { begin, store } = startedOn(switched(releaseOf(watching)), gateway)
  const { phase } = begin()
  const alarms = () => store.events.ofRelease('r2').filter(({ kind }) => kind === 'alarm')
  await until('an alarm', () => alarms().length > 0)
  assert.match(
    alarms()[0]!.text,
    /^r2 \(b\) is watching: the budget of r2 is reached \(20\.50 of 20\.00 USD\)/,
  )
  assert.equal(phase(), 'watching')
  assert.equal(alarms().length, 1)
})
