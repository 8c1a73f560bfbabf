/** What people said during steps in which clients stick to a version: not judged, and said so. */
import type { WatchState } from './watch.ts'

/** @param signals one name for each opinion */
export function leaveOut(before: WatchState, signals: readonly string[]): WatchState {
  if (signals.length === 0) return before
  return {
    ...before,
    signals: before.signals.map((signal) => {
      const count = signals.filter((name) => name === signal.rules.name).length
      return count === 0 ? signal : { ...signal, leftOut: (signal.leftOut ?? 0) + count }
    }),
  }
}

/** To be added to what was seen; empty where nothing was left out. */
export function leftOutSaid({ leftOut = 0 }: { leftOut?: number }): string {
  return leftOut === 0
    ? ''
    : `; left out: ${leftOut} given during the steps, for clients stick to a version and who spoke is not known`
}
