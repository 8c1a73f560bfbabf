/** For every decision: what was compared with what, how many, and each signal's evidence as a share of what was needed. */
import { progress, wealthOf } from '../statistics/engine.ts'
import { fractions } from '../statistics/mixture.ts'
import { worseByAtLeast, worseByAtMost } from '../statistics/paired-bound.ts'
import { badOnes, percent } from './baseline.ts'
import { bookWealth } from './book.ts'
import { carriedSaid } from './carried.ts'
import type { Design, Evidence, SignalEvidence } from './guard.ts'
import { evidenceOf, goalOf } from './instances.ts'
import { aloneEveryMs } from './latency.ts'
import { toClear, toSee } from './outlook.ts'
import type { SignalState } from './signals.ts'
import { combinedWealth, weightedWealth } from './watch.ts'
import type { WatchState } from './watch.ts'

export function evidenceNow(state: WatchState): Evidence {
  const { signals, goal, rules, refutedBy, instances } = state
  const required = signals.filter(({ rules: { required: isIt } }) => isIt)
  const explained = signals.map((signal) => explain(signal, state))
  const strongest = signals.reduce<SignalState | null>(
    (most, one) =>
      one.weight > 0 && (most === null || weightedWealth(one) > weightedWealth(most)) ? one : most,
    null,
  )
  return {
    rollbackEvidence: refutedBy === null ? progress(combinedWealth(state), goal) : 1,
    promotionEvidence: required.length === 0 ? 0 : Math.min(...required.map(fineProgress)),
    strongest: refutedBy ?? strongest?.rules.name ?? null,
    falseRollbackRisk: rules.falseRollbackRisk,
    badPromotionRisk: rules.badPromotionRisk,
    total: state.total,
    bad: state.bad,
    gone: state.gone,
    void: state.void,
    perSecond: state.load.perSecond?.new ?? null,
    setAside: state.setAside,
    unheard: state.said.void,
    unreadable: state.unreadable,
    signals: explained,
    instances: instances.known.map((one) => ({
      instance: one.name,
      total: one.total,
      bad: one.bad,
      evidence: progress(evidenceOf(one), goalOf(instances, state.risks.rollback)),
      setAside: instances.aside.includes(one.name),
    })),
  }
}

/** How far on the way to "surely no worse", 0 to 1. */
export function fineProgress({ fine, fineGoal }: SignalState): number {
  if (fine.length === 0) return 0
  return Math.min(...fine.map((wealth) => progress(wealthOf(wealth, fractions), fineGoal)))
}

export function said(signal: SignalState): string {
  return seen(signal) + carriedSaid(signal)
}

function seen(signal: SignalState): string {
  const { kind } = signal
  if (kind === 'yesNo') {
    const { memory, rules } = signal
    const word = badOnes(rules.name)
    const { newOnly, oldOnly, total } = memory.pairs
    const counted = `${memory.new.bad} ${word} in ${memory.new.total} answers`
    return total === 0
      ? counted
      : `${counted}; in ${total} pairs ${newOnly} where only the new version failed and ${oldOnly} where only the old one did`
  }
  if (kind === 'latency') {
    const { memory, rules } = signal
    if (memory.split !== null || memory.pairs !== null) return `${memory.new.total} answers timed`
    const limit = rules.atMost === null ? 'the limit of the median' : `${rules.atMost.ms} ms`
    return `${memory.new.total} answers timed, ${memory.new.bad} above ${limit}; one in ${aloneEveryMs / 1000} s counts`
  }
  if (kind === 'score') {
    const { new: own } = signal.memory
    return own.count === 0
      ? 'no scores yet'
      : `${own.count} scores, mean ${(1 - own.mean).toFixed(3)}`
  }
  const { totals, pairs } = signal.memory
  return pairs.total > 0
    ? `${pairs.different} of ${pairs.total} answers differ`
    : `${totals.new} answers in categories`
}

export function comparedWith(signal: SignalState): string {
  const { design, kind } = signal
  if (design === 'none') return reasonForNone(signal)
  if (design === 'paired') return "the old version's answers to the same requests (pairs)"
  if (design === 'split') return "the old version's answers at the same time (who answers is drawn)"
  if (design === 'matched') return "the old version's answers at the same time (matched blocks)"
  if (kind === 'yesNo') return signal.memory.baseline.against
  if (kind === 'latency' && design === 'one-sample')
    return `${percent(signal.rules.atMost!.share)} within ${signal.rules.atMost!.ms} ms, as the manifest asks`
  return "the old version's times at the same rate per replica (before/after: weak evidence, it never promotes)"
}

function reasonForNone({ kind }: SignalState): string {
  if (kind === 'latency')
    return 'nothing: the old version was not seen under this load (or copies change it), and no limit is given'
  return 'nothing: this needs the old version beside the new one'
}

function explain(signal: SignalState, state: WatchState): SignalEvidence {
  const { rules, weight, design, judged, book, kind } = signal
  const pairs = kind === 'yesNo' ? signal.memory.pairs : null
  const isPaired = pairs !== null && pairs.total > 0
  const ownGoal = weight > 0 ? state.goal / weight : 1 / state.risks.rollback
  return {
    signal: rules.name,
    required: rules.required,
    weight,
    design,
    comparedWith: comparedWith(signal),
    said: said(signal),
    judged: { ...judged },
    rollbackEvidence: state.refutedBy === rules.name ? 1 : progress(bookWealth(book), ownGoal),
    promotionEvidence: canPromote(signal, design) ? fineProgress(signal) : null,
    toSee: toSee(signal, state.goal),
    toClear: toClear(signal),
    worseByAtLeast: isPaired ? worseByAtLeast(pairs, state.risks.rollback) : null,
    // What counts from before the switch has its own bound, at what was needed: no margin follows from these pairs alone.
    worseByAtMost:
      isPaired && signal.carried === undefined ? worseByAtMost(pairs, state.risks.promotion) : null,
  }
}

function canPromote({ kind, fine }: SignalState, design: Design): boolean {
  if (fine.length === 0 || design === 'none') return false
  return !(kind === 'latency' && design === 'before-after')
}
