/** Seeded chance for simulations: sfc32 (Doty-Humphrey), 32 bits a step; the same seed gives the same numbers everywhere. */
export type Random = {
  /** In [0, 1). */
  uniform(): number
  chance(probability: number): boolean
  /** Standard normal (Box–Muller, both values used). */
  normal(): number
}

export function seeded(seed: number): Random {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed | 0]
  let kept: number | null = null
  const uniform = () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 4294967296
  }
  // The first numbers of near seeds are alike.
  for (let skipped = 0; skipped < 12; skipped++) uniform()
  return {
    uniform,
    chance: (probability) => uniform() < probability,
    normal: () => {
      if (kept !== null) {
        const value = kept
        kept = null
        return value
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      const angle = 2 * Math.PI * uniform()
      kept = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
  }
}
