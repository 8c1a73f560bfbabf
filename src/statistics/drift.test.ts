import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginCategorical, observeCategorical } from './categorical.ts'
import { categoriesMax } from './categories.ts'
import { alarmsAtMost, simulate } from './testing/simulate.ts'
import type { Step } from './testing/simulate.ts'
import { near } from './testing/near.ts'
import { beginTotalVariation, observeTotalVariation } from './total-variation.ts'

type Observe = (side: 'new' | 'old', category: string) => number

const categorical = (): Observe => {
  const state = beginCategorical()
  return (side, category) => observeCategorical(state, { side, category, share: 0.5 })
}
const variation = (): Observe => {
  const state = beginTotalVariation(0.05)
  return (side, category) => observeTotalVariation(state, { side, category, share: 0.5 })
}

test('the bet predicts the side from what was seen of the category', () => {
  const state = beginCategorical()
  for (const side of ['new', 'new', 'new', 'old'] as const)
    observeCategorical(state, { side, category: 'fr', share: 0.5 })
  const before = state.wealth.early[0]!
  observeCategorical(state, { side: 'new', category: 'fr', share: 0.5 })
  near(state.wealth.early[0]! / before, 1.142857)
})

test('the same distribution over ten categories: at most 1 % of runs ever alarm', () => {
  const { alarms } = simulate({ runs: 300, horizon: 2500, goal: 100, begin: drift(categorical, 0) })
  assert.ok(alarms <= alarmsAtMost(300, 0.01), `${alarms} of 300`)
})

test('another distribution is found', () => {
  const { meanDelay } = simulate({
    runs: 40,
    horizon: 10_000,
    goal: 100,
    begin: drift(categorical, 0.1),
  })
  assert.ok(meanDelay <= 3000, `${meanDelay}`)
})

test('within the tolerated total variation at most 1 % of runs alarm, beyond it they do', () => {
  const { alarms } = simulate({
    runs: 200,
    horizon: 2500,
    goal: 100,
    begin: drift(variation, 0.05),
  })
  assert.ok(alarms <= alarmsAtMost(200, 0.01), `${alarms} of 200`)
  const { meanDelay } = simulate({
    runs: 40,
    horizon: 10_000,
    goal: 100,
    begin: drift(variation, 0.2),
  })
  assert.ok(meanDelay <= 1300, `${meanDelay}`)
})

test('answers that are different each time are one category in the end, and names of objects are names', () => {
  const state = beginCategorical()
  for (let t = 0; t < categoriesMax + 500; t++)
    observeCategorical(state, { side: 'new', category: `answer ${t}`, share: 0.5 })
  assert.equal(Object.keys(state.categories.counts).length, categoriesMax + 1)
  const small = beginCategorical()
  for (const category of ['__proto__', 'constructor', 'others'])
    observeCategorical(small, { side: 'old', category, share: 0.5 })
  assert.deepEqual(JSON.parse(JSON.stringify(small)), small)
  assert.equal(Object.keys(small.categories.counts).length, 3)
})

/** @param variation total variation between the two: so much of five categories goes to the other five */
function drift(begin: () => Observe, variationOf: number) {
  return (): Step => {
    const observe = begin()
    return (random) => {
      const side = random.chance(0.5) ? 'new' : 'old'
      const category = Math.floor(random.uniform() * 10)
      const moved = side === 'new' && category >= 5 && random.chance(2 * variationOf)
      return observe(side, String(moved ? category - 5 : category))
    }
  }
}
