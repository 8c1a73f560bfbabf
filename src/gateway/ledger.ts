/** What all workers saw, kept until the controller has counted it. Bounded: the oldest goes first, as a gap. */
import type { Observation, Observations } from './control.ts'

const keptMax = 100_000
export const answerMax = 2000

export function openLedger(run: string) {
  let items: Observation[] = []
  /** Number of the first one that is kept. */
  let first = 0
  let gaps = new Map<string, number>()

  return {
    add(
      seen: readonly Observation[],
      dropped: readonly { service: string; count: number }[],
    ): void {
      items.push(...seen)
      for (const { service, count } of dropped) addGap(service, count)
      const over = items.length - keptMax
      if (over <= 0) return
      for (const { service } of items.slice(0, over)) addGap(service, 1)
      items = items.slice(over)
      first += over
    },

    /** What came after number `after` is answered; everything up to it is forgotten. */
    read(askedRun: string, after: number): Observations {
      const known = askedRun === run ? Math.max(0, Math.min(after - first, items.length)) : 0
      items = items.slice(known)
      first += known
      const answer = items.slice(0, answerMax)
      const told = [...gaps].map(([service, count]) => ({ service, count }))
      gaps = new Map()
      return { run, next: first + answer.length, items: answer, gaps: told }
    },
  }

  function addGap(service: string, count: number): void {
    gaps.set(service, (gaps.get(service) ?? 0) + count)
  }
}
