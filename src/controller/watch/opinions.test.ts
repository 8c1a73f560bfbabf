/** What people said, as evidence: at one age for all, in the order of the requests, each once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Feedback } from '../../storage/feedback.ts'
import type { SignalSettings, SignalVerdict } from '../../verification/signals/signal.ts'
import { opinionCounts, opinionsDue } from './opinions.ts'
import type { OpinionSpec } from './opinions.ts'
import { signalTotals } from './signal-totals.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'

const thumbs: OpinionSpec = { kind: 'thumbs', bad: [], withinS: 10 }
const label: OpinionSpec = { kind: 'label', bad: ['unsafe'], withinS: 10 }
const score: OpinionSpec = { kind: 'score', bad: [], withinS: 10 }

function room() {
  const { store } = journal(switched(releaseOf({ name: 'watching', since, generation: 2 })))
  let seq = 0
  const say = (answeredAt: number, at: number, value: unknown, more: Partial<Feedback> = {}) =>
    store.feedback.put({
      service: 'tiny',
      release: 'r2',
      version: 'v2',
      run: 'g',
      seq: seq++,
      generation: 3,
      client: 0,
      kind: 'thumbs',
      value,
      answeredAt,
      at,
      actor: 'ann',
      ...more,
    })
  const due = (at: number, after = 0, specs: Record<string, OpinionSpec> = { feedback: thumbs }) =>
    opinionsDue(store, 'tiny', specs, { after, at }).map(({ value }) => value)
  return { store, say, due }
}

test('an answer is judged once it is old enough, by what was said until then; what comes later decides nothing', () => {
  const { say, due } = room()
  say(1000, 2000, true)
  say(1000, 11_900, false)
  say(1000, 13_000, false)
  say(5000, 5000, false)
  assert.deepEqual(due(11_999), [])
  assert.deepEqual(due(12_000), [false, true])
  assert.deepEqual(due(16_000, 1000), [true])
  assert.deepEqual(due(60_000, 5000), [])
})

test('whoever is quick to speak is not judged before whoever takes time: the order is that of the requests', () => {
  const { say, due } = room()
  say(3000, 3001, false)
  say(2000, 9000, true)
  assert.deepEqual(due(60_000), [false, true])
})

test('each kind is read by its own rule, and what is of another kind says nothing', () => {
  const { store, say, due } = room()
  say(1000, 1000, 'unsafe', { kind: 'label' })
  say(2000, 2000, 'fine', { kind: 'label' })
  say(3000, 3000, 0.25, { kind: 'score' })
  say(4000, 4000, true, { kind: 'handoff' })
  assert.deepEqual(due(60_000, 0, { feedback: label }), [true, false])
  assert.deepEqual(due(60_000, 0, { feedback: score }), [0.25])
  assert.deepEqual(due(60_000, 0, { handoff: { ...thumbs, kind: 'handoff' } }), [true])
  assert.deepEqual(opinionCounts(store, 'r2', { feedback: label, stars: score }), {
    feedback: { bad: 1, total: 2 },
    stars: { bad: 0, total: 0 },
  })
})

test('signals of a release are counted by how they were taken; copies, and rules that nobody knows, are not', () => {
  const settings: SignalSettings = {
    id: 'one',
    protocol: 'http',
    signals: { ok: { kind: 'yesNo', answer: '$.ok', matches: null, bad: false } },
  }
  const said = (value: boolean | number | null, more: Partial<SignalVerdict> = {}) =>
    ({
      id: 'one',
      service: 's',
      release: 'r',
      isCopy: false,
      values: { ok: value },
      ...more,
    }) as SignalVerdict
  const totals = signalTotals(
    [
      said(true),
      said(false),
      said(0.5),
      said(null),
      said(true, { isCopy: true }),
      said(true, { id: 'two' }),
    ],
    (id) => (id === 'one' ? settings : null),
  )
  assert.equal(totals.length, 1)
  const [{ rule, ...sum }] = totals as [(typeof totals)[0]]
  assert.deepEqual(sum, { service: 's', release: 'r', signal: 'ok', total: 2, bad: 1 })
  const strict = {
    ...settings,
    signals: { ok: { ...settings.signals['ok']!, bad: true } },
  } as SignalSettings
  assert.notEqual(signalTotals([said(true)], () => strict)[0]!.rule, rule)
})
