/**
 * When is latency stable? When the last three windows agree with one another in median and 90th percentile, within a
 * fifth or two milliseconds, and every request in them was answered. Three, because a replica that gets faster by a
 * tenth in each window agrees with the window before for ever.
 */
export type Window = {
  /** Milliseconds; null in a window without an answer. */
  median: number | null
  /** Of 20 requests the 95th percentile is the slowest one, which is chance; this is the third slowest. */
  p90: number | null
  /** Answers with a status of 400 or more, connections that broke. */
  errors: number
  /** No whole answer in the request's time limit: slow, not broken, while it warms up. */
  late: number
}

/** Requests in a window: enough for a median that does not jump, few enough for a model that takes seconds. */
export const windowSize = 20
export const windowsAlike = 3
const relativeTolerance = 0.2
const absoluteToleranceMs = 2

/** @param windows of one replica, in order */
export function isStable(windows: readonly Window[]): boolean {
  const last = windows.slice(-windowsAlike)
  return (
    last.length === windowsAlike &&
    last.every(({ errors, late }) => errors + late === 0) &&
    alike(last.map(({ median }) => median)) &&
    alike(last.map(({ p90 }) => p90))
  )
}

export function windowOf(times: readonly number[], errors: number, late: number): Window {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? null
  return { median: at(0.5), p90: at(0.9), errors, late }
}

function alike(values: readonly (number | null)[]): boolean {
  const known = values.filter((value) => value !== null)
  if (known.length < values.length) return false
  const highest = Math.max(...known)
  return highest - Math.min(...known) <= Math.max(absoluteToleranceMs, relativeTolerance * highest)
}
