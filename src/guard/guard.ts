/** What the guard is asked, and what it answers. The room is pure: evidence in assignment order goes in, a decision comes out. */
import type { LatencyTolerance } from '../statistics/split-latency.ts'

export type WatchRules = {
  /** P(a version that is not worse is ever rolled back), per release: all signals, all phases, all looks together. */
  falseRollbackRisk: number
  /** P(a version that is worse than the margin is called safe). */
  badPromotionRisk: number
  signals: readonly SignalRules[]
  /** False: no instance can be replaced, so none is set aside; absent: each can. */
  replaces?: false
}

export type SignalRules = YesNoRules | LatencyRules | ScoreRules | DriftRules

/** Who says it: what the gateway saw, what the examiner read in the answer, or what people said of it. */
export type Source = 'gateway' | 'answer' | 'feedback'

type Common = {
  /** `errors`, `latency`, `validity`, …: unique in a release. */
  name: string
  /** Without evidence for it nothing is promoted. Other signals can roll back, never delay. */
  required: boolean
  /** Absent: the gateway. */
  from?: Source
}

/** Errors, validity, hand-off, or a yes/no of the user's: was this answer bad? */
export type YesNoRules = Common & {
  kind: 'yesNo'
  /** A share of bad answers this much (absolute) above the old version's is nobody's concern. */
  tolerance: number
  /** It may be this much (absolute) above the old version's and still be called no worse. */
  margin: number
  /** With no old version to compare with: the share that is still acceptable. */
  atMost: number
  /** For planning only: how much worse (absolute) matters to the user. */
  minimumEffect: number
}

/** Times of good answers; compared only under equal load (rulings §5). */
export type LatencyRules = Common & {
  kind: 'latency'
  /** Of tokens: what the examiner read in streams (`from: answer`). */
  of: 'firstByte' | 'total' | 'firstToken' | 'perToken'
  tolerance: LatencyTolerance
  margin: LatencyTolerance
  /** An absolute limit: at most 1 - `share` of the answers take longer than `ms`. */
  atMost: { share: number; ms: number } | null
}

/** A number between 0 and 1, larger is better. */
export type ScoreRules = Common & { kind: 'score'; tolerance: number; margin: number }

/** Categories of answers. A new version is meant to differ: drift holds a promotion and never rolls back. */
export type DriftRules = Common & { kind: 'drift'; tolerance: number }

/** What is compared with what, strongest first. */
export const designs = ['paired', 'split', 'matched', 'before-after', 'one-sample', 'none'] as const
export type Design = (typeof designs)[number]

/** A value of a signal that the gateway does not see by itself: yes/no (true is bad), a score, or a category. */
export type Value = boolean | number | string

export type Decision = {
  decision: 'rollBack' | 'promote' | 'hold'
  /** One sentence with its numbers. */
  because: string
  /** Answers still missing until the watch could end, at the rate of errors seen so far; null when unknown. */
  missing: number | null
  /** A regression as large as matters would have shown itself by now: enough to give it more traffic, never to promote it. */
  wouldShow: boolean
  /** Instances whose answers are set aside: to be replaced while they run. */
  replace: readonly string[]
  evidence: Evidence
}

export type Evidence = {
  /** Of what is needed to roll back, and to promote: 0 to 1 on the log scale on which evidence grows. */
  rollbackEvidence: number
  promotionEvidence: number
  /** The signal that adds most to the evidence for a rollback. */
  strongest: string | null
  falseRollbackRisk: number
  badPromotionRisk: number
  total: number
  bad: number
  gone: number
  void: number
  /** Requests a second that the new version gets, as measured; null before that is known. */
  perSecond: number | null
  /** Answers of instances that were set aside. */
  setAside: number
  /** Answers that were to be read and were not, and values that were none of their signal. */
  unheard: number
  unreadable: number
  signals: readonly SignalEvidence[]
  instances: readonly InstanceEvidence[]
}

export type SignalEvidence = {
  signal: string
  required: boolean
  /** Part of the risk. */
  weight: number
  design: Design
  comparedWith: string
  /** What was seen, in words. */
  said: string
  /** How many observations each design has judged. */
  judged: Record<string, number>
  rollbackEvidence: number
  /** Null: by this design it can roll back, never promote. */
  promotionEvidence: number | null
  /** More requests until it is rolled back, if it is as bad as the user said matters; null: this design cannot see that. */
  toSee: number | null
  /** More requests until it is surely no worse, at what was seen so far; 0: it is; null: never. */
  toClear: number | null
  /**
   * Pairs only: the new version is surely worse by at least so much, and by at most so much. With any tolerance below the first it
   * would have been rolled back, with any margin from the second on it would be no worse (null where requests from before the switch
   * count, too).
   */
  worseByAtLeast: number | null
  worseByAtMost: number | null
}

export type InstanceEvidence = {
  instance: string
  total: number
  bad: number
  /** Of what is needed to call it worse than its siblings. */
  evidence: number
  setAside: boolean
}
