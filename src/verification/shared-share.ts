/**
 * What two lists have in common, each item as often as both have it: 2·|a ∩ b| / (|a| + |b|), which is F1 of the one against the other
 * (Dice 1945). In [0, 1]; NaN for two empty lists.
 */
export function sharedShare(a: readonly string[], b: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const one of a) counts.set(one, (counts.get(one) ?? 0) + 1)
  let shared = 0
  for (const one of b) {
    const left = counts.get(one) ?? 0
    if (left === 0) continue
    counts.set(one, left - 1)
    shared++
  }
  return (2 * shared) / (a.length + b.length)
}
