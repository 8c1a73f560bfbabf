/** What of the last minute's requests nobody can judge: when Beryl loses sight, nothing may be promoted (rulings §6). */
export type Minute = { minute: number; assigned: number; void: number }

export const lostShareMax = 0.01

/** @returns the present minute and the one before. @throws RangeError unless `at` (wall time, ms) is a number */
export function countMinute(
  minutes: readonly Minute[],
  { at, assigned, lost }: { at: number; assigned: number; lost: number },
): readonly Minute[] {
  if (!Number.isFinite(at))
    throw new RangeError(`the time of observations must be a number of ms, it is ${at}`)
  const minute = Math.floor(at / 60_000)
  const last = minutes.at(-1)
  if (last?.minute === minute) {
    const sum = { minute, assigned: last.assigned + assigned, void: last.void + lost }
    return [...minutes.slice(0, -1), sum]
  }
  // A clock that was set back begins anew too: only what lies right before is still "the last minute".
  const before = last?.minute === minute - 1 ? [last] : []
  return [...before, { minute, assigned, void: lost }]
}

/** Share of void ones. @param at wall time, ms; what ended more than a minute before it no longer counts */
export function lostShare(minutes: readonly Minute[], at?: number): number {
  const since = at === undefined ? -Infinity : Math.floor(at / 60_000) - 1
  let [assigned, lost] = [0, 0]
  for (const minute of minutes) {
    if (minute.minute < since) continue
    assigned += minute.assigned
    lost += minute.void
  }
  return assigned === 0 ? 0 : lost / assigned
}
