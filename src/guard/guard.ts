/** What the guard is asked, and what it answers. The room is pure: evidence in assignment order goes in, a decision comes out. */
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
