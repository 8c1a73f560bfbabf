/**
 * Counts of positive numbers in 400 bins of equal width on the log scale, 0.1 ms to 1,000 s in ms: each bin is 4.1 % wide,
 * which is nothing to a rank. Everything below or above lies in the first or last bin. JSON.
 * Reference: 1 … 1,000 once each → median within 4.1 % of 500, rank of 250 about 0.25.
 */
export type LogHistogram = { counts: number[]; total: number }

export const bins = 400
const [low, high] = [0.1, 1e6]
const perLog = bins / Math.log(high / low)

export function beginHistogram(): LogHistogram {
  return { counts: Array<number>(bins).fill(0), total: 0 }
}

/** In place. @param x Infinity lies above everything. @throws RangeError on a negative or no number */
export function addToHistogram(histogram: LogHistogram, x: number): void {
  const bin = binOf(x)
  histogram.counts[bin] = histogram.counts[bin]! + 1
  histogram.total++
}

export function binOf(x: number): number {
  if (!(x >= 0)) throw new RangeError(`a latency must be at least 0 ms, it is ${x}`)
  const bin = Math.floor(Math.log(x / low) * perLog)
  return Math.min(bins - 1, Math.max(0, bin))
}

/** For each bin the share below it, plus half of its own: what share of all a value in it exceeds. 0.5 while empty. */
export function ranks({ counts, total }: LogHistogram): Float64Array {
  const result = new Float64Array(bins).fill(0.5)
  if (total === 0) return result
  let below = 0
  for (let bin = 0; bin < bins; bin++) {
    result[bin] = (below + counts[bin]! / 2) / total
    below += counts[bin]!
  }
  return result
}

/** The first bin with at least this share of all in it and below it. */
export function quantileBin({ counts, total }: LogHistogram, share: number): number {
  let below = 0
  for (let bin = 0; bin < bins; bin++) {
    below += counts[bin]!
    if (below >= share * total) return bin
  }
  return bins - 1
}

/** The last bin above which there is at least the rest of all: where all lie in one bin, the one below it. -1: there is none. */
export function exceededBin({ counts, total }: LogHistogram, share: number): number {
  let above = 0
  for (let bin = bins - 1; bin >= 0; bin--) {
    above += counts[bin]!
    if (above >= (1 - share) * total) return bin - 1
  }
  return -1
}

/** Upper edge of the bin, ms. */
export function edgeOf(bin: number): number {
  return low * Math.exp((bin + 1) / perLog)
}
