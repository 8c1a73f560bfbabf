/** Whole watches, as the controller runs them: errors and latency together, pairs after the switch, replicas, the line. */
import { answerOf, cellOf, cellWidth, readCell } from '../../src/guard/answer.ts'
import { decide } from '../../src/guard/decide.ts'
import { beginOrder, inOrder } from '../../src/guard/reorder.ts'
import {
  alone,
  answer,
  errors,
  historyOf,
  latency,
  noon,
  rulesOf,
  twice,
} from '../../src/guard/testing.ts'
import { beginWatch, observe, observePairs } from '../../src/guard/watch.ts'
import type { WatchState } from '../../src/guard/watch.ts'
import type { Judged } from '../../src/guard/context.ts'
import { seeded } from '../../src/statistics/testing/random.ts'
import type { Random } from '../../src/statistics/testing/random.ts'

export type Truth = { newOnly: number; oldOnly: number; slower: number }

export type Tally = { rolledBack: number; promoted: number; meanRequests: number }

/** The first decision of each of so many releases, looked for every 10 pairs. */
export function pairedReleases(runs: number, truth: Truth, horizon: number): Tally {
  const tally = { rolledBack: 0, promoted: 0, sum: 0 }
  for (let seed = 0; seed < runs; seed++) {
    const random = seeded(seed * 7919 + 23)
    let state = begun()
    let t = 0
    let decision = 'hold'
    for (; t < horizon && decision === 'hold'; t += 10) {
      const pairs = Array.from({ length: 10 }, (_, k) => pairOf(random, truth, t + k))
      state = observePairs(state, pairs, { ...alone, ready: { new: 1, old: 1 }, pairs: true })
      decision = decide(state).decision
    }
    tally.sum += t
    if (decision === 'rollBack') tally.rolledBack++
    if (decision === 'promote') tally.promoted++
  }
  return { ...tally, meanRequests: tally.sum / runs }
}

/** One of three replicas fails at this rate, the others at 1 %: who is blamed, and after how many answers? */
export function oneBroken(
  runs: number,
  rates: readonly [number, number, number],
): { setAside: number; rolledBack: number; meanAnswers: number } {
  let [setAside, rolledBack, sum] = [0, 0, 0]
  for (let seed = 0; seed < runs; seed++) {
    const random = seeded(seed * 104_729 + 5)
    let state = beginWatch(rulesOf(errors), historyOf({ bad: 50, total: 5000 }), false)
    let answers = 0
    const isOpen = () => state.refutedBy === null && state.instances.aside.length === 0
    while (answers < 20_000 && isOpen()) {
      const batch = Array.from({ length: 3 }, (): Judged => {
        const at = Math.floor(random.uniform() * 3)
        const outcome = random.chance(rates[at]!) ? 'bad' : 'good'
        return { side: 'new', answer: answer(outcome, { instance: `replica-${at}` }) }
      })
      answers += batch.length
      state = observe(state, batch, { ...alone, ready: { new: 3, old: 0 } })
    }
    sum += answers
    if (state.refutedBy !== null) rolledBack++
    else if (state.instances.aside.length > 0) setAside++
  }
  return { setAside, rolledBack, meanAnswers: sum / runs }
}

/**
 * Everything the controller does with an observation: into the line, out in order, all bets, four replicas, and the state
 * as text after each batch of 2,000. @returns ns for each observation that the gateway reports, and the state's bytes
 */
export function cost(perSecond: number, observations: number): { ns: number; bytes: number } {
  const random = seeded(1)
  let state = beginWatch(rulesOf(errors, latency), historyOf({ bad: 100, total: 10_000 }), false)
  let order = beginOrder('run', 0, { width: cellWidth, perSecond })
  const instances: string[] = []
  const raws = Array.from({ length: 2000 }, () => ({
    outcome: random.chance(0.01) ? 'error-status' : 'ok',
    replica: `replica-${Math.floor(random.uniform() * 4)}`,
    firstByteMs: 5 + 20 * random.uniform(),
    totalMs: 10 + 50 * random.uniform(),
  }))
  let text = ''
  const began = process.cpuUsage()
  for (let seq = 0; seq < observations; seq += raws.length) {
    const at = noon + (seq * 1000) / perSecond
    const arrived = raws.map((raw, k) => ({ seq: seq + k, cell: cellOf(answerOf(raw), instances) }))
    const out = inOrder(order, 'run', arrived, at)
    order = out.order
    const answers = out.due.map((cell) => ({
      side: 'new' as const,
      answer: readCell(cell, instances),
    }))
    state = observe(state, answers, {
      ...alone,
      at,
      ready: { new: 4, old: 0 },
      next: order.next,
      every: order.every,
    })
    text = JSON.stringify({ state, order, instances })
  }
  const { user, system } = process.cpuUsage(began)
  return { ns: ((user + system) * 1000) / observations, bytes: text.length }
}

/** Warm, under a load that is known: every pair counts for both signals. */
function begun(): WatchState {
  const state = beginWatch(rulesOf(errors, { ...latency, required: true }), null, false)
  state.warmth = ['a', 'old-a'].map((name) => ({ name, since: 0, seen: 1000 }))
  state.load = { since: noon, counts: { new: 0, old: 0 }, perSecond: { new: 10, old: 10 } }
  return state
}

function pairOf(random: Random, { newOnly, oldOnly, slower }: Truth, seq: number) {
  const x = random.uniform()
  const isBoth = x > 0.995
  const own = x < newOnly || isBoth ? 'bad' : 'good'
  const old = (x >= newOnly && x < newOnly + oldOnly) || isBoth ? 'bad' : 'good'
  const request = Math.sqrt(0.5) * random.normal()
  const ms = () => 100 * Math.exp(0.5 * (request + Math.sqrt(0.5) * random.normal()))
  return twice(seq, answer(own, { ms: ms() * slower }), answer(old, { ms: ms() }))
}
