/**
 * What all workers saw, kept as it came until the controller has counted it: an observation becomes an object only when somebody asks
 * for it. Bounded: long before it is full workers are told to note no more; what then still comes pushes the oldest out, as gaps.
 */
import type { Observations } from './control.ts'
import { observationsOf } from './notebook.ts'
import type { Batch } from './notebook.ts'

const keptMax = 100_000
/** From here on workers leave out whole ranges, until there is room again. */
const fullAt = 80_000
const roomAt = 60_000
export const answerMax = 2000
/** Ranges that are told one by one; further ones of a service only by their count. */
const rangesMax = 1000

export type Ledger = ReturnType<typeof openLedger>

/** @param full told when it begins, and when it ends */
export function openLedger(run: string, full: (isFull: boolean) => void = () => {}) {
  let batches: Batch[] = []
  let kept = 0
  /** Number of the first one that is kept; so many of the first batch are acknowledged already. */
  let first = 0
  let acknowledged = 0
  let ranges: Observations['gaps'][number][] = []
  let counts = new Map<string, number>()
  let isFull = false

  return {
    add(batch: Batch): void {
      for (const { service, from, to } of batch.gaps) {
        const count = (to - from) >>> 0
        if (ranges.length < rangesMax) ranges.push({ service, count, from, to })
        else addGap(service, count)
      }
      if (batch.count === 0) return
      batches.push(batch)
      kept += batch.count
      while (kept - acknowledged > keptMax) dropOldest()
      sayFull()
    },

    /** Everything was taken and acknowledged, gaps too. */
    isEmpty: (): boolean => kept === acknowledged && ranges.length === 0 && counts.size === 0,

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
      sayFull()
      const items = []
      for (let index = 0; index < batches.length && items.length < answerMax; index++)
        items.push(...observationsOf(batches[index]!, index === 0 ? acknowledged : 0))
      items.length = Math.min(items.length, answerMax)
      const others = [...counts].map(([service, count]) => ({
        service,
        count,
        from: null,
        to: null,
      }))
      const gaps = [...ranges, ...others]
      ranges = []
      counts = new Map()
      return { run, next: first + items.length, items, gaps }
    },
  }

  function sayFull(): void {
    const held = kept - acknowledged
    const now = isFull ? held > roomAt : held >= fullAt
    if (now !== isFull) full(now)
    isFull = now
  }

  function dropOldest(): void {
    const batch = batches.shift()!
    for (const { service } of observationsOf(batch, acknowledged)) addGap(service, 1)
    first += batch.count - acknowledged
    kept -= batch.count
    acknowledged = 0
  }

  function addGap(service: string, count: number): void {
    counts.set(service, (counts.get(service) ?? 0) + count)
  }
}
