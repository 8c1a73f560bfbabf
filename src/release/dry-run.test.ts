/** `dryRun: true`: the gate runs and reports, and decides nothing; neither for nor against. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeGates } from './gates.ts'
import type { Gate, Verdict } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

const webhook: Gate = { name: 'webhook', kind: 'webhook', needsLive: false, absolute: true }
const dryRun: Gate = { ...webhook, absolute: false, dryRun: true }
const [warmUp, goldenSet] = plainRules.gates as [Gate, Gate]

type GateVerdict = Verdict['verdict']

/** A first release whose webhook says what is given; it goes as far as it can. */
function judged(gates: Gate[], verdict: GateVerdict): World {
  const world = new World()
  world.deploy('a', { rules: { ...plainRules, gates } })
  for (let step = 0; step < 20; step++) {
    const { release } = world.service
    const known = world.gates.get(release?.id ?? '') ?? []
    if (known.some(({ name, state }) => name === 'webhook' && state === 'running'))
      world.decideGate(verdict)
    world.behave()
  }
  return world
}

test('a dry run that fails, or decides nothing, holds up nobody; the same gate in earnest does', () => {
  for (const verdict of ['fail', 'undecided'] as const) {
    const dry = judged([warmUp, dryRun, goldenSet], verdict)
    assert.equal(dry.service.live?.version, 'a', verdict)
    assert.equal(judged([warmUp, webhook, goldenSet], verdict).service.live, null, verdict)
  }
})

test('what it reports stands in the sentence of the phase, as a report', () => {
  const world = judged([warmUp, dryRun, goldenSet], 'fail')
  const release = world.service.release!
  const states = world.gates.get(release.id)!
  const { verdict, because } = judgeGates(release, 'others', { states, now: world.now })
  assert.deepEqual([verdict, because], ['pass', 'webhook reports fail (fail); goldenSet: pass'])
})

test('a dry run is waited for: what it reports is on the record before the switch', () => {
  const world = new World()
  world.deploy('a', {
    rules: { ...plainRules, gates: [dryRun, goldenSet] },
  })
  world.until('verifying')
  world.tick()
  assert.equal(world.waitingFor, 'gate webhook: running')
})

test('a dry run is no floor: a first release with nothing else waits for approval, though it passed', () => {
  const world = judged([warmUp, dryRun], 'pass')
  assert.equal(world.service.release?.phase.name, 'awaiting-approval')
})
