/** The watch as it runs after an all-at-once switch: history of 5,000 answers first, then the new version alone. */
import { beginWatch, observe } from '../../src/guard/watch.ts'
import type { Step } from '../../src/statistics/testing/simulate.ts'

const rules = {
  falseRollbackRisk: 0.01,
  badPromotionRisk: 0.05,
  errors: { margin: 0.01, atMost: 0.03 },
}
const historyOf = 5000

/** @param rate of errors at each time, the same for both versions; the history lies right before it */
export function beforeAfter(rate: (t: number) => number): () => Step {
  return () => {
    let state: ReturnType<typeof beginWatch> | null = null
    return (random, t) => {
      if (state === null) {
        let bad = 0
        for (let past = -historyOf; past < 0; past++) if (random.chance(rate(past))) bad++
        state = beginWatch(rules, { bad, total: historyOf }, false)
      }
      state = observe(state, [random.chance(rate(t)) ? 'bad' : 'good'], 0)
      return state.refuted ? Infinity : 0
    }
  }
}
