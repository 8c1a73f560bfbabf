/** Verdicts until the controller has counted them. Bounded: the oldest go first; whoever waits for those gives them up. */
import type { SignalVerdict, SignalVerdicts } from './signal.ts'

const keptMax = 50_000
const answerMax = 5000

/** @param run of this examiner */
export function openVerdictLedger(run: string) {
  let items: SignalVerdict[] = []
  /** Number of the first one that is kept. */
  let first = 0

  return {
    add(verdict: SignalVerdict): void {
      items.push(verdict)
      // By halves: taking one off the front of a long list for each that comes is slow.
      if (items.length > 2 * keptMax) letGo(items.length - keptMax)
    },

    /** What came after number `after`; everything up to it is forgotten. */
    read(askedRun: string, after: number): SignalVerdicts {
      if (askedRun === run) letGo(Math.max(0, Math.min(after - first, items.length)))
      const told = items.slice(0, answerMax)
      return { run, next: first + told.length, items: told }
    },
  }

  function letGo(count: number): void {
    if (count === 0) return
    items = items.slice(count)
    first += count
  }
}
