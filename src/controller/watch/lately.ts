/** What a release answered in each ten seconds of the last five minutes: the load that is to come (rulings §14). Pure. */

/** Ten seconds since 1970 → answers. JSON. */
export type Lately = Record<string, number>

const slotMs = 10_000
const slotsKept = 30

/**
 * Counted by when they were asked, not by when they are counted: what waited while no controller was there is no peak.
 *
 * @param now wall time, ms @param asked the same, of each request
 */
export function counted(lately: Lately, now: number, asked: readonly number[]): Lately {
  const here = Math.floor(now / slotMs)
  const next = Object.fromEntries(
    Object.entries(lately).filter(([one]) => isRecent(Number(one), here)),
  )
  for (const at of asked) {
    const slot = Math.floor(at / slotMs)
    if (isRecent(slot, here)) next[slot] = (next[slot] ?? 0) + 1
  }
  return next
}

/**
 * The most that all of them were asked a second, over ten seconds. Added up slot by slot: around a switch two releases answer
 * one after the other, and not twice as much. Null where nothing was asked.
 */
export function latePeak(all: readonly (Lately | undefined)[], now: number): number | null {
  const here = Math.floor(now / slotMs)
  const sums = new Map<string, number>()
  for (const lately of all)
    for (const [one, answers] of Object.entries(lately ?? {}))
      if (isRecent(Number(one), here)) sums.set(one, (sums.get(one) ?? 0) + answers)
  return sums.size === 0 ? null : Math.max(...sums.values()) / (slotMs / 1000)
}

/** A clock that was set back leaves slots that are still to come. */
function isRecent(slot: number, now: number): boolean {
  return slot <= now && slot > now - slotsKept - 1
}
