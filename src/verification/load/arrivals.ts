/**
 * An open loop: requests begin when they are due, whether or not those before them were answered, as clients come. Whoever
 * waits for an answer before the next request measures a server that stalls once by one request, and leaves out all that
 * would have come in between.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export type Arrivals = { perSecond: number; count: number; signal: AbortSignal }

/**
 * @param begin is given the time at which the request is due (`performance.now`), and does not wait
 * @param isOver asked before each: nothing more is begun then
 * @returns how many were begun. @throws the reason of `signal` once that is aborted
 */
export async function arrive(
  { perSecond, count, signal }: Arrivals,
  begin: (index: number, dueAt: number) => void,
  isOver: () => boolean,
): Promise<number> {
  const first = performance.now()
  for (let index = 0; index < count; index++) {
    const dueAt = first + (index * 1000) / perSecond
    const early = dueAt - performance.now()
    // Timers hold whole milliseconds. What is due within one is begun now: that is as near as it gets.
    if (early >= 1) await sleep(early, null, { signal }).catch(() => signal.throwIfAborted())
    if (isOver()) return index
    begin(index, dueAt)
  }
  return count
}
