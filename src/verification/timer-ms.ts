/** The longest wait a timer of Node holds: anything above it becomes 1 ms. */
const longestMs = 2 ** 31 - 1

/** Seconds → whole milliseconds that a timer takes as they are; `1005ms` is 1004.9999999999999 ms on its way here. */
export function timerMs(seconds: number): number {
  return Math.min(longestMs, Math.max(1, Math.round(seconds * 1000)))
}
