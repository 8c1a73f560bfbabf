/** GPU slots of a sleeper, leased: a rollback calls them back, a drill does not, and what is live holds none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calledBack } from './leases.ts'
import { nextActions } from './next-actions.ts'
import type { Release, Rules } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const rules: Rules = {
  ...plainRules,
  drillEveryS: 600,
  standby: [{ rung: 'asleep', forS: 36_000 }],
}
const tenant = { service: 'rank', release: 'r9' }

/** `b` is live, and `a` sleeps. */
function asleep(): World {
  const world = new World()
  world.deploy('a')
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  world.deploy('b', { rules })
  world.until('stabilizing', (one) => one.pass(30))
  for (let turn = 0; turn < 12; turn++) world.behave()
  return world
}

function lend(world: World): void {
  for (const { id } of world.replicasOf('r1')) world.change(id, { lentTo: [tenant] })
}

test('no drill is taken while somebody is on its slots, and who that is stands in the wait', () => {
  const world = asleep()
  lend(world)
  const wakes = () => world.log.filter((what) => what === 'wake').length
  const before = wakes()
  world.behave(700)
  world.behave()
  assert.equal(wakes(), before)
  assert.match(world.waitingFor, /its GPU slots are leased to r9 of rank, which a rollback ends$/)
})

test('a rollback calls them back, by name, before it wakes anything', () => {
  const world = asleep()
  lend(world)
  assert.equal(world.command('rollback'), null)
  const actions = nextActions(world.service, world.look(), world.now)
  assert.deepEqual(actions[0], { do: 'call-back', tenants: [tenant] })
  assert.deepEqual(actions.map((one) => one.do).slice(0, 2), ['call-back', 'wake'])
})

test('a candidate that is called back ends, and is rejected with who did it; what is live is not touched', () => {
  const world = asleep()
  const by = world.service.release!
  const other = new World()
  other.deploy('x')
  other.tick()
  const release = other.service.release!.id
  const next = calledBack(other.service, release, { by, now: other.now })
  assert.match(
    JSON.stringify(next!.release!.phase),
    /clearing.*rejected.*leased from tiny, and the rollback of r2 called them back/,
  )
  assert.equal(calledBack(other.service, 'r77', { by, now: other.now }), null)
  const live: Release = { ...by, phase: { name: 'watching', since: world.now, generation: 1 } }
  assert.equal(
    calledBack({ ...world.service, release: live }, live.id, { by, now: world.now }),
    null,
  )
})

test('a candidate on leased slots does not go live', () => {
  const world = new World()
  world.deploy('a')
  for (let turn = 0; turn < 3; turn++) world.behave()
  for (const { id } of world.replicas.values()) world.change(id, { leasedFrom: [tenant] })
  for (let turn = 0; turn < 6; turn++) world.behave()
  assert.equal(world.service.release?.phase.name, 'awaiting-approval')
  assert.match(world.waitingFor, /^GPU slots of its own: .* \(r9 of rank\)/)
  for (const { id } of world.replicas.values()) world.change(id, { leasedFrom: [] })
  world.until('watching')
})
