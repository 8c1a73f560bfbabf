/** Interruptible capacity: who is on it, what happens when it is taken away, and what is live never is on it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { weakened } from './ladder.ts'
import type { Rules } from './release.ts'
import { liveOnSpot, spotText } from './spot.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const spot = {}
const onSpot: Rules = {
  ...plainRules,
  spot: { candidate: true, standby: true },
  standby: [
    { rung: 'full', forS: 600 },
    { rung: 'replicas', replicas: 1, forS: 3600 },
  ],
}

/** `a` is live with two replicas, and knows how to be on spot capacity. */
function begun(may: { live?: true } = spot): World {
  const world = new World()
  world.deploy('a', { replicas: 2, spot: may })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  return world
}

/** How many of a release are on spot capacity, and how many on demand, whatever they do. */
function capacity(world: World, release: string): { spot: number; onDemand: number } {
  const all = world.replicasOf(release)
  const taken = all.filter((one) => one.spot === true).length
  return { spot: taken, onDemand: all.length - taken }
}

const lost = (world: World, release: string, short = false) =>
  world.takeAway(world.replicasOf(release).find((one) => one.spot === true)!.id, short)
const turns = (world: World, count: number) => {
  for (let turn = 0; turn < count; turn++) world.behave()
}

/** `b` is live, and `a` is its standby on spot capacity. */
function stabilizing(may?: { live?: true }): World {
  const world = begun(may)
  world.deploy('b', { rules: onSpot, spot })
  world.until('stabilizing', (one) => one.pass(30))
  turns(world, 6)
  return world
}

describe('a candidate on spot capacity', () => {
  test('is tested there, and gets on-demand replicas before its switch; the others leave', () => {
    const world = begun()
    const { id } = world.deploy('b', { rules: onSpot, spot }) as { id: string }
    world.until('verifying')
    assert.deepEqual(capacity(world, id), { spot: 2, onDemand: 0 })
    const taken = () => world.log.filter((one) => one === 'gate').length
    world.until('provisioning')
    const before = taken()
    assert.deepEqual(world.moved, ['r1'])
    world.until('switching')
    assert.deepEqual(capacity(world, id), { spot: 0, onDemand: 2 })
    // The warm-up looked at replicas, and is taken again; the golden set looked at the version.
    assert.equal(taken() - before, 1)
    assert.match(world.said.join('\n'), /it was tested on spot capacity, and what is live is not/)
  })

  test('the switch is held until all on-demand replicas are ready, whatever is ready on spot capacity', () => {
    const world = begun()
    const { id } = world.deploy('b', { rules: onSpot, spot }) as { id: string }
    world.until('provisioning', (one) => one.pass(1))
    world.until('verifying')
    world.until('provisioning')
    world.tick()
    const late = world.replicasOf(id).filter((one) => one.spot !== true)
    assert.equal(late.length, 2)
    world.change(late[0]!.id, { state: 'ready' })
    for (let turn = 0; turn < 5; turn++) world.tick()
    assert.match(world.waitingFor, /on-demand replicas: 1 of 2 are ready/)
    // One of them stands in for the one that is not there yet.
    assert.deepEqual(capacity(world, id), { spot: 1, onDemand: 2 })
    world.change(late[1]!.id, { state: 'ready' })
    world.until('watching')
    assert.deepEqual(capacity(world, id), { spot: 0, onDemand: 2 })
  })

  test('one that is taken away while it is tested is nothing against the version, and no gate begins meanwhile', () => {
    const world = begun()
    const { id } = world.deploy('b', { rules: onSpot, spot }) as { id: string }
    world.until('verifying')
    lost(world, id)
    const begun_ = world.log.filter((one) => one === 'gate').length
    for (let turn = 0; turn < 3; turn++) world.tick()
    assert.equal(world.service.release?.phase.name, 'verifying')
    assert.equal(world.log.filter((one) => one === 'gate').length, begun_)
    world.until('finished', (one) => one.pass(300))
  })

  test('what cannot be had is stood in for on demand', () => {
    const world = begun()
    const { id } = world.deploy('b', { rules: onSpot, spot }) as { id: string }
    world.tick()
    world.tick()
    lost(world, id, true)
    world.tick()
    assert.deepEqual(capacity(world, id), { spot: 2, onDemand: 1 })
    for (let turn = 0; turn < 4; turn++) world.tick()
    assert.deepEqual(capacity(world, id), { spot: 2, onDemand: 1 })
  })

  test('a version that may be live there stays there', () => {
    const world = begun()
    const { id } = world.deploy('b', { rules: onSpot, spot: { live: true } }) as { id: string }
    world.until('stabilizing', (one) => one.pass(30))
    assert.deepEqual(capacity(world, id), { spot: 2, onDemand: 0 })
    lost(world, id)
    world.tick()
    assert.deepEqual(capacity(world, id), { spot: 2, onDemand: 0 })
  })

  test('a way back to an older version is brought up on demand', () => {
    for (const may of [spot, { live: true } as const]) {
      const world = begun()
      const options = { kind: 'rollback', rules: onSpot, spot: may } as const
      const { id } = world.deploy('b', options) as { id: string }
      world.until('watching')
      assert.deepEqual(capacity(world, id), { spot: 0, onDemand: 2 })
    }
  })
})

describe('a standby on spot capacity', () => {
  test('stays where it was in the watch, moves once that is over, and nothing leaves before its successor answers', () => {
    const world = begun()
    world.guard = { decision: 'hold', because: 'little seen' }
    world.deploy('b', { rules: onSpot, spot })
    world.until('watching')
    turns(world, 3)
    assert.deepEqual(capacity(world, 'r1'), { spot: 0, onDemand: 2 })
    world.guard = { decision: 'promote', because: 'fine' }
    world.pass(60)
    world.tick()
    for (let turn = 0; turn < 3; turn++) world.tick()
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 2 })
    assert.equal(weakened(world.service, world.look()), null)
    turns(world, 4)
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 0 })
  })

  test('one that is taken away weakens the way back until it is there again', () => {
    const world = stabilizing()
    lost(world, 'r1')
    world.tick()
    const said = /^the way back is weakened: 1 of 2 replicas of a are ready \(it was taken away\)/
    assert.match(weakened(world.service, world.look())!, said)
    turns(world, 2)
    assert.equal(weakened(world.service, world.look()), null)
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 0 })
  })

  test('on a lower rung too', () => {
    const world = stabilizing()
    world.behave(600)
    turns(world, 12)
    assert.deepEqual(capacity(world, 'r1'), { spot: 1, onDemand: 0 })
    lost(world, 'r1')
    world.tick()
    assert.match(weakened(world.service, world.look())!, /0 of 1 replicas of a are ready/)
  })

  test('what cannot be had is stood in for on demand, until it can', () => {
    const world = stabilizing()
    lost(world, 'r1', true)
    world.tick()
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 1 })
    turns(world, 4)
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 0 })
  })

  test('a rollback onto it is at once; then on-demand replicas come up, and those on spot capacity leave one for one', () => {
    const world = stabilizing()
    assert.equal(world.command('rollback'), null)
    world.tick()
    assert.deepEqual(world.moved, ['r1', 'r2', 'r1'])
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 2 })
    const said = () => liveOnSpot(world.service, [...world.replicas.values()])
    assert.match(said()!, /^what is live is on spot capacity: 0 of 2 on-demand replicas of a are/)
    const routed = () => world.table!.environments[world.table!.live!]!.replicas.length
    assert.equal(routed(), 2)
    const [first] = world.replicasOf('r1').filter((one) => one.spot !== true)
    world.change(first!.id, { state: 'ready' })
    for (let turn = 0; turn < 4; turn++) world.tick()
    assert.deepEqual(capacity(world, 'r1'), { spot: 1, onDemand: 2 })
    turns(world, 4)
    assert.deepEqual(capacity(world, 'r1'), { spot: 0, onDemand: 2 })
    assert.equal(world.ended.at(-1)!.phase.name, 'rolled-back')
    assert.equal(said(), null)
  })

  test('where the version may be live on spot capacity it stays there', () => {
    const world = stabilizing({ live: true })
    world.command('rollback')
    turns(world, 6)
    assert.deepEqual(capacity(world, 'r1'), { spot: 2, onDemand: 0 })
  })

  test('asleep it sleeps where it is; one that is taken away there comes back, sleeps again, and no step up is made of it', () => {
    const world = begun()
    const standby: Rules['standby'] = [
      { rung: 'full', forS: 600 },
      { rung: 'asleep', forS: 36_000 },
    ]
    world.deploy('b', { rules: { ...onSpot, standby, drillEveryS: 7200 }, spot })
    world.until('stabilizing', (one) => one.pass(30))
    turns(world, 6)
    world.behave(600)
    turns(world, 12)
    const states = () => world.replicasOf('r1').map(({ state, spot: on }) => [state, on])
    const asleep = [
      ['asleep', true],
      ['asleep', true],
    ]
    assert.deepEqual(states(), asleep)
    world.pass(3600)
    lost(world, 'r1')
    world.tick()
    assert.match(world.waitingFor, /step down to asleep: 1 to go \(it was taken away\)/)
    turns(world, 4)
    assert.deepEqual(states(), asleep)
    lost(world, 'r1', true)
    turns(world, 4)
    const { phase, paused } = world.service.release!
    assert.deepEqual([phase.name, paused], ['stabilizing', null])
    // It is back, and what stood in for it has left.
    assert.deepEqual(states(), asleep)
  })

  test('a drill brings up what a rollback would: on demand, and then it leaves again', () => {
    const world = stabilizing()
    world.behave(600)
    for (let turn = 0; turn < 20 && !world.waitingFor.startsWith('a drill'); turn++) world.tick()
    world.tick()
    assert.deepEqual(capacity(world, 'r1'), { spot: 1, onDemand: 1 })
    turns(world, 6)
    assert.match(world.said.at(-1)!, /^drilled: a was back at 2 replicas/)
    assert.deepEqual(capacity(world, 'r1'), { spot: 1, onDemand: 0 })
  })
})

test('a replica that is about to be taken away is replaced, and drained while others answer', () => {
  const world = stabilizing({ live: true })
  world.command('rollback')
  turns(world, 6)
  const [first, second] = world.replicasOf('r1')
  world.inFlightOf = { [first!.id]: 1 }
  world.change(first!.id, { noticed: true })
  for (let turn = 0; turn < 3; turn++) world.tick()
  const routed = world.table!.environments[world.table!.live!]!.replicas.map(({ id }) => id)
  assert.deepEqual(routed, [second!.id])
  assert.match(spotText(world.replicasOf('r1'))!, /, 1 of them about to be taken away/)
  assert.equal(world.replicasOf('r1').length, 3)
  world.inFlightOf = {}
  turns(world, 2)
  assert.equal(world.replicas.has(first!.id), false)
  assert.equal(world.replicasOf('r1').length, 2)
})

test('where whatever comes is said to be taken away, there are not ever more: on-demand replicas stand in', () => {
  const world = stabilizing()
  const notice = () => {
    for (const one of world.replicasOf('r1'))
      if (one.spot === true && one.noticed !== true) world.change(one.id, { noticed: true })
  }
  const most = { spot: 0, onDemand: 0 }
  // Each is noticed before its successor stands in the routes.
  for (let turn = 0; turn < 40; turn++) {
    notice()
    world.behave()
    const { spot: taken, onDemand } = capacity(world, 'r1')
    most.spot = Math.max(most.spot, taken)
    most.onDemand = Math.max(most.onDemand, onDemand)
  }
  assert.deepEqual(most, { spot: 4, onDemand: 2 })
})

test('without `spot` in its rules, nothing is on spot capacity, even where the version knows how', () => {
  const world = begun()
  world.deploy('b', { spot })
  world.until('stabilizing', (one) => one.pass(30))
  turns(world, 3)
  assert.deepEqual(capacity(world, 'r1').spot + capacity(world, 'r2').spot, 0)
})
