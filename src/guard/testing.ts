/** What the guard's tests and simulations share: rules as the manifest gives them, answers, and how the versions run. */
import type { Answer } from './answer.ts'
import type { Counts } from './baseline.ts'
import type { LatencyRules, SignalRules, WatchRules, YesNoRules } from './guard.ts'
import type { Outcome } from './outcome.ts'
import type { History } from './signals.ts'
import type { AnsweredTwice, Context, Judged } from './context.ts'

export const noon = 1_700_000_000_000

export const errors: YesNoRules = {
  kind: 'yesNo',
  name: 'errors',
  required: true,
  tolerance: 0.002,
  margin: 0.01,
  atMost: 0.03,
  minimumEffect: 0.04,
}

export const latency: LatencyRules = {
  kind: 'latency',
  name: 'latency',
  required: false,
  of: 'total',
  tolerance: { times: 1.1, plusMs: 5 },
  margin: { times: 1.25, plusMs: 5 },
  atMost: null,
}

export function rulesOf(...signals: readonly SignalRules[]): WatchRules {
  return { falseRollbackRisk: 0.01, badPromotionRisk: 0.05, signals }
}

export function historyOf(errorCounts: Counts | null): History | null {
  if (errorCounts === null) return null
  return { counts: { errors: errorCounts }, latency: { firstByte: {}, total: {} } }
}

export function answer(outcome: Outcome, { ms = 10, instance = 'a' } = {}): Answer {
  // As answerOf: how long a failure took is no time of an answer.
  const time = outcome === 'bad' || outcome === 'void' ? null : ms
  return { outcome, instance, firstByteMs: time, totalMs: time }
}

export function judged(outcomes: readonly Outcome[], side: Judged['side'] = 'new'): Judged[] {
  return outcomes.map((outcome) => ({ side, answer: answer(outcome) }))
}

export function many(outcome: Outcome, count: number): Outcome[] {
  return Array<Outcome>(count).fill(outcome)
}

export function twice(seq: number, own: Answer, old: Answer): AnsweredTwice {
  return { seq, new: own, old: { ...old, instance: `old-${old.instance}` } }
}

/** Only the new version answers, as after an all-at-once switch. */
export const alone: Context = {
  at: noon,
  ready: { new: 1, old: 0 },
  pairs: false,
  share: null,
  sticky: false,
  next: 0,
  every: 1,
}
