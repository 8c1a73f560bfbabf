/** What outlives a full disk, a killed controller, a clock that is set, and a long wait (rulings §2, §7, §10, §14). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nextActions } from './next-actions.ts'
import type { Rules } from './release.ts'
import { colourOf } from './roles.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const approved: Rules = { ...plainRules, switchWhen: 'approved' }
const hourS = 3600

/** `a` is live and its release has ended; `b` is being released. */
function releasing(phase: string, rules: Rules = plainRules): World {
  const world = new World()
  world.deploy('a')
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.guard = { decision: phase === 'stabilizing' ? 'promote' : 'hold', because: 'little seen' }
  world.deploy('b', { rules })
  world.until(phase, (one) => one.pass(phase === 'stabilizing' ? 20 : 0))
  return world
}

const answering = (world: World) => world.table!.environments[world.table!.live!]!.version

describe('on a full disk', () => {
  for (const phase of ['watching', 'stabilizing'] as const) {
    test(`a rollback from ${phase} is taken all the same, and stays taken when the controller dies`, () => {
      const world = releasing(phase)
      world.diskFull = true
      assert.equal(world.command('rollback'), null)
      world.tick()
      assert.equal(answering(world), 'a')
      world.kill()
      assert.equal(world.service.release?.phase.name, phase)
      world.tick()
      assert.equal(answering(world), 'a')
      const release = world.until('rolled-back')
      assert.match('because' in release.phase ? release.phase.because : '', /the gateway went back/)
      assert.deepEqual(world.moved, ['r1', 'r2', 'r1'])
    })
  }

  test('nothing else goes on: no phase, no command, no start', () => {
    const world = releasing('verifying')
    world.tick()
    world.decideGate('pass')
    world.diskFull = true
    const before = world.service
    for (let turn = 0; turn < 5; turn++) world.tick()
    assert.equal(world.command('abort')?.code, 'unwritable')
    assert.equal(world.service, before)
    assert.equal(answering(world), 'a')
  })
})

test('what the gateway sends clients to is never taken down, though the row has left it and nothing else answers', () => {
  const world = releasing('watching')
  world.diskFull = true
  world.command('rollback')
  world.tick()
  world.diskFull = false
  world.tick(0)
  world.killGateway()
  assert.equal(world.service.release?.phase.name, 'clearing')
  assert.equal(answering(world), 'b')
  for (const { id } of world.replicasOf('r1'))
    world.change(id, { state: 'unready', because: 'hung' })
  const asked = nextActions(
    world.service,
    { ...world.look(), replicas: world.replicasOf('r2') },
    world.now,
  )
  assert.deepEqual(
    asked.map((action) => action.do).filter((what) => what === 'retire' || what === 'cut'),
    [],
  )
  for (const { id } of world.replicasOf('r1')) world.change(id, { state: 'ready' })
  world.until('rolled-back')
  assert.equal(answering(world), 'a')
})

describe('a controller that dies around the switch', () => {
  test('before the gateway has stored it: its successor completes it under the same generation', () => {
    const world = releasing('awaiting-approval', approved)
    world.command('approve')
    world.tick(0)
    const { phase } = world.service.release!
    assert.ok(phase.name === 'switching')
    assert.equal(answering(world), 'a')
    world.tick()
    assert.equal(answering(world), 'b')
    assert.equal(world.table?.generation, phase.generation)
  })

  test('after it: the gateway’s word is taken, and nothing is switched again', () => {
    const world = releasing('awaiting-approval', approved)
    world.command('approve')
    world.tick(1)
    assert.equal(world.service.release?.phase.name, 'switching')
    assert.equal(answering(world), 'b')
    const { generation } = world.table!
    world.tick()
    assert.equal(world.service.release?.phase.name, 'watching')
    assert.equal(world.table?.generation, generation)
    assert.deepEqual(world.moved, ['r1', 'r2'])
  })

  test('a rollback out of the switch itself ends where it began', () => {
    const world = releasing('awaiting-approval', approved)
    world.command('approve')
    world.tick(0)
    assert.equal(world.command('rollback'), null)
    world.until('rolled-back')
    assert.deepEqual(world.moved, ['r1'])
    assert.equal(answering(world), 'a')
  })
})

describe('evidence', () => {
  test('a day old is taken again before the switch, warm-up included', () => {
    const world = releasing('awaiting-approval', approved)
    world.pass(25 * hourS)
    world.command('approve')
    world.log.length = 0
    world.tick()
    assert.equal(world.service.release?.phase.name, 'warming')
    world.until('watching')
    assert.equal(world.log.filter((one) => one === 'gate').length, plainRules.gates.length)
  })

  test('taken again that fails rejects the release', () => {
    const world = releasing('awaiting-approval', approved)
    world.pass(25 * hourS)
    world.command('approve')
    world.tick()
    world.tick()
    world.decideGate('fail')
    world.until('rejected')
    assert.deepEqual(world.moved, ['r1'])
  })

  test('counts as long as the manifest says, and so does an approval', () => {
    const rules: Rules = { ...approved, evidenceForS: 2 * hourS, approvalForS: 0.5 * hourS }
    const world = releasing('awaiting-approval', rules)
    world.pass(1.9 * hourS)
    world.holds = [{ by: 'window', window: 'Mon 09:00-10:00 UTC', opensAt: null }]
    world.command('approve')
    world.pass(0.4 * hourS)
    world.tick()
    assert.match(world.waitingFor, /^the window/)
    world.holds = []
    world.tick()
    assert.equal(world.service.release?.phase.name, 'warming', 'what gates found is too old')
    world.pass(0.2 * hourS)
    world.until('awaiting-approval')
    world.tick()
    assert.match(world.waitingFor, /^approval/)
    world.command('approve')
    world.tick()
    assert.equal(world.service.release?.phase.name, 'switching')
  })

  test('younger than a day is enough', () => {
    const world = releasing('awaiting-approval', approved)
    world.pass(23 * hourS)
    world.command('approve')
    world.tick()
    assert.equal(world.service.release?.phase.name, 'switching')
  })
})

describe('pause', () => {
  for (const [clock, jumpMs] of [
    ['forward', 86_400_000],
    ['back', -86_400_000],
  ] as const) {
    test(`holds the ladder for as long as it lasted, though the wall clock is set ${clock}`, () => {
      const world = releasing('stabilizing')
      world.tick()
      world.pass(100)
      world.command('pause')
      world.pass(1000)
      world.now = { ...world.now, wall: world.now.wall + jumpMs }
      world.command('resume')
      world.tick()
      const left = /another (?:(\d+)m )?(\d+)s/.exec(world.waitingFor)!
      const leftS = Number(left[1] ?? 0) * 60 + Number(left[2])
      assert.ok(leftS > 180 && leftS <= 200, world.waitingFor)
    })
  }

  test('of what waits in the queue keeps it waiting when its turn comes', () => {
    const world = releasing('verifying')
    world.deploy('c')
    world.command('pause', { release: world.service.queued })
    world.command('abort')
    for (let turn = 0; turn < 20; turn++) world.behave()
    assert.equal(world.service.release?.bundle.version, 'c')
    assert.match(world.waitingFor, /`resume`: ann paused it/)
    world.command('resume')
    world.until('watching')
  })

  test('in the watch keeps it there although there is evidence', () => {
    const world = releasing('watching')
    world.command('pause')
    world.guard = { decision: 'promote', because: 'fine' }
    for (let turn = 0; turn < 20; turn++) world.behave(600)
    assert.equal(world.service.release?.phase.name, 'watching')
    assert.match(world.waitingFor, /`resume`/)
  })
})

test('`--force` skips the gate it names: capacity and readiness still hold the switch', () => {
  const world = releasing('verifying', approved)
  const [candidate] = world.replicasOf('r2')
  world.change(candidate!.id, { state: 'unready', because: 'slow' })
  world.command('approve', { skipGate: 'goldenSet' })
  world.tick()
  assert.equal(world.service.release?.phase.name, 'awaiting-approval')
  assert.match(world.waitingFor, /^capacity/)
  assert.deepEqual(world.moved, ['r1'])
})

test('generations rise with routing changes only: waiting, gates and pauses raise none', () => {
  const world = releasing('verifying')
  world.behave()
  world.until('watching')
  const { generation } = world.service
  world.command('pause')
  for (let turn = 0; turn < 20; turn++) world.behave(10)
  assert.equal(world.service.generation, generation)
})

test('a first release whose watch is undecided is not offered a rollback that it cannot have', () => {
  const world = new World()
  world.deploy('a')
  world.until('watching')
  world.pass(plainRules.watch.atMostS)
  world.tick()
  assert.match(world.waitingFor, /^`promote`: the watch had/)
})

test('after a rollback nothing is routed to what was left, until it is released again', () => {
  const world = releasing('watching')
  const left = colourOf(world.service, 'live')!
  world.command('rollback')
  world.tick()
  for (let turn = 0; turn < 10; turn++) {
    assert.notEqual(world.table?.live, left)
    assert.notEqual(world.table?.preview, left)
    world.behave()
  }
  world.deploy('b')
  world.until('watching')
  assert.equal(answering(world), 'b')
})
