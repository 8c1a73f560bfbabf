/** What a candidate is comes before what it can (rulings §14). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatesTaken, inPhase } from './gates.ts'
import type { Gate } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const identity: Gate = { name: 'identity', kind: 'identity', needsLive: false, absolute: false }
const rules = { ...plainRules, gates: [identity, ...plainRules.gates] }

test('it is asked while the candidate warms up, before any other gate; another version is rejected', () => {
  const world = new World()
  world.deploy('a', { rules })
  world.until('warming')
  world.tick()
  const states = world.gates.get('r1')!
  assert.deepEqual(
    states.map(({ name, state }) => [name, state]),
    [['identity', 'running']],
  )
  world.decideGate('fail')
  world.tick()
  assert.equal(world.service.release?.phase.name, 'clearing')
  assert.equal(world.service.live, null)
})

test('a rollback to an older version asks it too', () => {
  const world = new World()
  world.deploy('a', { rules })
  world.deploy('b', { kind: 'rollback', rules })
  const { taken } = gatesTaken(world.service.queued!)
  assert.deepEqual(
    taken.map(({ name }) => name),
    ['identity', 'warmUp'],
  )
  assert.ok(taken.every((gate) => inPhase(gate, 'warmUp')))
})

test('nobody skips it, and a refused skip changes nothing', () => {
  const world = new World()
  world.deploy('a', { rules })
  world.until('warming')
  world.tick()
  world.decideGate('undecided')
  const before = world.service
  assert.equal(world.command('approve', { skipGate: 'identity' })?.code, 'never-skipped')
  assert.equal(world.service, before)
  assert.equal(world.command('approve', { skipGate: 'warmUp' }), null)
})
