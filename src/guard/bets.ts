/** What one observation bets: that the new version is worse (for `oddsRatios`), and that it is not (for `fractions`). */
import type { Bets } from './book.ts'

export type BothBets = { worse: Bets; fine: Bets }

/** One observation of one version. */
export type Single<Seen> = {
  side: 'new' | 'old'
  seen: Seen
  /** Of the new version, in the coin that chose; 0.5 where none did. */
  share: number
}

/** Both versions' answers to one request. */
export type Pair<Seen> = { new: Seen; old: Seen }

export type Tally = { bad: number; total: number }
