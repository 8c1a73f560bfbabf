/** When a replica that died is started again. Pure. */

/** A replica that was never ready gets this many more starts; one that was ready gets as many as it needs. */
const restartsBeforeReadyMax = 3
const beforeReadyMs = { first: 200, most: 5000 }
/** The first death is met at once: somebody's traffic waits. */
const sinceReadyMs = [0, 1000, 2000, 4000, 8000, 16_000, 30_000] as const
/** Healthy for this long, a replica's next death is a new story. */
const steadyS = 60

/** @param deaths how often it has died in a row, this one included @returns ms to wait, or null: not again */
export function restartInMs({
  readyOnce,
  deaths,
}: {
  readyOnce: boolean
  deaths: number
}): number | null {
  if (readyOnce) return sinceReadyMs[Math.min(deaths, sinceReadyMs.length) - 1]!
  if (deaths > restartsBeforeReadyMax) return null
  return Math.min(beforeReadyMs.most, beforeReadyMs.first * 2 ** (deaths - 1))
}

/**
 * On spot capacity nothing is learned from its end: it is asked for again, and after so many losses in a row now and then only.
 *
 * @returns ms to wait; `short`: others had better stand in for it
 */
export function askAgainInMs(
  lossesInARow: number,
  { tries, retryS }: { tries: number; retryS: number },
): { waitMs: number; short: boolean } {
  if (lossesInARow >= tries) return { waitMs: retryS * 1000, short: true }
  return { waitMs: sinceReadyMs[Math.min(lossesInARow, sinceReadyMs.length) - 1]!, short: false }
}

/** @param readyForS how long the life that ended now had been ready; null when it never was */
export function deathsInARow(before: number, readyForS: number | null): number {
  return readyForS !== null && readyForS >= steadyS ? 1 : before + 1
}
