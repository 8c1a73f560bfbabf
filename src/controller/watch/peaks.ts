/** The most that a release was asked in each of the last 24 hours: what a load gate takes a share of. Pure. */

/** Hour since 1970 → answers a second. JSON. */
export type Peaks = Record<string, number>

const hourMs = 3_600_000
const hoursKept = 24

/** @param at wall time, ms @param perSecond of the last whole window of seconds */
export function withPeak(peaks: Peaks, at: number, perSecond: number): Peaks {
  const hour = Math.floor(at / hourMs)
  const kept = Object.entries(peaks).filter(([one]) => isRecent(Number(one), hour))
  const before = peaks[hour] ?? 0
  return { ...Object.fromEntries(kept), [hour]: Math.max(before, perSecond) }
}

/** Null where nothing was asked in the last 24 hours. */
export function peakOf(all: readonly (Peaks | undefined)[], at: number): number | null {
  const hour = Math.floor(at / hourMs)
  const rates = all.flatMap((peaks) =>
    Object.entries(peaks ?? {}).flatMap(([one, rate]) => (isRecent(Number(one), hour) ? rate : [])),
  )
  return rates.length === 0 ? null : Math.max(...rates)
}

/** A clock that was set back leaves hours that are still to come. */
function isRecent(hour: number, now: number): boolean {
  return hour <= now && hour > now - hoursKept - 1
}
