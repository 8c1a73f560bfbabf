/**
 * The watch after an all-at-once switch. There is no old traffic beside the new one, so the new version's errors are
 * judged against a rate fixed beforehand: the old version's own history with a margin (before/after: weak evidence, so the
 * margin is relative, at least 1.5), or, where there is no history, what the manifest still accepts. Pure; state is JSON.
 */
import { beginSupport, goodAnswersUntil, support, supportOf } from '../statistics/non-inferior.ts'
import type { Support } from '../statistics/non-inferior.ts'
import { oneSampleFactors } from '../statistics/one-sample.ts'
import { beginWealth, bet, wealthOf } from '../statistics/wealth.ts'
import type { Wealth } from '../statistics/wealth.ts'
import { wilson } from '../statistics/wilson.ts'
import type { Decision, WatchRules } from './guard.ts'

export type WatchState = {
  rules: WatchRules
  /** A first release has nothing to go back to: it may alarm and hold, never roll back. */
  first: boolean
  /** Errors beyond this rate are worse; errors surely below `limit` are not. */
  worse: number
  limit: number
  comparedWith: string
  wealth: Wealth
  support: Support
  total: number
  bad: number
  /** Once the evidence was enough it stays enough. */
  refuted: boolean
  /** Of the present minute and the one before: what was assigned, and what of it nobody can judge. */
  minutes: readonly { minute: number; assigned: number; void: number }[]
}

export type Outcome = 'good' | 'bad' | 'void'

/** A rate taken before compares with a rate taken after only with a margin for the time of day (statistics: ρ ≥ 1.5). */
const beforeAfterMargin = 1.5
/** Below this, differences are nobody's concern: two errors in a thousand. */
const tolerance = 0.002
const rateMin = 0.0005
const rateMax = 0.95
/** More than this share of void observations in a minute pauses promotion (rulings §6). */
const voidShareMax = 0.01

export function beginWatch(
  rules: WatchRules,
  old: { bad: number; total: number } | null,
  first: boolean,
): WatchState {
  const { margin, atMost } = rules.errors
  const known = old !== null && old.total > 0
  const history = known ? wilson(old.bad, old.total) : null
  const rate = (value: number) => Math.min(rateMax, Math.max(rateMin, value))
  return {
    rules,
    first,
    worse: rate(
      history === null
        ? atMost
        : Math.max(beforeAfterMargin * history.high, history.high + tolerance),
    ),
    limit: rate(history === null ? atMost : history.low + margin),
    comparedWith: known
      ? `the old version's ${old.bad} errors in ${old.total} answers (before/after: weak)`
      : `the ${percent(atMost)} that the manifest accepts (no history to compare with)`,
    wealth: beginWealth(),
    support: beginSupport(),
    total: 0,
    bad: 0,
    refuted: false,
    minutes: [],
  }
}

/** @param outcomes in assignment order, each once; @param at wall time in ms */
export function observe(state: WatchState, outcomes: readonly Outcome[], at: number): WatchState {
  if (outcomes.length === 0) return state
  if (!Number.isFinite(at))
    throw new RangeError(`the time of observations must be a number, it is ${at}`)
  let { wealth, support: supported, total, bad, refuted } = state
  let lost = 0
  for (const outcome of outcomes) {
    if (outcome === 'void') {
      lost++
      continue
    }
    const isBad = outcome === 'bad'
    total++
    if (isBad) bad++
    if (!refuted) wealth = bet(wealth, oneSampleFactors(isBad, state.worse))
    supported = support(supported, isBad, state.limit)
    refuted ||= wealthOf(wealth) >= 1 / state.rules.falseRollbackRisk
  }
  return {
    ...state,
    wealth,
    support: supported,
    total,
    bad,
    refuted,
    minutes: countMinute(state.minutes, at, outcomes.length, lost),
  }
}

export function decide(state: WatchState): Decision {
  const { rules, total, bad, refuted, first } = state
  const said = `${bad} errors in ${total} answers, against ${state.comparedWith}`
  const missing = goodAnswersUntil(state.support, state.limit, 1 / rules.badPromotionRisk)
  const evidence = {
    signal: 'errors',
    total,
    bad,
    rollbackEvidence: share(wealthOf(state.wealth), 1 / rules.falseRollbackRisk),
    promotionEvidence: share(supportOf(state.support), 1 / rules.badPromotionRisk),
    worseThan: state.worse,
    notWorseThan: state.limit,
    falseRollbackRisk: rules.falseRollbackRisk,
    badPromotionRisk: rules.badPromotionRisk,
  }
  const more = Number.isFinite(missing) ? missing : null
  if (refuted && first)
    return {
      decision: 'hold',
      because: `alarm: ${said}; a first release has no way back`,
      missing: null,
      evidence,
    }
  if (refuted) return { decision: 'rollBack', because: `errors: ${said}`, missing: 0, evidence }
  const lost = lostShare(state)
  if (missing === 0 && lost > voidShareMax) {
    return {
      decision: 'hold',
      because: `${percent(lost)} of the last minute's answers cannot be judged (${said})`,
      missing: null,
      evidence,
    }
  }
  if (missing === 0)
    return {
      decision: 'promote',
      because: `errors: ${said}; surely below ${percent(state.limit)}`,
      missing: 0,
      evidence,
    }
  const need =
    more === null ? 'more answers than anybody waits for' : `about ${more} more good answers`
  return { decision: 'hold', because: `${need} needed (${said})`, missing: more, evidence }
}

function countMinute(
  minutes: WatchState['minutes'],
  at: number,
  assigned: number,
  lost: number,
): WatchState['minutes'] {
  const minute = Math.floor(at / 60_000)
  const last = minutes.at(-1)
  if (last !== undefined && last.minute >= minute) {
    return [
      ...minutes.slice(0, -1),
      { minute: last.minute, assigned: last.assigned + assigned, void: last.void + lost },
    ]
  }
  return [...minutes.slice(-1), { minute, assigned, void: lost }]
}

function lostShare({ minutes }: WatchState): number {
  const assigned = minutes.reduce((sum, minute) => sum + minute.assigned, 0)
  const lost = minutes.reduce((sum, minute) => sum + minute.void, 0)
  return assigned === 0 ? 0 : lost / assigned
}

/** How far on the way, on the log scale on which evidence grows: 0 to 1. */
function share(wealth: number, goal: number): number {
  return Math.min(1, Math.max(0, Math.log(Math.max(wealth, 1)) / Math.log(goal)))
}

function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
