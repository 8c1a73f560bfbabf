/** The strongest comparison that a signal can have now. */
import type { Design, SignalRules } from './guard.ts'

export type Available = {
  /** The old version answers copies of the same requests (shadow, replay, control group). */
  pairs: boolean
  /** How requests (or clients) are divided: by a coin with a known share, in an unknown way, or not at all. */
  divided: 'coin' | 'unknown' | 'no'
  /** Rates or times of the old version from before. */
  history: boolean
  /** A fixed limit from the manifest. */
  limit: boolean
  equalLoad: boolean
}

export function strongest(kind: SignalRules['kind'], available: Available): Design {
  const { pairs, divided, history, limit, equalLoad } = available
  const sideBySide = kind !== 'latency' || equalLoad
  if (pairs && sideBySide) return 'paired'
  if (divided === 'coin' && sideBySide) return 'split'
  if (divided !== 'no' && kind === 'yesNo') return 'matched'
  if (kind === 'score' || kind === 'drift') return 'none'
  // A fixed limit is a promise to somebody; a history at the same rate is weak evidence.
  if (limit && kind === 'latency') return 'one-sample'
  if (history) return 'before-after'
  return limit ? 'one-sample' : 'none'
}
