import assert from 'node:assert/strict'
import { test } from 'node:test'
import { combine } from './combine.ts'
import { beginSplitBinary, observeSplitBinary } from './split-binary.ts'
import { near } from './testing/near.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'

test('the average of wealths, and the signal that decided', () => {
  const both = combine([
    { name: 'errors', wealth: 300, weight: 0.4 },
    { name: 'latency', wealth: 2, weight: 0.6 },
  ])!
  near(both.wealth, 121.2)
  assert.equal(both.decidedBy, 'errors')
})

test('without signals there is no verdict, and one that is no number is an error', () => {
  assert.equal(combine([]), null)
  for (const wealth of [Number.NaN, -1])
    assert.throws(() => combine([{ name: 'errors', wealth, weight: 1 }]), /signal errors/)
  assert.throws(() => combine([{ name: 'errors', wealth: 1, weight: 0 }]), RangeError)
})

test('six signals that depend on each other alarm in at most 1 % of runs together', () => {
  const begin = (): Step => {
    const states = Array.from({ length: 6 }, () => beginSplitBinary({ bad: 20, total: 1000 }))
    return (random) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      const shared = random.chance(0.01)
      const signals = states.map((state, k) => {
        const bad = shared || random.chance(0.01)
        return {
          name: `${k}`,
          wealth: observeSplitBinary(state, { side, bad, share: 0.5 }),
          weight: 1,
        }
      })
      return combine(signals)!.wealth
    }
  }
  const { alarms } = simulate({ runs: 150, horizon: 1500, goal: 100, begin: begin })
  assert.ok(alarms <= alarmsAtMost(150, 0.01), `${alarms} of 150`)
})
