/** The watch as it runs after an all-at-once switch: history of 5,000 answers first, then the new version alone. */
import { alone, errors, historyOf, judged, rulesOf } from '../../src/guard/testing.ts'
import { beginWatch, observe } from '../../src/guard/watch.ts'
import type { Outcome } from '../../src/guard/outcome.ts'
import type { Step } from '../../src/statistics/testing/simulate.ts'

const answersBefore = 5000
/** As they come from the gateway: every answer is looked at, whatever the size, and what was refuted once stays so. */
const batchOf = 100

/** @param rate of errors at each time, the same for both versions; the history lies right before it */
export function beforeAfter(rate: (t: number) => number): () => Step {
  return () => {
    let state: ReturnType<typeof beginWatch> | null = null
    let batch: Outcome[] = []
    return (random, t) => {
      if (state === null) {
        let bad = 0
        for (let past = -answersBefore; past < 0; past++) if (random.chance(rate(past))) bad++
        const history = historyOf({ bad, total: answersBefore })
        state = beginWatch(rulesOf(errors), history, false)
      }
      batch.push(random.chance(rate(t)) ? 'bad' : 'good')
      if (batch.length < batchOf) return 0
      state = observe(state, judged(batch), alone)
      batch = []
      return state.refutedBy === null ? 0 : Infinity
    }
  }
}
