import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsSaid } from './ending.ts'
import type { Today } from './ending.ts'
import type { ScoreRules, SignalRules } from './guard.ts'
import { decide } from './decide.ts'
import { alone, answer, errors, historyOf, latency, noon, rulesOf, twice } from './testing.ts'
import { beginWatch, observePairs } from './watch.ts'

const today: Today = {
  control: false,
  stepsS: 0,
  replicas: 1,
  sticky: false,
  perSecond: { gateway: 100, answer: 100, feedback: 2 },
  atLeastS: 600,
  watchS: 3600,
}
const wide = { ...errors, margin: 0.02 }
const score: ScoreRules = {
  kind: 'score',
  name: 'confidence',
  from: 'answer',
  required: true,
  tolerance: 0.01,
  margin: 0.03,
}
const thumbs: SignalRules = { ...wide, name: 'feedback', from: 'feedback' }

function said(signals: readonly SignalRules[], change: Partial<Today> = {}): string[] {
  const history = historyOf({ bad: 10, total: 5000 })
  return endsSaid(beginWatch(rulesOf(...signals), history, false).signals, { ...today, ...change })
}
const slow = (gateway: number) => ({ gateway, answer: gateway, feedback: gateway })

test('errors: whether, and by when; not before the time that is always watched', () => {
  const [one, end] = said([wide])
  assert.match(one!, /^errors: if it is no worse, about \d+ answers show that, \d+ s at today's/)
  assert.equal(
    end,
    "today's traffic can end the watch by itself after about 10 min, if nothing is worse",
  )
  const [few, never] = said([wide], { control: true, perSecond: slow(0.003) })
  assert.match(few!, /requests in pairs .* longer than the 60 min there are/)
  assert.match(never!, /cannot end the watch within 60 min: it would ask for `promote`/)
  assert.match(said([wide], { perSecond: slow(0) })[0]!, /there are none now/)
  // The bound of the old version's rate and the margin leave no room.
  assert.match(said([{ ...errors, margin: 0.0005 }])[0]!, /no number of answers shows/)
})

test('every required signal has its line, what is not required is named, and the slowest says when', () => {
  const lines = said([wide, thumbs, { ...latency }])
  assert.equal(lines.length, 4)
  assert.match(lines[1]!, /^feedback: .* opinions show that, .* at today's 2 opinions a second$/)
  assert.equal(lines[2], 'the watch does not wait for latency: not required')
  assert.match(lines[3]!, /can end the watch by itself after about/)
  const silent = said([wide, thumbs], { perSecond: { gateway: 100, answer: 100, feedback: null } })
  assert.match(silent[1]!, /nobody has spoken of today's answers/)
  assert.match(silent.at(-1)!, /cannot end the watch/)
  assert.match(said([{ ...errors, required: false }]).at(-1)!, /nothing is required/)
})

test('latency: by a limit of its own, one answer in five seconds once warm; else never by the past, nor in pairs', () => {
  const required = { ...latency, required: true }
  const limited = { ...required, atMost: { share: 0.95, ms: 800 } }
  for (const control of [false, true])
    assert.match(
      said([limited], { control })[0]!,
      /if one answer in 100 takes longer than 800 ms, about \d+ answers, .* show that fewer than one in 20 do, \d+ min at today's 720 answers an hour/,
    )
  // At 10 requests an hour the first 200 alone, which say nothing, take 20 hours.
  assert.match(said([limited], { perSecond: slow(10 / 3600) })[0]!, /days at .* longer than/)
  assert.match(said([required])[0]!, /never earns a promotion without a limit of its own/)
  assert.match(said([required], { stepsS: 600 })[0]!, /only in a step .* same load/)
})

test('scores: in pairs or in steps, and nothing beside that; of people who stick to a version, not at all', () => {
  assert.match(said([score], { control: true })[0]!, /answers read in pairs show that, \d+ s/)
  assert.match(said([score], { stepsS: 1800 })[0]!, /answers read during the steps/)
  assert.match(said([score])[0]!, /it needs a control group or steps/)
  const stars = { ...score, name: 'feedback', from: 'feedback' as const }
  assert.match(said([stars], { control: true })[0]!, /it needs steps/)
  assert.match(said([stars], { stepsS: 1800, sticky: true })[0]!, /one of each client/)
  assert.match(said([{ ...wide, name: 'drift', kind: 'drift' } as never])[0]!, /never earns one/)
})

test('what it says of scores in pairs is what happens, within a third', () => {
  const promised = Number(/about (\d+) /.exec(said([score], { control: true })[0]!)![1])
  let state = beginWatch(rulesOf(score), null, false)
  let pairs = 0
  // As spread as is assumed of scores that nobody has seen: 0.2.
  for (; decide(state).decision === 'hold' && pairs < 5000; pairs++) {
    const of = (confidence: number) => ({ ...answer('good'), values: { confidence } })
    const pair = twice(
      pairs,
      of(0.7 + (pairs % 2 === 0 ? 0.1 : -0.1)),
      of(pairs % 2 === 0 ? 0.6 : 0.8),
    )
    state = observePairs(state, [pair], { ...alone, at: noon, of: 'answer', pairs: true })
  }
  assert.equal(decide(state).decision, 'promote')
  assert.ok(Math.abs(pairs / promised - 1) < 0.33, `${pairs}, said ${promised}`)
})

test('what shadow and replay will have compared is a part of it, or all', () => {
  const history = historyOf({ bad: 10, total: 5000 })
  const asked = (total: number) =>
    endsSaid(beginWatch(rulesOf(wide), history, false, { total, newOnly: 0 }).signals, {
      ...today,
      perSecond: slow(0.003),
    })
  assert.match(asked(0)[0]!, /longer than the 60 min there are/)
  assert.match(
    asked(1000)[0]!,
    /^errors: 1000 requests asked of both versions before the switch are enough/,
  )
  assert.match(asked(1000).at(-1)!, /can end the watch by itself after about 10 min/)
})
