/** Answers a second, from the totals that come with each look. */
export type Sample = { at: number; total: number }

const windowMs = 5000

/** Kept: what lies in the window, and the last one before it. */
export function addSample(samples: readonly Sample[], sample: Sample): Sample[] {
  // Another version has come into this place, or the count began anew.
  if ((samples.at(-1)?.total ?? 0) > sample.total) return [sample]
  const all = [...samples, sample]
  const from = all.findLastIndex(({ at }) => at <= sample.at - windowMs)
  return all.slice(Math.max(0, from))
}

/** Null until it is known. */
export function perSecondOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last.at - first.at < 900) return null
  return ((last.total - first.total) * 1000) / (last.at - first.at)
}
