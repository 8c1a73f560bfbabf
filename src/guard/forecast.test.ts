import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from '../statistics/testing/simulate.ts'
import { beginWealth, bet } from '../statistics/engine.ts'
import { oddsRatios } from '../statistics/mixture.ts'
import { pairedBinary } from '../statistics/paired-binary.ts'
import { forecast } from './forecast.ts'
import type { Asked } from './forecast.ts'

const asked: Asked = {
  perSecond: 8,
  old: { bad: 100, total: 10_000 },
  newRate: 0.05,
  falseRollbackRisk: 0.01,
  weight: 1,
  tolerance: 0.002,
  margin: 0.01,
  atMost: 0.03,
  replayed: 1000,
  control: true,
  watchS: 7200,
}

test('1 % → 5 % is seen after the requests of the design, by every way of comparing', () => {
  const { designs } = forecast(asked)
  const of = (name: string) => designs.find(({ design }) => design === name)!
  assert.equal(of('split').requests, 856)
  assert.ok(of('paired').requests > 250 && of('paired').requests < 500)
  assert.ok(of('before-after').requests > 250 && of('before-after').requests < 700)
  assert.equal(of('split').seconds, 107)
})

test('what it says of pairs is what happens: within a quarter of a simulation', () => {
  const { newOnly, oldOnly, same } = pairedBinary(0)
  const { meanDelay } = simulate({
    runs: 200,
    horizon: 5000,
    goal: 100,
    begin: () => {
      const wealth = beginWealth(oddsRatios)
      return (random) => {
        const [own, old] = [random.chance(0.05), random.chance(0.01)]
        return bet(wealth, oddsRatios, own === old ? same : own ? newOnly : oldOnly)
      }
    },
  })
  const said = forecast(asked).designs[0]!.requests
  assert.ok(Math.abs(meanDelay / said - 1) < 0.25, `${meanDelay}, said ${said}`)
})

test('at ten requests an hour it says that live traffic cannot find small regressions, and replay can', () => {
  const { said, found } = forecast({
    ...asked,
    perSecond: 10 / 3600,
    newRate: 0.03,
    replayed: 2000,
  })
  assert.match(said[0]!, /in pairs, \d+(\.\d)? days at today's 10 requests an hour/)
  assert.match(said[2]!, /2000 replayed requests find \d\.\d+ % errors and more before the switch/)
  assert.match(said[3]!, /live traffic cannot find so small a regression in time, and replay can/)
  assert.ok(found.byReplay! < 0.04)
  assert.ok(found.byWatch === null || found.byWatch > 0.3)
})

test('more replayed requests find smaller regressions, and none are found by none', () => {
  const by = (replayed: number) => forecast({ ...asked, replayed }).found.byReplay
  assert.equal(by(0), null)
  assert.ok(by(30)! > by(300)! && by(300)! > by(3000)!)
})

test('without a control group it speaks of the past, and says what that cannot see', () => {
  const far = forecast({ ...asked, control: false })
  assert.match(far.said[0]!, /seen after about \d+ answers, held against the old version's past/)
  assert.ok(far.found.byWatch! > forecast(asked).found.byWatch!)
  const near = forecast({ ...asked, control: false, newRate: 0.0125 })
  assert.match(near.said[0]!, /cannot see that, however long it lasts .*; a control group can/)
})

test('without traffic nothing is promised', () => {
  const { said, designs } = forecast({ ...asked, perSecond: 0 })
  assert.match(said[0]!, /there is no live traffic now/)
  assert.ok(designs.every(({ seconds }) => seconds === Infinity))
})

test('a regression that is none, and numbers that are none, are refused', () => {
  assert.throws(() => forecast({ ...asked, newRate: 0.01 }), /must lie between/)
  assert.throws(() => forecast({ ...asked, newRate: Number.NaN }), RangeError)
  assert.throws(() => forecast({ ...asked, perSecond: -1 }), /perSecond must be/)
  assert.throws(() => forecast({ ...asked, replayed: Infinity }), /replayed must be/)
})
