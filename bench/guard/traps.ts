/** The traps of statistics.md §4.3 on equal versions, 1 % errors: how many of so many releases are rolled back, naively and as it is. */
import { beginOrder, inOrder } from '../../src/guard/reorder.ts'
import { alone, answer, errors, historyOf, rulesOf } from '../../src/guard/testing.ts'
import { beginWatch, observe } from '../../src/guard/watch.ts'
import type { WatchState } from '../../src/guard/watch.ts'
import type { Judged } from '../../src/guard/context.ts'
import { seeded } from '../../src/statistics/testing/random.ts'
import type { Random } from '../../src/statistics/testing/random.ts'

const both = { ...alone, ready: { new: 1, old: 1 }, share: 0.5 }
const begun = () => beginWatch(rulesOf({ ...errors, tolerance: 0 }), null, false)

export type Trap = {
  name: string
  naive: (random: Random) => boolean
  held: (random: Random) => boolean
}

const isRefuted = ({ refutedBy }: WatchState) => refutedBy !== null

/** In batches, as they come from the gateway; whether it was ever refuted stays. */
function after(answers: readonly Judged[], context = both): boolean {
  let state = begun()
  for (let from = 0; from < answers.length && !isRefuted(state); from += 500)
    state = observe(state, answers.slice(from, from + 500), context)
  return isRefuted(state)
}

/** Good answers of the new version take ten times as long; errors come at once. */
function ended(random: Random, count = 4000) {
  return Array.from({ length: count }, (_, seq) => {
    const side = random.chance(0.5) ? ('new' as const) : ('old' as const)
    const outcome = random.chance(0.01) ? ('bad' as const) : ('good' as const)
    const took = outcome === 'bad' ? 0 : side === 'new' ? 500 : 50
    const one: Judged = { side, answer: answer(outcome) }
    return { seq, one, at: seq + took }
  }).toSorted((a, b) => a.at - b.at)
}

/** Through the line, in batches as they end; each batch is delivered `times`, and the line is saved and read in between. */
function inLine(random: Random, times: number): boolean {
  const all = ended(random)
  const bySeq = new Map(all.map(({ seq, one }) => [seq, one]))
  let order = beginOrder('a', 0)
  let state = begun()
  let judged = 0
  for (let from = 0; from < all.length && !isRefuted(state); from += 500) {
    const batch = all.slice(from, from + 500).map(({ seq }) => ({ seq, cell: 'g' }))
    for (let time = 0; time < times; time++) {
      const out = inOrder(order, 'a', batch, 0)
      order = JSON.parse(JSON.stringify(out.order)) as typeof order
      const due = out.due.map((_, k) => bySeq.get(judged + k)!)
      judged += due.length
      state = JSON.parse(JSON.stringify(observe(state, due, both))) as WatchState
    }
  }
  if (judged > all.length) throw new Error(`${judged} of ${all.length} were judged`)
  return isRefuted(state)
}

function visits(random: Random): Judged[] {
  return Array.from({ length: 200 }, (_, client) => {
    const side = random.chance(0.5) ? ('new' as const) : ('old' as const)
    const rate = random.chance(0.1) ? 0.3 : 0.01
    return Array.from({ length: 20 }, (): Judged => ({
      side,
      client: `${client}`,
      answer: answer(random.chance(rate) ? 'bad' : 'good'),
    }))
  }).flat()
}

export const traps: readonly Trap[] = [
  {
    name: 'completion order',
    naive: (random) => after(ended(random).map(({ one }) => one)),
    held: (random) => inLine(random, 1),
  },
  {
    name: 'sticky clients',
    naive: (random) => after(visits(random)),
    held: (random) => after(visits(random), { ...both, sticky: true }),
  },
  {
    name: 'delivered three times, saved and read in between',
    naive: (random) =>
      after(
        ended(random)
          .toSorted((a, b) => a.seq - b.seq)
          .flatMap(({ one }) => [one, one, one]),
      ),
    held: (random) => inLine(random, 3),
  },
]

export function rolledBack(runs: number, run: (random: Random) => boolean): number {
  let count = 0
  for (let seed = 0; seed < runs; seed++) if (run(seeded(seed * 7919 + 17))) count++
  return count
}

/** Requests until a new version that never answers is rolled back, on average: alone, and beside the old one. */
export function silent(runs: number): { alone: number; split: number } {
  const until = (context: typeof both | typeof alone, old: boolean) => {
    let count = 0
    for (let seed = 0; seed < runs; seed++) {
      const random = seeded(seed)
      let state = beginWatch(rulesOf(errors), historyOf({ bad: 50, total: 5000 }), false)
      for (; !isRefuted(state); count++) {
        const side = old && random.chance(0.5) ? ('old' as const) : ('new' as const)
        const one = answer(side === 'new' ? 'bad' : 'good')
        state = observe(state, [{ side, answer: one }], context)
      }
    }
    return count / runs
  }
  return { alone: until(alone, false), split: until(both, true) }
}
