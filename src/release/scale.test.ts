/** Between releases what is live may be made larger or smaller (rulings §13): added before removed, and nothing open is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from './testing/world.ts'

function live(replicas: number): World {
  const world = new World()
  world.deploy('a', { replicas })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  return world
}

const scaled = (world: World, replicas: number) =>
  void (world.service = { ...world.service, live: { ...world.service.live!, replicas } })
const routed = (world: World) => world.table!.environments[world.table!.live!]!.replicas.length

test('more are started, and get traffic once they are ready', () => {
  const world = live(1)
  scaled(world, 3)
  world.tick()
  assert.deepEqual([world.replicasOf('r1').length, routed(world)], [3, 1])
  world.behave()
  world.behave()
  assert.equal(routed(world), 3)
})

test('fewer: out of the routes, then stopped once nothing is open on them; what answers stays', () => {
  const world = live(3)
  const [first] = world.replicasOf('r1')
  world.change(first!.id, { state: 'unready', because: 'it hangs' })
  scaled(world, 1)
  world.inFlightOf = Object.fromEntries(world.replicasOf('r1').map(({ id }) => [id, 1]))
  world.tick()
  world.tick()
  assert.deepEqual([world.replicasOf('r1').length, routed(world)], [3, 1])
  world.inFlightOf = {}
  world.tick()
  world.tick()
  const left = world.replicasOf('r1')
  assert.deepEqual(
    left.map(({ state }) => state),
    ['ready'],
  )
})

test('while a release is under way nothing of live is taken away', () => {
  const world = live(2)
  world.deploy('b')
  scaled(world, 1)
  world.until('verifying')
  assert.equal(world.replicasOf('r1').length, 2)
})
