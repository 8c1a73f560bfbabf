/** The signals of a watch: what each takes from an answer, and what it bets on it by its present design. */
import { beginWealth } from '../statistics/engine.ts'
import type { Wealth } from '../statistics/engine.ts'
import { fractions } from '../statistics/mixture.ts'
import type { Answer } from './answer.ts'
import { baselineOf, isHistory } from './baseline.ts'
import type { Counts } from './baseline.ts'
import type { BothBets, Pair, Single } from './bets.ts'
import type { Carried } from './carried.ts'
import { beginBook } from './book.ts'
import type { Book } from './book.ts'
import { beginDrift, driftBets, driftPairBets } from './drift.ts'
import type { DriftMemory } from './drift.ts'
import type {
  Design,
  DriftRules,
  LatencyRules,
  ScoreRules,
  SignalRules,
  YesNoRules,
} from './guard.ts'
import {
  beginLatency,
  fineQuestions,
  latencyBets,
  latencyPairBets,
  latencyQuestions,
} from './latency.ts'
import type { LatencyMemory } from './latency.ts'
import { latencyLimits } from './latency-history.ts'
import type { LatencyHistory } from './latency-history.ts'
import { beginScore, scoreBets, scorePairBets } from './score.ts'
import type { ScoreMemory } from './score.ts'
import { beginYesNo, yesNoBets, yesNoPairBets } from './yes-no.ts'
import type { YesNoMemory } from './yes-no.ts'

/** What is known of the old version from before; nothing of it for a first release. */
export type History = {
  /** Answers and bad ones among them, by signal. */
  counts: Readonly<Record<string, Counts>>
  latency: Readonly<Partial<Record<LatencyRules['of'], LatencyHistory>>>
}

export type SignalState = Base &
  (
    | { kind: 'yesNo'; rules: YesNoRules; memory: YesNoMemory }
    | { kind: 'latency'; rules: LatencyRules; memory: LatencyMemory }
    | { kind: 'score'; rules: ScoreRules; memory: ScoreMemory }
    | { kind: 'drift'; rules: DriftRules; memory: DriftMemory }
  )

type Base = {
  /** Part of the risk; drift has none, it never rolls back. */
  weight: number
  design: Design
  /** While paired: pairs of requests before this one were judged by another design already. */
  pairsFrom: number
  judged: Partial<Record<Design, number>>
  /** Of the new version, where a coin is thrown. */
  share: number
  /** Nats that a regression as large as matters would have given: by the next answer (pair), and by all so far. */
  each: number
  shown: number
  book: Book
  /** From before the switch, and in `fine` already. */
  carried?: Carried
  /** Each must reach the goal; none: it can never promote. */
  fine: Wealth[]
  fineGoal: number
}

/** Both versions' bounds from history may fail: half of each risk pays for that, the other half is for the bets. */
export const boundShare = 0.5

/** @param risks of the whole release */
export function beginSignal(
  rules: SignalRules,
  {
    weight,
    history,
    risks,
  }: {
    weight: number
    history: History | null
    risks: { rollback: number; promotion: number }
  },
): SignalState {
  const base = {
    weight,
    design: 'none' as const,
    pairsFrom: 0,
    judged: {},
    share: 0.5,
    each: 0,
    shown: 0,
    fine: [beginWealth(fractions)],
    fineGoal: 1 / risks.promotion,
  }
  const rollbackBound = boundShare * risks.rollback * weight
  if (rules.kind === 'yesNo') {
    const counts = history?.counts ?? {}
    const old = Object.hasOwn(counts, rules.name) ? counts[rules.name]! : null
    const promotionBound = boundShare * risks.promotion
    const baseline = baselineOf(rules, old, { rollback: rollbackBound, promotion: promotionBound })
    const fineGoal = isHistory(old) ? 1 / (risks.promotion - promotionBound) : base.fineGoal
    const memory = beginYesNo(baseline, old ?? { bad: 0, total: 0 })
    return {
      ...base,
      kind: 'yesNo',
      rules,
      memory,
      book: beginBook([1]),
      fineGoal,
      design: baseline.design,
    }
  }
  if (rules.kind === 'latency') {
    const limits =
      history === null
        ? {}
        : latencyLimits(history.latency[rules.of] ?? {}, rules.tolerance, rollbackBound)
    const fine = Array.from({ length: fineQuestions }, () => beginWealth(fractions))
    const book = beginBook(latencyQuestions)
    return { ...base, kind: 'latency', rules, memory: beginLatency(limits), book, fine }
  }
  if (rules.kind === 'score')
    return { ...base, kind: 'score', rules, memory: beginScore(), book: beginBook([1]) }
  return { ...base, kind: 'drift', rules, memory: beginDrift(), book: beginBook([1]), fine: [] }
}

/** Does its comparison with the history cost a part of the risk? */
export function usesHistory(signal: SignalState): boolean {
  if (signal.kind === 'yesNo') return signal.memory.baseline.design === 'before-after'
  return signal.kind === 'latency' && Object.keys(signal.memory.limits).length > 0
}

/** Null: this answer says nothing about it. Undefined: it should, and what came is no such value. */
export function valueOf(
  { kind, rules }: SignalState,
  answer: Answer,
  warm: boolean,
): boolean | number | string | null | undefined {
  if (kind === 'latency' && !warm) return null
  if (kind === 'latency' && rules.of === 'total') return answer.totalMs
  if (kind === 'latency' && rules.of === 'firstByte') return answer.firstByteMs
  if (rules.name === 'errors')
    return answer.outcome === 'good' || answer.outcome === 'bad' ? answer.outcome === 'bad' : null
  const values = answer.values ?? {}
  if (!Object.hasOwn(values, rules.name)) return null
  const value = values[rules.name]
  if (kind === 'yesNo') return typeof value === 'boolean' ? value : undefined
  if (kind === 'drift') return typeof value === 'string' ? value : undefined
  if (kind === 'latency') return typeof value === 'number' && value >= 0 ? value : undefined
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined
}

/** In place. */
export function singleBets(
  signal: SignalState,
  single: Single<boolean | number | string>,
  { bucket, at }: { bucket: string | null; at: number },
): BothBets | null {
  const { design } = signal
  if (signal.kind === 'yesNo')
    return yesNoBets(signal.memory, signal.rules, design, single as Single<boolean>)
  if (signal.kind === 'latency')
    return latencyBets(signal.memory, signal.rules, design, {
      single: single as Single<number>,
      bucket,
      at,
    })
  if (signal.kind === 'score')
    return scoreBets(signal.memory, signal.rules, design, single as Single<number>)
  return driftBets(signal.memory, signal.rules, design, single as Single<string>)
}

/** In place. */
export function pairBets(signal: SignalState, pair: Pair<boolean | number | string>): BothBets {
  if (signal.kind === 'yesNo')
    return yesNoPairBets(signal.memory, signal.rules, pair as Pair<boolean>)
  if (signal.kind === 'latency')
    return latencyPairBets(signal.memory, signal.rules, pair as Pair<number>)
  if (signal.kind === 'score')
    return scorePairBets(signal.memory, signal.rules, pair as Pair<number>)
  return driftPairBets(signal.memory, signal.rules, pair as Pair<string>)
}
