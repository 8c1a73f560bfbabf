/** Promise 5 by what the load gate found (rulings §14): a switch waits while more is to come than the candidate carries. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Gate, Rules } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const load: Gate = { name: 'load', kind: 'load', needsLive: false, absolute: false }
const withLoad = (change: Partial<Gate> = {}): Rules => ({
  ...plainRules,
  gates: [...plainRules.gates, { ...load, ...change }],
})
/** 100/s were asked for and held by two replicas, 120/s as well, and 150/s were not. */
const found = {
  held: { perSecond: 100 },
  capacity: { perSecond: 120, notPerSecond: 150 },
  replicas: 2,
}

/** `a` is live on two replicas. */
function live(rules: Rules = plainRules): World {
  const world = new World()
  world.deploy('a', { rules, replicas: 2 })
  world.guard = { decision: 'promote', because: 'fine' }
  world.until('finished', (one) => one.pass(30))
  return world
}

function ready(rules = withLoad(), evidence: Record<string, unknown> = found): World {
  const world = live()
  world.evidence = evidence
  world.deploy('b', { rules: { ...rules, switchWhen: 'approved' } })
  world.until('awaiting-approval')
  world.command('approve')
  return world
}

const turns = (world: World, count = 10) => {
  for (let turn = 0; turn < count; turn++) world.behave()
}

describe('the switch', () => {
  test('is refused while more is to come than the load gate found, with both numbers, and goes on once it is not', () => {
    const world = ready()
    world.peak = 120.5
    turns(world)
    assert.equal(
      world.waitingFor,
      'capacity: b carries 120/s with 2 ready replicas (gate load), and 120.5/s are to come (the most of the last five minutes)',
    )
    assert.deepEqual(world.moved, ['r1'])
    world.peak = 120
    world.until('watching')
  })

  test('is refused where a replica is gone that the found capacity needs', () => {
    const world = ready()
    const [first] = world.replicasOf('r2')
    world.change(first!.id, { state: 'unready', because: 'slow' })
    world.tick()
    assert.match(world.waitingFor, /^capacity: the candidate has 1 ready replicas of the 2/)
    assert.deepEqual(world.moved, ['r1'])
  })

  test('waits where nothing was tried beyond the rate, and more than that is asked now', () => {
    const world = ready(withLoad(), {
      ...found,
      capacity: { perSecond: 100, notPerSecond: null },
    })
    world.peak = 130
    turns(world)
    assert.match(
      world.waitingFor,
      /b carries at least 100\/s .* more was not tried: give it a ramp or a higher rate\), and 130\/s are to come/,
    )
  })

  test('goes by replicas where no load gate has found anything, whatever is to come', () => {
    for (const [rules, evidence] of [
      [plainRules, {}],
      [withLoad(), {}],
      [withLoad({ dryRun: true }), found],
    ] as const) {
      const world = ready(rules, evidence)
      world.peak = 1000
      world.until('watching')
    }
  })

  test('is not forced by skipping the gate: what it missed is not switched to, what is less may be tried', () => {
    const missed = { held: { perSecond: 100 }, capacity: null, replicas: 2 }
    for (const [peak, waits] of [
      [100, true],
      [40, false],
    ] as const) {
      const world = live()
      world.deploy('b', { rules: withLoad() })
      world.until('verifying')
      assert.equal(world.command('approve', { skipGate: 'load' }), null)
      world.evidence = missed
      world.peak = peak
      const states = world.gates.get('r2') ?? []
      const decided = { name: 'load', state: 'decided', attempt: 1, at: world.now.wall } as const
      world.gates.set('r2', [
        ...states.filter(({ name }) => name !== 'load'),
        { ...decided, verdict: 'fail', because: 'too slow', evidence: missed },
      ])
      if (!waits) {
        world.until('watching')
        continue
      }
      turns(world)
      assert.match(
        world.waitingFor,
        /^capacity: b carries less than 100\/s .* and 100\/s are to come/,
      )
      assert.deepEqual(world.moved, ['r1'])
    }
  })

  test('of several load gates the lowest limit that was seen counts, and the highest rate that was asked', () => {
    const rules = withLoad()
    const two = { ...rules, gates: [...rules.gates, { ...load, name: 'load-2' }] }
    const world = live()
    world.deploy('b', { rules: { ...two, switchWhen: 'approved' } })
    world.until('verifying')
    const decided = { state: 'decided', attempt: 1, verdict: 'pass', because: '' } as const
    const at = world.now.wall
    const other = {
      ...found,
      capacity: { perSecond: 90, notPerSecond: 95 },
      held: { perSecond: 80 },
    }
    world.until('awaiting-approval', () => {
      const rest = (world.gates.get('r2') ?? []).filter(({ name }) => !name.startsWith('load'))
      world.gates.set('r2', [
        ...rest,
        { ...decided, name: 'load', at, evidence: found },
        { ...decided, name: 'load-2', at, evidence: other },
      ])
    })
    world.command('approve')
    turns(world)
    assert.match(
      world.waitingFor,
      /b carries 90\/s with 2 ready replicas \(gate load-2\), and 100\/s are to come \(what a load gate asks for\)/,
    )
  })
})

describe('a switch in steps', () => {
  test('takes no further step while more is to come than was found', () => {
    const world = live()
    world.evidence = found
    const traffic = { shares: [0.1], everyS: 10, sticky: null }
    world.guard = { decision: 'hold', because: 'little seen', wouldShow: true }
    world.deploy('b', { rules: { ...withLoad(), traffic } })
    world.until('switching')
    world.behave()
    world.peak = 200
    for (let turn = 0; turn < 30; turn++) world.behave(10)
    assert.match(
      world.waitingFor,
      /^capacity: b carries 120\/s .* and 200\/s .*\(step 1 of 2, 10 %\)/,
    )
    assert.equal(world.table!.split?.share, 0.1)
    world.peak = 100
    world.until('watching')
  })

  test('goes back however much is to come', () => {
    const world = live()
    world.evidence = found
    world.deploy('b', { rules: withLoad() })
    world.until('watching')
    world.peak = 5000
    assert.equal(world.command('rollback'), null)
    world.until('rolled-back')
    assert.equal(world.moved.at(-1), 'r1')
  })
})
