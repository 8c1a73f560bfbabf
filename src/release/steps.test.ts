/** A switch in steps: more of the traffic only on evidence, never less, and back from each step at once. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Rules } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const stepwise: Rules = {
  ...plainRules,
  traffic: { shares: [0.1, 0.5], everyS: 120, sticky: null },
}

/** `a` is live, and `b` is in the first step. */
function inFirstStep(rules: Rules = stepwise, replicas = 1): World {
  const world = new World()
  world.deploy('a')
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.guard = { decision: 'hold', because: 'little seen' }
  world.deploy('b', { rules, replicas })
  world.until('switching')
  world.behave()
  return world
}

const wouldShow = (world: World) =>
  void (world.guard = { decision: 'hold', because: '0 of 900', wouldShow: true })
const shareOf = (world: World) => world.table?.split?.share ?? (world.table === null ? 0 : 1)

describe('a switch in steps', () => {
  test('gives the new version its part, then more, then all, and watches', () => {
    const world = inFirstStep()
    const [old, own] = [world.table!.live!, world.service.colour]
    assert.notEqual(own, old)
    assert.deepEqual(world.table!.split, { to: own, share: 0.1, sticky: null })
    wouldShow(world)
    const seen = [shareOf(world)]
    world.until('watching', () => {
      seen.push(shareOf(world))
      world.pass(10)
    })
    assert.deepEqual([...new Set([...seen, shareOf(world)])], [0.1, 0.5, 1])
    assert.equal(world.table!.live, own)
    assert.equal(world.table!.split, null)
    assert.deepEqual(world.moved, ['r1', 'r2'])
  })

  test('waits in each step for its time, though all is clear', () => {
    const world = inFirstStep()
    world.guard = { decision: 'promote', because: 'fine' }
    for (let passed = 0; passed < 100; passed += 10) world.behave(10)
    assert.equal(shareOf(world), 0.1)
    assert.match(world.waitingFor, /^step 1 of 3, 10 %: /)
    world.behave(60)
    world.behave()
    assert.equal(shareOf(world), 0.5)
  })

  test('waits for evidence when its time is over: that nothing was seen is none', () => {
    const world = inFirstStep()
    world.behave(500)
    assert.equal(shareOf(world), 0.1)
    assert.match(world.waitingFor, /^evidence: step 1 of 3/)
    world.behave(500)
    assert.match(world.waitingFor, /^`promote` or `rollback`/)
    assert.equal(shareOf(world), 0.1)
  })

  test('`promote` is the next step now, and no further one', () => {
    const world = inFirstStep()
    assert.equal(world.command('promote'), null)
    world.behave()
    world.behave()
    assert.equal(shareOf(world), 0.5)
    for (let turn = 0; turn < 5; turn++) world.behave(10)
    assert.equal(shareOf(world), 0.5)
    assert.equal(world.service.release?.accepted, null)
  })

  for (const step of [1, 2, 3]) {
    test(`goes back from step ${step}, by the guard and by hand, in the store that was prepared`, () => {
      for (const by of ['guard', 'ann']) {
        const world = inFirstStep()
        const old = world.table!.live
        for (let at = 1; at < step; at++) {
          world.command('promote')
          world.behave()
          world.behave()
        }
        assert.equal(shareOf(world), [0.1, 0.5, 1][step - 1])
        if (by === 'ann') assert.equal(world.command('rollback'), null)
        else world.guard = { decision: 'rollBack', because: '20 of 100 failed' }
        world.tick()
        assert.equal(world.log.at(-1), 'store-back')
        assert.equal(world.table!.live, old)
        assert.equal(world.table!.split, null)
        const ended = world.until('rolled-back')
        assert.match(JSON.stringify(ended.phase), by === 'ann' ? /because/ : /20 of 100/)
        assert.equal(world.service.live?.version, 'a')
      }
    })
  }

  test('is held while the new version is not big enough', () => {
    const world = inFirstStep({ ...stepwise }, 2)
    wouldShow(world)
    world.pass(200)
    const [one] = world.replicasOf('r2')
    world.change(one!.id, { state: 'unready', because: 'it hangs' })
    for (let turn = 0; turn < 3; turn++) world.tick()
    assert.equal(shareOf(world), 0.1)
    assert.match(world.waitingFor, /^capacity: 1 replicas/)
    world.behave()
    world.behave()
    assert.equal(shareOf(world), 0.5)
  })

  test('goes back when nothing of the new version answers', () => {
    const world = inFirstStep()
    const old = world.table!.live
    const [one] = world.replicasOf('r2')
    world.change(one!.id, { state: 'unready', because: 'it hangs' })
    world.tick()
    assert.deepEqual([world.table!.live, world.table!.split], [old, null])
    assert.equal(world.until('rolled-back').bundle.version, 'b')
  })

  test('an old replica that dies in the middle of it is started again', () => {
    const world = inFirstStep()
    const [one] = world.replicasOf('r1')
    world.change(one!.id, { state: 'failed', because: 'it died' })
    world.tick()
    world.behave()
    world.behave()
    assert.equal(world.replicasOf('r1').filter(({ state }) => state === 'ready').length, 1)
    assert.equal(shareOf(world), 0.1)
  })

  test('`whenUndecided` says what becomes of a step without evidence', () => {
    const of = (whenUndecided: 'accept' | 'rollBack'): Rules => ({
      ...stepwise,
      watch: { ...stepwise.watch, whenUndecided },
    })
    const accepting = inFirstStep(of('accept'))
    accepting.behave(700)
    accepting.behave()
    assert.equal(shareOf(accepting), 0.5)
    const returning = inFirstStep(of('rollBack'))
    returning.behave(700)
    returning.until('rolled-back')
    assert.equal(returning.service.live?.version, 'a')
  })

  test('pause stops the steps, never the way back', () => {
    const world = inFirstStep()
    wouldShow(world)
    world.command('pause')
    for (let turn = 0; turn < 10; turn++) world.behave(60)
    assert.equal(shareOf(world), 0.1)
    assert.equal(world.command('rollback'), null)
    world.until('rolled-back')
  })

  test('a controller and a gateway that are killed in it go on with the share that was stored', () => {
    const world = inFirstStep()
    wouldShow(world)
    world.pass(200)
    world.tick(0)
    world.killGateway()
    world.behave()
    assert.equal(shareOf(world), 0.5)
    world.until('watching')
  })

  test('a first version and a rollback to an older one go in one step', () => {
    const first = new World()
    first.deploy('a', { rules: stepwise })
    first.until('watching')
    assert.deepEqual(first.moved, ['r1'])
    const world = inFirstStep()
    world.command('rollback')
    world.until('rolled-back')
    world.deploy('b', { kind: 'rollback', rules: stepwise })
    world.until('watching')
    assert.equal(world.table!.split ?? null, null)
  })
})
