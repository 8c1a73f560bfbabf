/** What costs money without end is ended: a forgotten candidate, a budget that is spent, too many releases at once. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { desiredWorld } from './desired-world.ts'
import type { Rules } from './release.ts'
import type { Spent } from './seen.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const approved: Rules = { ...plainRules, switchWhen: 'approved', expiresS: 24 * 3600 }
const ladder: Rules['standby'] = [
  { rung: 'full', forS: 3600 },
  { rung: 'replicas', replicas: 1, forS: 3600 },
  { rung: 'asleep', forS: 3600 },
]
const control = { share: 1, methods: ['GET'], exclude: [] }

/** `a` is live. */
function began(): World {
  const world = new World()
  world.deploy('a', { replicas: 2 })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  return world
}

function of(limit: number, spent: number, what: 'release' | 'month' = 'release'): Spent[] {
  return [{ of: what, name: what === 'release' ? 'r2' : '2026-11', spent, limit, currency: 'USD' }]
}

function rungOf({ service: { release } }: World): number | null {
  return release?.phase.name === 'stabilizing' ? release.phase.rung : null
}

describe('a candidate that nobody promotes', () => {
  test('expires, says so beforehand, and live is not touched', () => {
    const world = began()
    world.deploy('b', { rules: approved })
    world.until('awaiting-approval')
    world.behave()
    assert.match(world.waitingFor, /^approval .*; the candidate expires in 23h 59m$/)
    world.behave(24 * 3600)
    const ended = world.until('rejected')
    assert.match(JSON.stringify(ended.phase), /expired: for 24h it waited for approval/)
    assert.equal(world.service.live?.version, 'a')
    assert.deepEqual(
      [...world.replicas.values()].map(({ release }) => release),
      ['r1', 'r1'],
    )
  })

  test('so does one whose gate is undecided, counted from the verdict', () => {
    const world = began()
    world.deploy('b', { rules: { ...approved, expiresS: 3600 } })
    world.until('warming', (one) => one.pass(0))
    world.tick()
    world.pass(7200)
    world.decideGate('undecided')
    world.tick()
    assert.match(world.waitingFor, /^a person: gate warmUp .*; the candidate expires in 1h$/)
    world.pass(3601)
    world.tick()
    assert.equal(world.service.release?.phase.name, 'clearing')
  })

  test('not while a window is closed, and a pause stops its time', () => {
    const world = began()
    world.deploy('b', { rules: { ...approved, switchWhen: 'verified' } })
    world.holds = [{ by: 'window', window: 'Mon 09:00-10:00 UTC', opensAt: null }]
    world.until('awaiting-approval')
    world.behave(48 * 3600)
    assert.match(world.waitingFor, /^the window/)
    const other = began()
    other.deploy('b', { rules: approved })
    other.until('awaiting-approval')
    other.command('pause')
    other.behave(48 * 3600)
    other.command('resume')
    other.behave()
    assert.match(other.waitingFor, /the candidate expires in 23h 59m$/)
  })

  test('one that was approved does not expire, nor does a rollback to an older version', () => {
    const world = began()
    world.deploy('b', { kind: 'rollback', rules: approved })
    world.until('awaiting-approval')
    world.behave(48 * 3600)
    assert.doesNotMatch(world.waitingFor, /expires/)
    assert.equal(world.service.release?.phase.name, 'awaiting-approval')
  })
})

describe('a budget that is reached', () => {
  test('stops what is mirrored first, then the standby goes down a rung for each further tenth', () => {
    const world = began()
    world.deploy('b', { rules: { ...plainRules, standby: ladder, control } })
    world.guard = { decision: 'hold', because: 'little' }
    world.until('watching')
    assert.notEqual(desiredWorld(world.service).copies, null)
    world.spent = of(20, 20)
    world.tick()
    assert.equal(desiredWorld(world.service).copies, null)
    assert.equal(world.service.release?.phase.name, 'watching', 'the watch goes on')
    world.spent = of(20, 30)
    world.tick()
    assert.equal(
      world.service.release?.phase.name,
      'watching',
      'no sum ends the way back of a watch',
    )
    world.guard = { decision: 'promote', because: 'fine' }
    world.until('stabilizing', (one) => one.pass(60))
    const rung = () => rungOf(world)
    for (let turn = 0; turn < 8; turn++) world.behave()
    assert.equal(rung(), 1, 'one cut')
    world.spent = of(20, 31.9)
    world.behave()
    assert.equal(rung(), 1)
    world.spent = of(20, 32)
    for (let turn = 0; turn < 8; turn++) world.behave()
    assert.equal(rung(), 2)
    world.spent = of(20, 34.1)
    const ended = world.until('finished')
    assert.match(
      JSON.stringify(ended.phase),
      /the budget of r2 is reached \(34\.10 of 20\.00 USD\)/,
    )
    assert.equal(world.service.live?.version, 'b')
  })

  test('goes down though the ladder is paused', () => {
    const world = began()
    world.deploy('b', { rules: { ...plainRules, standby: ladder } })
    world.until('stabilizing', (one) => one.pass(30))
    world.command('pause')
    world.spent = of(20, 20)
    world.tick()
    world.spent = of(20, 22)
    world.tick()
    assert.equal(rungOf(world), 1)
  })

  test('ends a candidate that is not live yet, at a further tenth', () => {
    const world = began()
    world.deploy('b', { rules: approved })
    world.until('awaiting-approval')
    world.spent = of(20, 21)
    world.tick()
    assert.equal(world.service.release?.phase.name, 'awaiting-approval')
    assert.ok(world.service.release?.thrift)
    world.spent = of(20, 23.2)
    world.tick()
    assert.match(JSON.stringify(world.until('rejected').phase), /before it was live/)
    assert.equal(world.service.live?.version, 'a')
  })

  test('of the month lets nothing new begin, but a first version and what leads back', () => {
    const world = began()
    world.spent = of(100, 100, 'month')
    world.deploy('b')
    world.tick()
    assert.match(world.waitingFor, /^the budget: the budget of 2026-11 is reached/)
    world.spent = of(150, 100, 'month')
    world.tick()
    assert.equal(world.service.release?.phase.name, 'provisioning')
    const back = began()
    back.spent = of(100, 100, 'month')
    back.deploy('b', { kind: 'rollback' })
    back.tick()
    assert.equal(back.service.release?.phase.name, 'provisioning')
    const first = new World()
    first.spent = of(100, 100, 'month')
    first.deploy('a')
    first.until('finished', (one) => {
      one.guard = { decision: 'promote', because: 'fine' }
      one.pass(30)
    })
  })
})

test('beyond what may run at once a release waits its turn, and names who is before it', () => {
  const world = began()
  world.crowd = { atOnce: 2, ahead: ['r7 of chat', 'r8 of rank'] }
  world.deploy('b')
  world.tick()
  assert.equal(
    world.waitingFor,
    'its turn: 2 releases run at once at most (releases.atOnce), before it are r7 of chat, r8 of rank',
  )
  world.crowd = { atOnce: 2, ahead: ['r8 of rank'] }
  world.tick()
  assert.equal(world.service.release?.phase.name, 'provisioning')
})

test('a rollback to an older version does not wait for its turn', () => {
  const world = began()
  world.crowd = { atOnce: 1, ahead: ['r7 of chat'] }
  world.deploy('b', { kind: 'rollback' })
  world.tick()
  assert.equal(world.service.release?.phase.name, 'provisioning')
})
