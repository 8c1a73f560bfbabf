/** The rung `shared`: several standbys, one pool. Who has a place, who is pushed out, and the way back through it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { weakened } from './ladder.ts'
import { inOrder, placesOf, pushedOutBy } from './pool.ts'
import type { Lease } from './pool.ts'
import type { Rules } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const rules: Rules = {
  ...plainRules,
  drillEveryS: 600,
  standby: [
    { rung: 'full', forS: 60 },
    { rung: 'shared', pool: 'spare', forS: 36_000 },
  ],
}

/** `b` is live with so many replicas, and `a` is about to leave its own for the pool. */
function stepping(replicas = 2): World {
  const world = new World()
  world.deploy('a', { replicas })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.deploy('b', { rules })
  world.until('stabilizing', (one) => one.pass(30))
  world.behave(61)
  world.pass(61)
  world.tick()
  world.tick()
  assert.equal(phaseOf(world), 'shared')
  return world
}

/** Tried out, and only in the pool. */
function shared(replicas = 2): World {
  const world = stepping(replicas)
  for (let turn = 0; turn < 16; turn++) world.behave()
  assert.deepEqual([own(world).length, pooled(world)?.state], [0, 'ready'])
  return world
}

function phaseOf({ service: { release } }: World): string | undefined {
  const { phase, rules: by } = release!
  return phase.name === 'stabilizing' ? by.standby[phase.rung]?.rung : phase.name
}

const own = (world: World) => world.replicasOf('r1').filter(({ pool }) => pool === undefined)
const pooled = (world: World) => world.replicasOf('r1').find(({ pool }) => pool !== undefined)
const share = (world: World) => world.table!.split?.share ?? null
/** Of the traffic, by the way back that is prepared; null: there is none. */
const prepared = ({ back }: World) => (back === null ? null : (back.split?.share ?? 1))
const heldBy = [{ service: 'rank', release: 'r9' }]
const takePlace = (world: World) =>
  world.change(pooled(world)!.id, { pool: { name: 'spare', holds: false, heldBy } })
const givePlace = (world: World) =>
  world.change(pooled(world)!.id, { pool: { name: 'spare', holds: true, heldBy: [] } })

describe('stepping down', () => {
  test('none of its own leaves before the pool answers for it; then it is drilled, and they leave again', () => {
    const world = stepping()
    assert.equal(pooled(world)?.state, 'starting')
    for (let turn = 0; turn < 6; turn++) world.tick()
    assert.equal(own(world).length, 2, 'they stay while its model is loaded')
    assert.equal(prepared(world), 1, 'and lead back at once')
    assert.match(world.waitingFor, /^the standby to step down to shared: 1 to go/)
    for (let turn = 0; turn < 16; turn++) world.behave()
    assert.equal(own(world).length, 0)
    assert.ok(world.said.some((text) => text.startsWith('drilled: a was back at 2 replicas after')))
    assert.match(world.waitingFor, /^the standby: shared for another/)
    assert.equal(prepared(world), 0.5, 'what the pool carries is prepared')
  })

  test('a pool that does not load it is left upwards with the reason, and its own never stopped', () => {
    const world = stepping()
    const because = 'POST /v2/repository/models/a/load answered 500'
    const { readyWithinS } = rules
    for (let turn = 0; turn < readyWithinS * 2 + 40; turn++) {
      if (pooled(world)) world.change(pooled(world)!.id, { state: 'failed', because })
      world.pass(1)
      world.tick()
      if (world.service.release?.paused) break
    }
    assert.match(world.service.release?.paused?.because ?? '', /step down to shared.*answered 500/)
    assert.equal(own(world).length, 2)
    for (let turn = 0; turn < 4; turn++) world.behave()
    assert.equal(pooled(world), undefined)
  })

  test('where others have the places, its own stay up, however long, and who it is stands in the wait', () => {
    const world = stepping()
    takePlace(world)
    world.pass(3000)
    world.tick()
    world.tick()
    assert.match(
      world.waitingFor,
      /^a place in pool spare, full of r9 of rank: a stays up until then$/,
    )
    assert.equal(own(world).length, 2)
    assert.equal(world.service.release?.paused, null)
    givePlace(world)
    for (let turn = 0; turn < 16; turn++) world.behave()
    assert.equal(own(world).length, 0)
  })
})

describe('in the pool', () => {
  test('pushed out: out of the routes first, what it had begun ends, then it is unloaded; and back when there is a place', () => {
    const world = shared()
    const { id } = pooled(world)!
    world.inFlightOf = { [id]: 1 }
    takePlace(world)
    world.tick()
    world.tick()
    assert.equal(pooled(world)!.state, 'ready', 'it answers to its end')
    assert.equal(prepared(world), null, 'and nobody is sent to it')
    world.inFlightOf = {}
    world.tick()
    assert.equal(pooled(world)!.state, 'asleep')
    world.tick()
    assert.match(world.waitingFor, /pushed out of pool spare, full of r9 of rank: a rollback loads/)
    assert.equal(own(world).length, 0)
    givePlace(world)
    for (let turn = 0; turn < 4; turn++) world.behave()
    assert.equal(pooled(world)!.state, 'ready')
    assert.equal(prepared(world), 0.5)
  })

  test('a pool that died is found: the standby steps up, and an alarm says why', () => {
    const world = shared()
    world.change(pooled(world)!.id, { state: 'unready', because: 'connection refused' })
    world.pass(120)
    world.tick()
    assert.match(world.service.release?.paused?.because ?? '', /connection refused/)
    for (let turn = 0; turn < 6; turn++) world.behave()
    assert.deepEqual([own(world).length, pooled(world)], [2, undefined])
    assert.equal(prepared(world), 1)
  })

  test('one that does not answer there any more is weakened, with the reason; one that was pushed out was told', () => {
    const world = shared()
    assert.equal(weakened(world.service, world.look()), null)
    world.change(pooled(world)!.id, { state: 'unready', because: 'spare-1 is lost' })
    assert.equal(
      weakened(world.service, world.look()),
      'the way back is weakened: a does not answer in pool spare (spare-1 is lost)',
    )
    takePlace(world)
    assert.equal(weakened(world.service, world.look()), null)
  })

  test('a drill that finds its own replicas and not the pool has failed', () => {
    const world = shared()
    world.pass(600)
    world.tick()
    assert.match(world.waitingFor, /^a drill: 0 of 2 replicas of a are ready/)
    world.tick()
    for (const { id } of own(world)) world.change(id, { state: 'ready' })
    world.change(pooled(world)!.id, { state: 'unready', because: 'it answers as another model' })
    world.tick()
    assert.match(world.waitingFor, /^a drill: 2 of 2 replicas .*it answers as another model/)
    world.pass(3600)
    world.tick()
    assert.match(world.service.release?.paused?.because ?? '', /^the drill failed:.*another model/)
  })

  test('its time ends: it leaves the pool', () => {
    const world = shared()
    world.pass(40_000)
    world.until('finished')
    assert.equal(world.replicasOf('r1').length, 0)
  })
})

describe('the way back', () => {
  test('at once what the pool carries, all of it with its own replicas, and then the pool is free', () => {
    const world = shared()
    assert.equal(world.command('rollback'), null)
    world.tick()
    assert.equal(world.log.at(-1), 'store-back')
    assert.equal(share(world), 0.5)
    world.tick()
    assert.equal(own(world).length, 2, 'its own are started')
    for (const { id } of own(world)) {
      world.change(id, { state: 'ready' })
      world.tick()
    }
    world.until('rolled-back')
    for (let turn = 0; turn < 4; turn++) world.behave()
    assert.deepEqual([own(world).length, pooled(world)], [2, undefined])
    assert.equal(world.service.live?.version, 'a')
  })

  test('one that was pushed out says who is before it, and comes back by its own replicas too', () => {
    const world = shared(1)
    takePlace(world)
    for (let turn = 0; turn < 4; turn++) world.behave()
    world.command('rollback')
    world.tick()
    world.tick()
    assert.match(
      world.waitingFor,
      /^a place in pool spare, full of r9 of rank, or a ready replica in/,
    )
    world.until('rolled-back')
    assert.equal(own(world).length, 1)
  })

  test('what moved stays moved when the pool dies on the way', () => {
    const world = shared()
    world.command('rollback')
    world.tick()
    world.change(pooled(world)!.id, { state: 'unready', because: 'gone' })
    world.tick()
    world.tick()
    assert.equal(share(world), 0.5)
    world.until('rolled-back')
  })
})

describe('the order of a full pool', () => {
  const lease = (release: string, change: Partial<Lease> = {}): Lease => ({
    service: `s${release}`,
    release,
    replica: `${release}-1`,
    pool: 'spare',
    isLoaded: false,
    rollback: null,
    ...change,
  })
  const names = (some: readonly Lease[]) => some.map(({ release }) => release)

  test('a rollback first, then the version that was left last', () => {
    assert.deepEqual(
      names(inOrder([lease('r2', { isLoaded: true }), lease('r10'), lease('r1', { rollback: 5 })])),
      ['r1', 'r10', 'r2'],
    )
  })

  test('of rollbacks the loaded one, then the one asked for first, then the older release', () => {
    const late = lease('r1', { rollback: 9, isLoaded: true })
    const [first, second] = [lease('r5', { rollback: 7 }), lease('r4', { rollback: 8 })]
    const same = lease('r6', { rollback: 7 })
    assert.deepEqual(names(inOrder([second, same, first, late])), ['r1', 'r5', 'r6', 'r4'])
  })

  test('who has a place, who does not, and for whom', () => {
    const places = placesOf([lease('r1'), lease('r2'), lease('r3')], 2)
    assert.equal(places.get('r3-1')?.holds, true)
    assert.equal(places.get('r2-1')?.holds, true)
    assert.deepEqual(places.get('r1-1'), {
      name: 'spare',
      holds: false,
      heldBy: [
        { service: 'sr3', release: 'r3' },
        { service: 'sr2', release: 'r2' },
      ],
    })
  })

  test('a further standby pushes out the oldest that is kept, and never a rollback', () => {
    assert.deepEqual(pushedOutBy([lease('r1')], 2), [])
    assert.deepEqual(names(pushedOutBy([lease('r1'), lease('r2')], 2)!), ['r1'])
    assert.deepEqual(names(pushedOutBy([lease('r1', { rollback: 1 }), lease('r2')], 2)!), ['r2'])
    assert.equal(pushedOutBy([lease('r1', { rollback: 1 })], 1), null)
    assert.equal(pushedOutBy([], 0), null)
  })
})
