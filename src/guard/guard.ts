/** The watch after a switch: pure. Evidence goes in, in assignment order; a decision comes out. */
export type Seen = {
  side: 'new' | 'old'
  bad: boolean
}

export type WatchRules = {
  /** P(a version that is not worse is ever rolled back), per release. */
  falseRollbackRisk: number
  /** P(a version that is worse than the margin is called safe). */
  badPromotionRisk: number
  errors: {
    /** A new version's error share may be this much (absolute) above the old one's and still be called no worse. */
    margin: number
    /** With no old version to compare with: the error share that is still acceptable. */
    atMost: number
  }
}

export type Decision = {
  decision: 'rollBack' | 'promote' | 'hold'
  /** One sentence with its numbers. */
  because: string
  /** Answers still missing until the watch could end, at the rate of errors seen so far; null when unknown. */
  missing: number | null
  evidence: Record<string, unknown>
}
