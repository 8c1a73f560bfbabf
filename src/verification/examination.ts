import type { Verdict } from '../release/release.ts'

/** What a gate gets to work with: a way to be stopped (its time limit included), and a way to say how far it is. */
export type Examination = { signal: AbortSignal; progress: (text: string) => void }

export function undecided(because: string): Verdict {
  return { verdict: 'undecided', because, evidence: {} }
}
