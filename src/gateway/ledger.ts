/**
 * What all workers saw, kept as it came until the controller has counted it: an observation becomes an object only when somebody asks
 * for it. Bounded: the oldest batches go first, as gaps.
 */
import type { Observations } from './control.ts'
import { observationsOf } from './notebook.ts'
import type { Batch } from './notebook.ts'

const keptMax = 100_000
export const answerMax = 2000

export function openLedger(run: string) {
  let batches: Batch[] = []
  let kept = 0
  /** Number of the first one that is kept; so many of the first batch are acknowledged already. */
  let first = 0
  let acknowledged = 0
  let gaps = new Map<string, number>()

  return {
    add(batch: Batch): void {
      for (const { service, count } of batch.dropped) addGap(service, count)
      if (batch.count === 0) return
      batches.push(batch)
      kept += batch.count
      while (kept - acknowledged > keptMax) dropOldest()
    },

    /** What came after number `after` is answered; everything up to it is forgotten. */
    read(askedRun: string, after: number): Observations {
      const known = askedRun === run ? Math.max(0, Math.min(after - first, kept - acknowledged)) : 0
      acknowledged += known
      first += known
      while (batches.length > 0 && acknowledged >= batches[0]!.count) {
        const { count } = batches.shift()!
        acknowledged -= count
        kept -= count
      }
      const items = []
      for (let index = 0; index < batches.length && items.length < answerMax; index++)
        items.push(...observationsOf(batches[index]!, index === 0 ? acknowledged : 0))
      items.length = Math.min(items.length, answerMax)
      const told = [...gaps].map(([service, count]) => ({ service, count }))
      gaps = new Map()
      return { run, next: first + items.length, items, gaps: told }
    },
  }

  function dropOldest(): void {
    const batch = batches.shift()!
    for (const { service } of observationsOf(batch, acknowledged)) addGap(service, 1)
    first += batch.count - acknowledged
    kept -= batch.count
    acknowledged = 0
  }

  function addGap(service: string, count: number): void {
    gaps.set(service, (gaps.get(service) ?? 0) + count)
  }
}
