/** What the guard is handed with each batch of answers: how the two versions run now, and whose answers they are. */
import type { Answer } from './answer.ts'
import type { Source } from './guard.ts'
import type { Ready } from './load.ts'

/** How the two versions run now. */
export type Context = {
  /** Which signals these answers speak of: what the gateway saw, what they said, what people said of them. Absent: all. */
  of?: Source
  /** Wall time, ms. */
  at: number
  ready: Ready
  /** Copies of live requests go to the old version (or of old ones to the new, before the switch). */
  pairs: boolean
  /**
   * Their times cannot be compared, with each other (a client's upload and a slow reader are in one of them only) or with what was
   * before (the same machine may have twice the work): of latency nothing is said then but what a fixed limit says.
   */
  timesApart?: boolean
  /** Share of the new version, where a coin decides who answers; null where only one version answers. */
  share: number | 'unknown' | null
  /** The coin is thrown for each client, not for each request. */
  sticky: boolean
  /** The next request that is due in assignment order. */
  next: number
  /** Of so many requests one is judged. */
  every: number
}

export type Judged = {
  side: 'new' | 'old'
  answer: Answer
  /** What the coin was thrown for, where clients stick to a version. */
  client?: string
}

/** Both answers to request `seq`; `live` is the one that the client got. */
export type AnsweredTwice = { seq: number; new: Answer; old: Answer }
