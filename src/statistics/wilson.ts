/**
 * Wilson's score interval for a rate (Wilson 1927), two-sided 95 % by default.
 * Reference: 10 of 100 → [0.05522914, 0.1743657]; 0 of 100 → [0, 0.0369935].
 */
export function wilson(hits: number, total: number, z = 1.959964): { low: number; high: number } {
  if (total === 0) return { low: 0, high: 1 }
  const rate = hits / total
  const centre = rate + (z * z) / (2 * total)
  const spread = z * Math.sqrt((rate * (1 - rate)) / total + (z * z) / (4 * total * total))
  const scale = 1 + (z * z) / total
  return {
    low: Math.max(0, (centre - spread) / scale),
    high: Math.min(1, (centre + spread) / scale),
  }
}
