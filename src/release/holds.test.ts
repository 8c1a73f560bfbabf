/** A window that is closed, or a freeze, holds what moves forward, and nothing that goes back. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Rules } from './release.ts'
import type { Hold } from './seen.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const hour = 3_600_000
const closed = (world: World): Hold => ({
  by: 'window',
  window: 'Mon-Thu 09:00-16:00 Europe/Paris',
  opensAt: world.now.wall + 3.2 * hour,
})
const freeze: Hold = {
  by: 'freeze',
  who: 'ann',
  reason: 'holidays',
  of: 'everything',
  until: null,
}
const stepwise: Rules = {
  ...plainRules,
  traffic: { shares: [0.1, 0.5], everyS: 120, sticky: null },
}

/** `a` is live, `b` was asked for. */
function releasing(rules: Rules = plainRules): World {
  const world = new World()
  world.deploy('a')
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.deploy('b', { rules })
  return world
}

const phase = (world: World) => world.service.release?.phase.name
const behave = (world: World, turns: number) => {
  for (let turn = 0; turn < turns; turn++) world.behave(60)
}

describe('what is held', () => {
  test('a release waits before its switch until a window opens, and says when that is', () => {
    const world = releasing()
    world.holds = [closed(world)]
    world.until('awaiting-approval')
    world.holds = [closed(world)]
    world.tick()
    assert.match(
      world.waitingFor,
      /^the window Mon-Thu 09:00-16:00 Europe\/Paris, which opens in 3h 12m \(20\d\d-\d\d-\d\d \d\d:\d\d UTC\)$/,
    )
    behave(world, 20)
    assert.equal(phase(world), 'awaiting-approval')
    world.holds = []
    world.until('watching')
  })

  test('approval and `--force` skip no window', () => {
    const world = releasing({ ...plainRules, switchWhen: 'approved' })
    world.until('awaiting-approval')
    assert.match(world.waitingFor, /^approval/)
    world.holds = [closed(world)]
    world.command('approve', { skipGate: 'goldenSet' })
    behave(world, 3)
    assert.match(world.waitingFor, /^the window/)
    assert.equal(phase(world), 'awaiting-approval')
  })

  test('what gates found is taken again when the window opens, not each day before', () => {
    const world = releasing()
    world.holds = [closed(world)]
    world.until('awaiting-approval')
    world.pass(50 * 3600)
    behave(world, 3)
    assert.equal(phase(world), 'awaiting-approval')
    world.holds = []
    world.tick()
    assert.equal(phase(world), 'warming')
    world.until('watching')
  })

  test('a freeze names who, why and the command that ends it', () => {
    const world = releasing()
    world.holds = [freeze, closed(world)]
    world.until('awaiting-approval')
    assert.equal(world.waitingFor, '`unfreeze`: ann froze everything (holidays)')
    const own: Hold = { ...freeze, of: 'service', until: world.now.wall + hour }
    world.holds = [own]
    world.tick()
    assert.match(
      world.waitingFor,
      /^`unfreeze tiny`: ann froze tiny \(holidays\), until 20\d\d-\d\d-\d\d \d\d:\d\d UTC$/,
    )
  })

  test('a step is not followed by the next, with evidence or `promote`, while it is held', () => {
    const world = releasing(stepwise)
    world.until('switching')
    behave(world, 1)
    world.holds = [closed(world)]
    behave(world, 10)
    assert.equal(world.table?.split?.share, 0.1)
    assert.equal(world.command('promote'), null)
    behave(world, 3)
    assert.equal(world.table?.split?.share, 0.1)
    assert.match(world.waitingFor, /^the window/)
    world.holds = []
    world.until('watching')
  })
})

describe('what is never held', () => {
  test('the guard, and a person, in a step and in the watch', () => {
    const backs: ((world: World) => void)[] = [
      (world) => void (world.guard = { decision: 'rollBack', because: 'bad' }),
      (world) => void world.command('rollback'),
    ]
    for (const back of backs)
      for (const [rules, at] of [
        [stepwise, 'switching'],
        [plainRules, 'watching'],
      ] as const) {
        const world = releasing(rules)
        world.guard = { decision: 'hold', because: 'little' }
        world.until(at)
        behave(world, 1)
        world.holds = [freeze, closed(world)]
        back(world)
        world.until('rolled-back')
        assert.equal(world.service.live?.version, 'a')
      }
  })

  test('`rollback --to`, and the end of a watch', () => {
    const world = releasing()
    world.until('watching')
    world.holds = [freeze, closed(world)]
    world.until('finished', (one) => one.pass(30))
    world.deploy('a', { kind: 'rollback' })
    world.until('watching')
    assert.equal(world.service.live?.version, 'a')
  })
})

describe('while one gateway hands over to another', () => {
  const approved: Rules = { ...plainRules, switchWhen: 'approved' }
  const waits = /^the gateway before this one, which has 0 requests in flight: a hand-over ends/

  test('no traffic moves forward, `rollback --to` included: it waits, says so, and goes on after it', () => {
    for (const kind of ['deploy', 'rollback'] as const) {
      const world = releasing()
      world.until('finished', (one) => one.pass(30))
      world.deploy('c', { kind, rules: approved })
      world.until('awaiting-approval')
      world.handOver()
      world.command('approve')
      for (let turn = 0; turn < 5; turn++) world.tick()
      assert.match(world.waitingFor, waits)
      assert.equal(world.moved.length, 2)
      world.until('watching')
      assert.equal(world.service.live?.version, 'c')
    }
  })

  test('a switch that was journalled before it waits too', () => {
    const world = releasing(approved)
    world.until('awaiting-approval')
    world.command('approve')
    // Killed before it stored what it had journalled.
    world.tick(0)
    world.handOver()
    world.tick()
    assert.equal(world.service.release?.phase.name, 'switching')
    assert.match(world.waitingFor, waits)
    world.until('watching')
  })

  test('a rollback goes on, and what is open in either place is taken down by nobody', () => {
    const world = releasing()
    world.until('watching')
    world.inFlight.green = 3
    world.handOver()
    world.command('rollback')
    for (let turn = 0; turn < 5; turn++) world.tick()
    assert.equal(world.table?.live, 'blue')
    assert.equal(world.service.release?.phase.name, 'clearing')
    assert.match(world.waitingFor, /3 requests that are still in flight on green/)
    world.until('rolled-back')
  })
})
