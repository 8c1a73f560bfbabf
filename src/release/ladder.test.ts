/** The standby ladder: down a rung at a time, and from each rung back with what is ready (rulings §2). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { weakened } from './ladder.ts'
import type { Rules } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const laddered: Rules = {
  ...plainRules,
  standby: [
    { rung: 'full', forS: 300 },
    { rung: 'replicas', replicas: 1, forS: 3600 },
  ],
}

/** `b` is live and its watch is over, and `a` stands whole on the first rung. */
function stabilizing(rules: Rules, replicas: number): World {
  const world = new World()
  world.deploy('a', { replicas })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.deploy('b', { rules })
  world.until('stabilizing', (one) => one.pass(30))
  return world
}

/** `b` is live with four replicas, and `a` stands on its lower rung. */
function onLowerRung(): World {
  const world = stabilizing(laddered, 4)
  for (let turn = 0; turn < 6; turn++) world.behave()
  assert.equal(ofA(world), 4)
  assert.match(world.waitingFor, /^the standby: full for another 4m .*, then 1 replica for 1h$/)
  world.behave(300)
  for (let turn = 0; turn < 12; turn++) world.behave()
  assert.equal(ofA(world), 1)
  return world
}

/** What the phase of the ladder says of its drill. */
const drilled = ({ service: { release } }: World) =>
  release?.phase.name === 'stabilizing' ? release.phase.drilled : undefined

const ofA = (world: World) => world.replicasOf('r1').length
const share = (world: World) => world.table!.split?.share ?? null

describe('on a lower rung', () => {
  test('so many replicas are kept and routed, the others are stopped, and live is not touched', () => {
    const world = onLowerRung()
    assert.equal(ofA(world), 1)
    assert.equal(world.replicasOf('r2').length, 4)
    const standby = world.table!.live === 'blue' ? 'green' : 'blue'
    assert.equal(world.table!.environments[standby]!.replicas.length, 1)
    assert.match(world.waitingFor, /^the standby: 1 replica for another/)
    world.behave(3600)
    world.until('finished')
    assert.equal(ofA(world), 0)
  })

  test('what a replica had begun ends before it is stopped', () => {
    const world = stabilizing(laddered, 2)
    world.inFlightOf = Object.fromEntries(world.replicasOf('r1').map(({ id }) => [id, 1]))
    world.behave(300)
    for (let turn = 0; turn < 4; turn++) world.behave()
    assert.equal(ofA(world), 2)
    assert.ok(!world.log.includes('stop-replaced'))
    world.inFlightOf = {}
    world.behave()
    assert.equal(ofA(world), 1)
  })

  test('a rollback moves at once what is ready, in the store that was prepared, and more as it comes back', () => {
    const world = onLowerRung()
    const [live, back] = [world.table!.live!, world.service.colour === 'blue' ? 'green' : 'blue']
    assert.equal(world.command('rollback'), null)
    world.tick()
    assert.equal(world.log.at(-1), 'store-back')
    assert.deepEqual([world.table!.live, world.table!.split?.to, share(world)], [live, back, 0.25])
    world.tick()
    assert.equal(ofA(world), 4, 'the others are started')
    assert.match(world.waitingFor, /^capacity: 25 % of the traffic is back, 1 of 4 replicas of a/)
    const seen = [share(world)]
    for (const { id } of world.replicasOf('r1')) {
      world.change(id, { state: 'ready' })
      world.tick()
      seen.push(share(world))
    }
    assert.deepEqual([...new Set(seen)], [0.25, 0.5, 0.75, null])
    assert.equal(world.table!.live, back)
    assert.equal(world.until('rolled-back').bundle.version, 'b')
    assert.equal(world.service.live?.version, 'a')
    assert.equal(ofA(world), 4)
  })

  test('what moved stays moved when a replica dies on the way, and the rest stays where it is', () => {
    const world = onLowerRung()
    world.command('rollback')
    world.tick()
    const [kept] = world.replicasOf('r1')
    world.tick()
    world.change(world.replicasOf('r1')[1]!.id, { state: 'ready' })
    world.tick()
    assert.equal(share(world), 0.5)
    world.change(kept!.id, { state: 'unready', because: 'it hangs' })
    world.tick()
    world.tick()
    assert.equal(share(world), 0.5)
    world.until('rolled-back')
  })

  test('`--hard` moves everything now, at once or on the way', () => {
    for (const later of [false, true]) {
      const world = onLowerRung()
      const live = world.table!.live
      world.command('rollback', { hard: !later })
      world.tick()
      if (later) {
        assert.equal(share(world), 0.25)
        assert.equal(world.command('rollback', { hard: true }), null)
        world.tick()
      }
      assert.notEqual(world.table!.live, live)
      assert.equal(share(world), null)
      world.until('rolled-back')
      assert.equal(ofA(world), 4)
    }
  })

  test('all of it goes back when nothing of the version that is left answers', () => {
    const world = onLowerRung()
    const live = world.table!.live
    world.command('rollback')
    world.tick()
    for (const { id } of world.replicasOf('r2')) world.change(id, { state: 'unready' })
    world.tick()
    assert.notEqual(world.table!.live, live)
    assert.equal(share(world), null)
  })

  test('a rollback that a full disk did not take down stays taken', () => {
    const world = onLowerRung()
    world.diskFull = true
    world.command('rollback')
    world.tick()
    assert.equal(share(world), 0.25)
    world.diskFull = false
    world.kill()
    assert.equal(world.service.release?.phase.name, 'stabilizing')
    world.tick()
    assert.equal(world.service.release?.phase.name, 'rolling-back')
    world.until('rolled-back')
  })

  test('the way back is tried out right after stepping down, and its time is kept', () => {
    const world = onLowerRung()
    assert.equal(drilled(world)?.tookMs, 1000)
    assert.equal(world.service.release?.phase.name, 'stabilizing')
    assert.equal(world.log.filter((what) => what === 'stop-replaced').length, 6, 'down, twice')
    assert.equal(world.replicasOf('r2').length, 4)
  })

  test('a drill that fails steps up again and says so; a person says when it goes on', () => {
    const world = stabilizing(laddered, 2)
    world.behave(300)
    while (world.service.release?.phase.name === 'stabilizing' && ofA(world) !== 1) world.behave()
    world.tick()
    world.tick()
    const started = world.replicasOf('r1').find(({ state }) => state === 'starting')
    world.change(started!.id, { state: 'failed', because: 'the model file is gone\nat line 1' })
    world.tick()
    const { phase, paused } = world.service.release!
    assert.deepEqual([phase.name, phase.name === 'stabilizing' && phase.rung], ['stabilizing', 0])
    assert.match(paused!.because!, /the drill failed: 1 of 2 .* \(the model file is gone\)/)
    world.tick()
    assert.match(world.waitingFor, /^`resume`: beryl paused it: the drill failed/)
    for (let turn = 0; turn < 5; turn++) world.behave(600)
    assert.equal(ofA(world), 2, 'full again, and it stays so')
    assert.equal(world.command('resume'), null)
    world.until('finished', (one) => one.pass(600))
  })

  test('pause stops the walk down', () => {
    const world = stabilizing(laddered, 2)
    world.command('pause')
    for (let turn = 0; turn < 4; turn++) world.behave(300)
    assert.equal(ofA(world), 2)
  })
})

describe('drills, again and again', () => {
  const rules: Rules = { ...laddered, drillEveryS: 600 }
  const drills = (world: World) => world.log.filter((what) => what === 'start').length

  function onLowerRungWith(standby: Rules['standby']): World {
    const world = stabilizing({ ...rules, standby }, 2)
    for (let turn = 0; turn < 12; turn++) world.behave()
    return world
  }

  test('the way back is tried out as often as the manifest says, and steps down again', () => {
    const world = onLowerRungWith(rules.standby.slice(1))
    const [first, begun] = [drilled(world)!, drills(world)]
    world.behave(300)
    assert.deepEqual(drilled(world), first)
    world.behave(300)
    for (let turn = 0; turn < 6; turn++) world.behave()
    assert.equal(drills(world), begun + 1)
    assert.ok(drilled(world)!.at - first.at >= 600_000)
    assert.equal(ofA(world), 1)
    assert.match(world.waitingFor, /^the standby: 1 replica for another/)
  })

  test('at full it is looked whether all of it is there, and one that is not is weakened', () => {
    const world = onLowerRungWith([{ rung: 'full', forS: 36_000 }])
    const first = drilled(world)!
    assert.equal(first.tookMs, 0)
    world.behave(600)
    assert.ok(drilled(world)!.at - first.at >= 600_000)
    const { at } = drilled(world)!
    world.change(world.replicasOf('r1')[0]!.id, { state: 'unready', because: 'it hangs' })
    world.pass(600)
    world.tick()
    assert.equal(drilled(world)!.at, at, 'no drill that passed')
    assert.equal(
      weakened(world.service, world.look()),
      'the way back is weakened: 1 of 2 replicas of a are ready (it hangs)',
    )
  })

  test('a standby that was quietly broken is found by the next drill, and it steps up', () => {
    for (const because of ['killed', 'the model file is gone', 'port 8000 is in use']) {
      const world = onLowerRungWith(rules.standby.slice(1))
      world.behave(600)
      world.tick()
      const started = world.replicasOf('r1').find(({ state }) => state === 'starting')
      world.change(started!.id, { state: 'failed', because })
      world.tick()
      const { phase, paused } = world.service.release!
      assert.ok(phase.name === 'stabilizing')
      // Above its first rung: full, as before the ladder.
      assert.equal(phase.rung, -1)
      assert.match(phase.failed!.because, new RegExp(`the drill failed: 1 of 2 .*\\(${because}\\)`))
      assert.equal(paused?.by, 'beryl')
      for (let turn = 0; turn < 6; turn++) world.behave()
      assert.equal(ofA(world), 2)
      assert.match(world.waitingFor, /^`resume`: beryl paused it: the drill failed/)
      world.command('resume')
      for (let turn = 0; turn < 12; turn++) world.behave()
      assert.equal(ofA(world), 1)
      assert.ok(drilled(world) !== undefined, 'drilled anew, and down')
    }
  })

  test('one that does not step down again after a drill steps up, with the reason', () => {
    const world = onLowerRungWith([{ rung: 'asleep', forS: 36_000 }])
    for (let turn = 0; turn < 6; turn++) {
      world.pass(turn === 0 ? 600 : 5)
      for (const { id, state } of world.replicasOf('r1'))
        if (state === 'starting') world.change(id, { state: 'ready' })
      world.tick()
      for (const { id, state } of world.replicasOf('r1'))
        if (state === 'asleep' && turn > 1)
          world.change(id, { state: 'ready', because: 'POST /sleep answered 500' })
    }
    world.pass(30)
    world.tick()
    assert.match(
      JSON.stringify(world.service.release!.phase),
      /waited too long for the standby to step down to asleep: 2 to go \(POST \/sleep answered 500\)/,
    )
  })
})

describe('asleep', () => {
  const sleeping: Rules = {
    ...plainRules,
    standby: [
      { rung: 'full', forS: 300 },
      { rung: 'asleep', forS: 3600 },
    ],
  }

  function asleep(): World {
    const world = stabilizing(sleeping, 2)
    world.behave(300)
    for (let turn = 0; turn < 12; turn++) world.behave()
    assert.deepEqual(states(world), ['asleep', 'asleep'])
    return world
  }
  const states = (world: World) => world.replicasOf('r1').map(({ state }) => state)

  test('all of it sleeps, out of the routes, after a drill that woke it; live is not touched', () => {
    const world = asleep()
    assert.equal(world.log.filter((what) => what === 'sleep').length, 2)
    assert.equal(world.log.filter((what) => what === 'wake').length, 1)
    assert.ok(drilled(world)!.tookMs > 0)
    const standby = world.table!.live === 'blue' ? 'green' : 'blue'
    assert.equal(world.table!.environments[standby], null)
    world.behave(3600)
    world.until('finished')
    assert.equal(ofA(world), 0)
  })

  test('a rollback wakes it, and traffic follows what is awake', () => {
    const world = asleep()
    const live = world.table!.live
    world.command('rollback')
    world.tick()
    assert.equal(world.table!.live, live, 'nobody is sent to what sleeps')
    assert.deepEqual(states(world), ['starting', 'starting'])
    world.change(world.replicasOf('r1')[0]!.id, { state: 'ready' })
    world.tick()
    assert.equal(share(world), 0.5)
    world.change(world.replicasOf('r1')[1]!.id, { state: 'ready' })
    world.tick()
    assert.notEqual(world.table!.live, live)
    world.until('rolled-back')
  })

  test('what does not wake up is said, and traffic stays where it is while it is tried again', () => {
    const world = asleep()
    const live = world.table!.live
    world.command('rollback')
    for (let turn = 0; turn < 5; turn++) {
      for (const { id } of world.replicasOf('r1'))
        world.change(id, { state: 'asleep', because: 'POST /wake_up answered 500' })
      world.tick()
      assert.equal(world.table!.live, live)
    }
    assert.match(world.waitingFor, /^the standby to wake up: .* \(POST \/wake_up answered 500\)$/)
    assert.ok(world.log.filter((what) => what === 'wake').length >= 5)
  })

  test('what does not fall asleep steps up again after its time, with the reason', () => {
    const world = stabilizing(sleeping, 1)
    world.behave(300)
    for (let turn = 0; turn < 4; turn++) {
      world.tick()
      const [one] = world.replicasOf('r1')
      world.change(one!.id, { state: 'ready', because: 'POST /sleep answered 404' })
      world.pass(20)
    }
    world.tick()
    assert.match(
      world.service.release!.paused!.because!,
      /it waited too long for the standby to step down to asleep: 1 to go \(POST \/sleep answered 404\)/,
    )
  })
})
