/** The life of a release, case by case (rulings §1–§4, §14), in a world of plain values. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { advance } from './advance.ts'
import { desiredWorld } from './desired-world.ts'
import type { Release, Rules } from './release.ts'
import { colourOf, roleOf } from './roles.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const promote = (world: World) => void (world.guard = { decision: 'promote', because: 'fine' })
const hold = (world: World) => void (world.guard = { decision: 'hold', because: 'little seen' })

const approved: Rules = { ...plainRules, switchWhen: 'approved' }

/** A world in which `a` has gone live and its release has ended. */
function live(rules: Rules = plainRules, replicas = 1): World {
  const world = new World()
  world.deploy('a', { rules, replicas })
  promote(world)
  world.until('finished', (one) => one.pass(30))
  return world
}

function deploy(
  world: World,
  version: string,
  options: Parameters<World['deploy']>[1] = {},
): Release {
  const release = world.deploy(version, options)
  assert.ok('id' in release, JSON.stringify(release))
  return release
}

describe('a first release', () => {
  test('has no live environment until it switches, and then has one', () => {
    const world = new World()
    deploy(world, 'a')
    world.until('verifying')
    assert.equal(world.service.colour, 'none')
    assert.equal(world.table?.live ?? null, null)
    world.until('watching')
    assert.equal(world.service.live?.version, 'a')
    assert.equal(world.table?.live, world.service.colour)
  })

  test('is brought up in one place; the other stays empty', () => {
    const world = new World()
    deploy(world, 'a')
    world.until('verifying')
    assert.deepEqual(
      world.look().replicas.map(({ environment }) => environment),
      ['blue'],
    )
    const { role, placed, asleep } = desiredWorld(world.service).environments.green
    assert.deepEqual({ role, placed, asleep }, { role: 'empty', placed: null, asleep: false })
  })

  test('leaves out, by name, the gates that need a live version', () => {
    const world = new World()
    const noWorse = {
      name: 'noWorse',
      kind: 'goldenSet',
      needsLive: true,
      absolute: false,
    } as const
    deploy(world, 'a', { rules: { ...plainRules, gates: [...plainRules.gates, noWorse] } })
    world.until('watching')
    assert.ok(!world.log.includes('noWorse'))
    assert.equal(world.look().gates.length, 2)
  })

  test('waits for approval when no gate has a floor of its own', () => {
    const world = new World()
    deploy(world, 'a', { rules: { ...plainRules, gates: [] } })
    world.until('awaiting-approval')
    for (let turn = 0; turn < 20; turn++) world.behave(60)
    assert.match(world.waitingFor, /^approval/)
    assert.equal(world.service.colour, 'none')
    assert.equal(world.command('approve'), null)
    world.until('watching')
  })

  test('is never rolled back by its watch, and has no standby to go back to', () => {
    const world = new World()
    deploy(world, 'a')
    world.until('watching')
    world.guard = { decision: 'rollBack', because: 'everything fails' }
    for (let turn = 0; turn < 20; turn++) world.behave(60)
    assert.equal(world.service.release?.phase.name, 'watching')
    assert.equal(world.command('rollback')?.code, 'no-standby')
  })
})

test('A → B → A → B: each is switched to once, and the generation only rises', () => {
  const world = live()
  const generations = [world.service.generation]
  for (const version of ['b', 'a', 'b']) {
    deploy(world, version)
    promote(world)
    world.until('finished', (one) => one.pass(30))
    assert.equal(world.service.live?.version, version)
    generations.push(world.service.generation)
  }
  assert.deepEqual(world.moved, ['r1', 'r2', 'r3', 'r4'])
  assert.deepEqual(
    generations,
    generations.toSorted((a, b) => a - b),
  )
})

test('a switch exchanges the roles, and only the roles', () => {
  const world = live()
  const place = world.service.colour
  deploy(world, 'b')
  hold(world)
  world.until('verifying')
  assert.equal(roleOf(world.service, place as 'blue'), 'live')
  world.until('watching')
  assert.equal(roleOf(world.service, place as 'blue'), 'standby')
  assert.equal(colourOf(world.service, 'standby'), place)
  assert.equal(desiredWorld(world.service).environments[place as 'blue'].placed?.version, 'a')
})

test('the standby gets copies from the switch to the end of the watch, by the rules of the release, and no way back carries them', () => {
  const control = { share: 0.5, methods: ['POST'], exclude: ['/admin'] }
  const world = live()
  const place = world.service.colour as 'blue'
  assert.equal(desiredWorld(world.service).copies, null)
  deploy(world, 'b', { rules: { ...plainRules, control } })
  hold(world)
  world.until('verifying')
  assert.equal(desiredWorld(world.service).copies, null)
  world.until('watching')
  world.behave(5)
  assert.deepEqual(desiredWorld(world.service).copies, { to: place, ...control })
  assert.deepEqual(world.table?.copies, { to: place, ...control })
  assert.equal(world.back?.copies ?? null, null)
  const { generation } = world.table
  world.behave(5)
  assert.equal(world.table.generation, generation, 'the same table is not put again')
  promote(world)
  world.until('stabilizing')
  world.behave(5)
  assert.equal(desiredWorld(world.service).copies, null)
  assert.equal(world.table?.copies ?? null, null)
})

test('while it is watched the standby is kept whole, however long that takes', () => {
  const world = live(plainRules, 2)
  deploy(world, 'b')
  hold(world)
  world.until('watching')
  for (let turn = 0; turn < 50; turn++) world.behave(600)
  assert.equal(world.service.release?.phase.name, 'watching')
  assert.equal(world.replicasOf('r1').length, 2)
})

describe('the watch', () => {
  test('without evidence does not pass: it asks for a person at its end', () => {
    const world = live()
    deploy(world, 'b')
    hold(world)
    world.until('watching')
    for (let turn = 0; turn < 100; turn++) world.behave(600)
    assert.equal(world.service.release?.phase.name, 'watching')
    assert.match(world.waitingFor, /^`promote` or `rollback`.*undecided/)
    assert.equal(world.command('promote'), null)
    world.until('stabilizing')
  })

  test('with evidence still lasts as long as the manifest asks', () => {
    const world = live()
    deploy(world, 'b')
    world.until('watching')
    promote(world)
    world.behave(plainRules.watch.atLeastS / 2)
    world.behave(1)
    assert.equal(world.service.release?.phase.name, 'watching')
    world.behave(plainRules.watch.atLeastS)
    assert.equal(world.service.release?.phase.name, 'stabilizing')
  })

  test('rolls back by itself on the guard’s word, in one store that was prepared', () => {
    const world = live()
    deploy(world, 'b')
    world.until('watching')
    world.log.length = 0
    world.guard = { decision: 'rollBack', because: 'errors: 9 of 20' }
    world.behave()
    assert.ok(world.log.includes('store-back'))
    assert.ok(!world.log.slice(0, world.log.indexOf('store-back')).includes('route'))
    const release = world.until('rolled-back')
    assert.match('because' in release.phase ? release.phase.because : '', /9 of 20/)
    assert.equal(world.service.live?.version, 'a')
    assert.deepEqual(world.moved, ['r1', 'r2', 'r1'])
  })

  test('rolls back when no replica of the new version answers, and when they die again and again', () => {
    for (const change of [{ state: 'unready', because: 'it died' }, { restarts: 3 }] as const) {
      const world = live()
      const { id } = deploy(world, 'b')
      world.until('watching')
      hold(world)
      for (const replica of world.replicasOf(id)) world.change(replica.id, change)
      world.tick()
      assert.equal(world.service.release?.phase.name, 'rolling-back')
    }
  })

  test('`rollBack` and `accept` at its end do what they say', () => {
    for (const [whenUndecided, phase] of [
      ['rollBack', 'rolled-back'],
      ['accept', 'stabilizing'],
    ] as const) {
      const world = live()
      deploy(world, 'b', {
        rules: { ...plainRules, watch: { ...plainRules.watch, whenUndecided } },
      })
      hold(world)
      world.until('watching')
      world.pass(plainRules.watch.atMostS)
      world.until(phase)
    }
  })
})

describe('a gate', () => {
  test('that fails rejects the release, and live is not touched', () => {
    const world = live()
    const before = world.table
    deploy(world, 'b')
    world.until('warming')
    world.tick()
    world.decideGate('fail')
    world.until('rejected')
    assert.equal(world.table?.live, before?.live)
    assert.deepEqual(world.moved, ['r1'])
    assert.equal(world.replicasOf('r2').length, 0)
  })

  test('that is undecided waits for a person, who may skip that gate by name and no other', () => {
    const world = live()
    deploy(world, 'b')
    world.until('warming')
    world.tick()
    world.decideGate('undecided')
    for (let turn = 0; turn < 50; turn++) world.behave(600)
    assert.equal(world.service.release?.phase.name, 'warming')
    assert.match(world.waitingFor, /^a person: gate warmUp is undecided/)
    assert.equal(world.command('approve', { skipGate: 'warmUp' }), null)
    world.until('verifying')
    assert.match(world.waitingFor, /goldenSet/)
  })

  test('is begun only while the whole candidate is ready', () => {
    const world = live()
    const { id } = deploy(world, 'b', { replicas: 2 })
    world.until('warming')
    world.change(world.replicasOf(id)[0]!.id, { state: 'unready', because: 'slow' })
    world.log.length = 0
    world.tick()
    assert.ok(!world.log.includes('gate'))
  })
})

describe('a candidate', () => {
  test('that cannot start rejects the release with the reason', () => {
    const world = live()
    const { id } = deploy(world, 'b')
    world.tick()
    world.change(world.replicasOf(id)[0]!.id, { state: 'failed', because: 'layer 3 is missing' })
    const release = world.until('rejected')
    assert.match('because' in release.phase ? release.phase.because : '', /layer 3 is missing/)
  })

  test('that dies while it is tested rejects the release', () => {
    const world = live()
    const { id } = deploy(world, 'b')
    world.until('verifying')
    world.change(world.replicasOf(id)[0]!.id, { restarts: 1, because: 'exit code 139' })
    world.until('rejected')
  })

  test('is as large as what is live when it leaves the queue, and does not switch before it is ready', () => {
    const world = live(plainRules, 3)
    const { id } = deploy(world, 'b', { replicas: 1, rules: approved })
    world.until('awaiting-approval')
    world.command('approve')
    assert.equal(world.replicasOf(id).length, 3)
    world.change(world.replicasOf(id)[0]!.id, { state: 'unready', because: 'slow' })
    world.tick()
    assert.match(world.waitingFor, /^capacity: the candidate has 2 ready replicas of the 3/)
    assert.deepEqual(world.moved, ['r1'])
  })

  test('that was ready when looked at is ready, however late we look', () => {
    const world = live()
    deploy(world, 'b')
    world.tick()
    world.behave(100_000)
    assert.equal(world.service.release?.phase.name, 'warming')
  })

  test('of which nothing is ever heard is rejected after its time', () => {
    const world = live()
    deploy(world, 'b')
    world.tick()
    world.pass(1000)
    world.tick()
    assert.match(world.service.release?.phase.name ?? '', /clearing/)
  })
})

describe('approval', () => {
  test('is void after 24 hours, and without it nothing switches', () => {
    const world = live()
    deploy(world, 'b', { rules: approved })
    world.until('verifying')
    world.command('approve')
    world.pass(25 * 3600)
    world.until('awaiting-approval')
    for (let turn = 0; turn < 20; turn++) world.behave()
    assert.match(world.waitingFor, /^approval/)
    world.command('approve')
    world.until('watching')
  })

  test('is asked for by what only a person can answer for', () => {
    const world = live()
    deploy(world, 'b', { rules: { ...approved, unknown: 'what its addresses can carry' } })
    world.until('awaiting-approval')
    for (let turn = 0; turn < 20; turn++) world.behave()
    assert.equal(world.waitingFor, 'approval (what its addresses can carry)')
  })

  test('of another digest counts for nothing', () => {
    const world = live()
    deploy(world, 'b', { rules: approved })
    world.until('awaiting-approval')
    const release = world.service.release!
    const stranger = { by: 'ann', at: world.now.wall, digest: 'sha256:other' }
    const answer = advance(
      world.service,
      { ...release, approvals: [stranger] },
      world.look(),
      world.now,
    )
    assert.ok('waitingFor' in answer)
  })
})

describe('pause', () => {
  for (const phase of [
    'provisioning',
    'warming',
    'verifying',
    'awaiting-approval',
    'stabilizing',
  ]) {
    test(`in ${phase} stops every forward step until resume`, () => {
      const world = live()
      promote(world)
      deploy(world, 'b', {
        rules: {
          ...plainRules,
          switchWhen: phase === 'awaiting-approval' ? 'approved' : 'verified',
        },
      })
      world.until(phase, (one) => one.pass(20))
      world.command('approve')
      assert.equal(world.command('pause'), null)
      for (let turn = 0; turn < 50; turn++) world.behave(100)
      assert.equal(world.service.release?.phase.name, phase)
      assert.match(world.waitingFor, /resume|standby/)
      assert.equal(world.command('resume'), null)
      world.until('finished', (one) => {
        one.pass(60)
        one.command('approve')
      })
    })
  }

  test('stops no rollback, by guard or by hand', () => {
    for (const by of ['guard', 'hand'] as const) {
      const world = live()
      deploy(world, 'b')
      world.until('watching')
      world.command('pause')
      if (by === 'guard') world.guard = { decision: 'rollBack', because: 'bad' }
      else assert.equal(world.command('rollback'), null)
      world.until('rolled-back')
      assert.equal(world.service.live?.version, 'a')
    }
  })
})

describe('several at once', () => {
  test('a deploy during a release waits; one more is refused, or replaces the one that waits', () => {
    const world = live()
    deploy(world, 'b')
    deploy(world, 'c')
    const refused = world.deploy('d')
    assert.equal('code' in refused ? refused.code : null, 'release-queued')
    assert.equal(world.service.queued?.bundle.version, 'c')
    deploy(world, 'd', { replace: true })
    assert.equal(world.service.queued?.bundle.version, 'd')
    assert.equal(world.ended.at(-1)?.phase.name, 'aborted')
  })

  test('a release that begins during stabilizing ends the ladder: the standby goes, the old one is superseded', () => {
    const world = live()
    deploy(world, 'b')
    promote(world)
    world.until('stabilizing', (one) => one.pass(30))
    const third = deploy(world, 'c')
    for (let turn = 0; turn < 10 && world.service.release?.id !== third.id; turn++) world.behave()
    const second = world.ended.at(-1)!
    assert.match('because' in second.phase ? second.phase.because : '', /superseded by r3/)
    assert.equal(second.phase.name, 'finished')
    assert.equal(world.command('rollback')?.code, 'wrong-phase')
    world.until('watching', hold)
    assert.equal(world.service.release?.id, third.id)
    assert.equal(world.service.standby?.version, 'b')
  })

  test('with --keep-standby a deploy waits until the ladder has ended by itself', () => {
    const world = live()
    deploy(world, 'b')
    promote(world)
    world.until('stabilizing', (one) => one.pass(30))
    deploy(world, 'c', { keepsStandby: true })
    for (let turn = 0; turn < 5; turn++) world.behave(10)
    assert.equal(world.service.release?.phase.name, 'stabilizing')
    assert.equal(world.service.standby?.version, 'a')
    assert.equal(world.service.queued?.bundle.version, 'c')
    world.behave(300)
    world.until('verifying')
    assert.equal(world.service.release?.bundle.version, 'c')
  })

  test('what waits begins by itself when the active release has ended', () => {
    const world = live()
    deploy(world, 'b')
    deploy(world, 'c')
    world.until('warming')
    world.tick()
    world.decideGate('fail')
    for (let turn = 0; turn < 10 && world.service.release?.id !== 'r3'; turn++) world.behave()
    assert.equal(world.service.release?.id, 'r3')
  })
})

describe('verify and rollback --to', () => {
  test('verify passes the same gates, then tears down and never switches', () => {
    const world = live()
    deploy(world, 'b', { kind: 'verify' })
    world.until('verified')
    assert.deepEqual(world.moved, ['r1'])
    assert.equal(world.replicasOf('r2').length, 0)
  })

  test('a rollback to an older version takes readiness and warm-up only', () => {
    const world = live()
    deploy(world, 'z', { kind: 'rollback' })
    world.until('warming')
    assert.deepEqual(
      world.look().gates.map(({ name }) => name),
      ['warmUp'],
    )
    world.until('watching')
    assert.equal(world.service.live?.version, 'z')
  })
})

describe('what goes wrong around it', () => {
  test('a live replica that dies is replaced, in a release and without one', () => {
    const world = live(plainRules, 2)
    world.replicas.delete([...world.replicas.keys()][0]!)
    world.behave()
    assert.equal(world.replicasOf('r1').length, 2)
    deploy(world, 'b')
    world.until('verifying')
    world.replicas.delete(world.replicasOf('r1')[0]!.id)
    world.behave()
    assert.equal(world.replicasOf('r1').length, 2)
  })

  test('without the gateway nothing is routed and nothing is taken down', () => {
    const world = live()
    deploy(world, 'b', { rules: approved })
    world.until('awaiting-approval')
    world.command('approve')
    world.gatewayUp = false
    world.log.length = 0
    for (let turn = 0; turn < 20; turn++) world.tick()
    assert.deepEqual(world.log, [])
    assert.match(world.waitingFor, /the gateway/)
  })

  test('a rollback to a standby that does not answer leaves traffic where it is, and goes on trying', () => {
    const world = live()
    deploy(world, 'b')
    world.until('watching')
    for (const { id } of world.replicasOf('r1'))
      world.change(id, { state: 'unready', because: 'hung' })
    world.command('rollback')
    for (let turn = 0; turn < 5; turn++) world.tick()
    assert.match(world.waitingFor, /the standby does not answer, traffic stays where it is/)
    assert.equal(world.table?.environments[world.table.live!]?.release, 'r2')
    for (const { id } of world.replicasOf('r1')) world.change(id, { state: 'ready' })
    world.until('rolled-back')
  })

  test('after a reboot everything is started again, and the release goes on', () => {
    const world = live()
    deploy(world, 'b')
    world.until('watching')
    hold(world)
    world.reboot()
    world.tick()
    assert.equal(world.replicasOf('r2').length + world.replicasOf('r1').length, 2)
    // However long they take, and whichever of them is first: that they start is nothing against the new version.
    for (const { id } of world.replicasOf('r1')) world.change(id, { state: 'ready' })
    for (let turn = 0; turn < 5; turn++) world.tick()
    assert.equal(world.service.release?.phase.name, 'watching')
    promote(world)
    world.until('finished', (one) => one.pass(60))
    assert.equal(world.service.live?.version, 'b')
  })

  test('a drain that lasts too long is cut, and only then is the place emptied', () => {
    const world = live()
    deploy(world, 'b')
    promote(world)
    world.until('stabilizing', (one) => one.pass(30))
    const old = colourOf(world.service, 'standby')!
    world.inFlight[old] = 2
    world.pass(plainRules.standby[0]!.forS)
    world.tick()
    world.tick()
    assert.ok(!world.log.includes('cut'))
    assert.equal(world.replicasOf('r1').length, 1)
    world.pass(plainRules.drainS)
    world.tick()
    assert.ok(world.log.includes('cut'))
    world.until('finished')
  })
})

test('abort and rollback with no release running are refused, and nothing changes', () => {
  const world = live()
  const before = structuredClone(world.service)
  for (const command of ['abort', 'rollback'] as const)
    assert.notEqual(world.command(command), null)
  assert.deepEqual(world.service, before)
})
