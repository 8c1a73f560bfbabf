/** The requests to warm up with, arranged so that windows can be compared. */
import type { Input } from '../inputs/input.ts'

/** @returns the request for a place in a window, from window 1 on */
export type Windows = (window: number, place: number) => Input

/**
 * Long inputs take longer. So each place in a window has inputs of its own size, the last one the longest, and windows differ in
 * their inputs (an answer from a cache is not a warm one) but not in how much work they are. The longest of all comes first.
 */
export function windowsOf(inputs: readonly Input[], windowSize: number): Windows {
  const bySize = inputs.toSorted((a, b) => a.size - b.size)
  return (window, place) => {
    const from = Math.floor((place * bySize.length) / windowSize)
    const width = Math.floor(((place + 1) * bySize.length) / windowSize) - from
    const back = width === 0 ? 0 : (window + width - 1) % width
    return bySize[width === 0 ? from : from + width - 1 - back]!
  }
}
