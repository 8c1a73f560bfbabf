/** A replica that the guard found worse than its siblings: another is added, then it leaves the routes, then it stops. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from './testing/world.ts'

/** `b` is watched, with two replicas; the first of them is set aside. */
function watched(): { world: World; broken: string; release: string } {
  const world = new World()
  world.deploy('a', { replicas: 2 })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.guard = { decision: 'hold', because: 'little seen' }
  world.deploy('b', { replicas: 2 })
  const { id: release } = world.until('watching')
  const broken = world.replicasOf(release)[0]!.id
  world.guard = { decision: 'hold', because: 'one replica is worse', setAside: [broken] }
  return { world, broken, release }
}

const routed = (world: World) =>
  world.table!.environments[world.table!.live!]!.replicas.map(({ id }) => id)

test('another one is started first, and until it is ready the broken one goes on answering', () => {
  const { world, broken, release } = watched()
  world.tick()
  assert.equal(world.replicasOf(release).length, 3)
  world.tick()
  assert.ok(routed(world).includes(broken))
  assert.equal(routed(world).length, 2)
})

test('once the other is ready it leaves the routes and stops, and nothing else does', () => {
  const { world, broken, release } = watched()
  for (let step = 0; step < 6; step++) world.behave()
  assert.ok(!routed(world).includes(broken))
  assert.equal(routed(world).length, 2)
  const running = world.replicasOf(release).filter(({ state }) => state !== 'stopping')
  assert.deepEqual(running.map(({ id }) => id).toSorted(), routed(world).toSorted())
  assert.equal(world.service.release?.phase.name, 'watching')
  assert.equal(world.replicasOf('r1').filter(({ state }) => state === 'ready').length, 2)
})

test('what is in flight on it ends before it is stopped', () => {
  const { world, broken } = watched()
  world.inFlightOf = { [broken]: 1 }
  for (let step = 0; step < 6; step++) world.behave()
  assert.ok(!routed(world).includes(broken))
  assert.equal(world.replicas.get(broken)?.state, 'ready')
  world.inFlightOf = {}
  world.behave()
  assert.notEqual(world.replicas.get(broken)?.state, 'ready')
})

test('a second look starts no second one', () => {
  const { world, release } = watched()
  for (let step = 0; step < 4; step++) world.tick()
  assert.equal(world.replicasOf(release).length, 3)
})
