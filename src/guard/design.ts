/** The strongest comparison that a signal can have now. */
import type { Design, SignalRules } from './guard.ts'

export type Available = {
  /** The old version answers copies of the same requests (shadow, replay, control group). */
  pairs: boolean
  /** The new version's share where a coin decides for each request; null where both do not run side by side. */
  share: number | null
  /** The share is drawn for each client, not for each request. */
  sticky: boolean
  /** Rates or times of the old version from before. */
  history: boolean
  /** A fixed limit from the manifest. */
  limit: boolean
  equalLoad: boolean
}

export function strongest(kind: SignalRules['kind'], available: Available): Design {
  const { pairs, share, sticky, history, limit, equalLoad } = available
  const sideBySide = kind !== 'latency' || equalLoad
  if (pairs && sideBySide) return 'paired'
  if (share !== null && sideBySide && !sticky) return 'split'
  if (share !== null && kind === 'yesNo') return 'matched'
  if (kind === 'score' || kind === 'drift') return 'none'
  // A fixed limit is a promise to somebody; a history at the same rate is weak evidence.
  if (limit && kind === 'latency') return 'one-sample'
  if (history) return 'before-after'
  return limit ? 'one-sample' : 'none'
}
