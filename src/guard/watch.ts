/**
 * The watch after an all-at-once switch, for the signal `errors`. There is no old traffic beside the new one, so each
 * answer is a bet against two rates that were fixed beforehand (baseline.ts): surely above the one rolls back, surely below
 * the other promotes, and everything else holds. Pure; the state is JSON and survives a crash of the controller.
 */
import { beginWealth, bet, copyWealth, progress, wealthOf } from '../statistics/engine.ts'
import type { Wealth } from '../statistics/engine.ts'
import { fractions, oddsRatios } from '../statistics/mixture.ts'
import { oneSampleBelow } from '../statistics/one-sample-below.ts'
import { oneSample } from '../statistics/one-sample.ts'
import { answersUntil } from '../statistics/planning.ts'
import { baselineOf, percent } from './baseline.ts'
import type { Baseline } from './baseline.ts'
import type { Decision, WatchRules } from './guard.ts'
import { countMinute, lostShare, lostShareMax } from './minutes.ts'
import type { Minute } from './minutes.ts'
import type { Outcome } from './outcome.ts'

export type { Outcome }

export type WatchState = {
  rules: WatchRules
  /** A first release has nothing to go back to: it may alarm and hold, never roll back (rulings §3). */
  first: boolean
  baseline: Baseline
  /** Wealth of "it is worse", and of "it is no worse". */
  worse: Wealth
  fine: Wealth
  /** Answers that were judged, and the bad ones among them. */
  total: number
  bad: number
  gone: number
  void: number
  /** Once the evidence was enough it stays enough: the promise is about ever reaching it. */
  refuted: boolean
  minutes: readonly Minute[]
}

/**
 * @param old what was counted of the old version before the switch; null when there was none
 * @throws RangeError on rules or counts that are no numbers in their range
 */
export function beginWatch(
  rules: WatchRules,
  old: { bad: number; total: number } | null,
  first: boolean,
): WatchState {
  return {
    rules,
    first,
    baseline: baselineOf(rules, old),
    worse: beginWealth(oddsRatios),
    fine: beginWealth(fractions),
    total: 0,
    bad: 0,
    gone: 0,
    void: 0,
    refuted: false,
    minutes: [],
  }
}

/**
 * @param outcomes in assignment order, each once (reorder.ts)
 * @param at wall time, ms
 * @throws RangeError on an outcome or a time that is none; the state given stays as it was
 */
export function observe(before: WatchState, outcomes: readonly Outcome[], at: number): WatchState {
  if (outcomes.length === 0) return before
  const state = { ...before, worse: copyWealth(before.worse), fine: copyWealth(before.fine) }
  const asWorse = oneSample(state.baseline.worse)
  const asFine = oneSampleBelow(state.baseline.limit)
  const enough = 1 / state.baseline.rollbackRisk
  for (const outcome of outcomes) {
    if (outcome === 'void' || outcome === 'gone') {
      state[outcome]++
      continue
    }
    if (outcome !== 'good' && outcome !== 'bad')
      throw new RangeError(`an outcome must be good, bad, gone or void, it is ${String(outcome)}`)
    state.total++
    if (outcome === 'bad') state.bad++
    if (!state.refuted) state.refuted = bet(state.worse, oddsRatios, asWorse[outcome]) >= enough
    bet(state.fine, fractions, asFine[outcome])
  }
  const lost = state.void - before.void
  return { ...state, minutes: countMinute(state.minutes, { at, assigned: outcomes.length, lost }) }
}

/** @param at wall time, ms: without it, what was lost in the last minute seen counts as if it were now */
export function decide(state: WatchState, at?: number): Decision {
  const { baseline, total, bad, first } = state
  const said = `${bad} errors in ${total} answers, against ${baseline.against}`
  const evidence = evidenceOf(state)
  if (state.refuted && first) {
    const because = `alarm: ${said}; surely more than ${percent(baseline.worse)}, but a first release has no way back`
    return { decision: 'hold', because, missing: null, evidence }
  }
  if (state.refuted) {
    const because = `errors: ${said}; surely more than ${percent(baseline.worse)}`
    return { decision: 'rollBack', because, missing: 0, evidence }
  }
  const missing = missingOf(state)
  if (missing !== 0) {
    const need = missing === null ? 'more evidence' : `about ${missing} more answers`
    return { decision: 'hold', because: `${need} needed (${said})`, missing, evidence }
  }
  const lost = lostShare(state.minutes, at)
  if (lost > lostShareMax) {
    const because = `${percent(lost)} of the last minute's requests cannot be judged, more than ${percent(lostShareMax)}: promotion pauses (${said})`
    return { decision: 'hold', because, missing: null, evidence }
  }
  const because = `errors: ${said}; surely less than ${percent(baseline.limit)}`
  return { decision: 'promote', because, missing: 0, evidence }
}

/** Zero: there is enough to promote. Null: at the rate of errors seen so far there never will be. */
function missingOf({ fine, baseline, total, bad }: WatchState): number | null {
  const goal = 1 / baseline.promotionRisk
  if (wealthOf(fine, fractions) >= goal) return 0
  // A few answers say little about the rate: the old version's is mixed in as if it were so many answers of the new one.
  const borrowed = 20
  const rate = (bad + borrowed * Math.min(baseline.expected, baseline.limit)) / (total + borrowed)
  const needed = answersUntil({
    wealth: fine,
    mixture: fractions,
    factors: oneSampleBelow(baseline.limit),
    rate,
    goal,
  })
  return Number.isFinite(needed) ? Math.max(1, needed) : null
}

function evidenceOf({
  baseline,
  worse,
  fine,
  total,
  bad,
  gone,
  void: lost,
  refuted,
  rules,
}: WatchState) {
  return {
    signal: 'errors',
    comparedWith: baseline.against,
    total,
    bad,
    gone,
    void: lost,
    rollbackEvidence: refuted
      ? 1
      : progress(wealthOf(worse, oddsRatios), 1 / baseline.rollbackRisk),
    promotionEvidence: progress(wealthOf(fine, fractions), 1 / baseline.promotionRisk),
    worseThan: baseline.worse,
    notWorseThan: baseline.limit,
    falseRollbackRisk: rules.falseRollbackRisk,
    badPromotionRisk: rules.badPromotionRisk,
  }
}
