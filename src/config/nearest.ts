/** `; did you mean "replicas"?`, or nothing when no name is near (Levenshtein 1966, at most two edits, or a third of the word). */
export function nearest(word: string, names: readonly string[]): string {
  const [best] = names
    .map((name) => ({ name, distance: distance(word.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)
  if (best === undefined || best.distance > Math.max(2, Math.floor(word.length / 3))) return ''
  return `; did you mean "${best.name}"?`
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
    row = next
  }
  return row[b.length]!
}
