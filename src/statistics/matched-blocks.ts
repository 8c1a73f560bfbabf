/**
 * Where no coin decided who answers (sticky clients, shares changed from outside, the old version's history), answers are
 * matched: one of the new version with κ of the old one from the same stratum (route, hour) make a block, and a block bets
 * once, with the product of its factors at share 1 / (κ + 1). Valid for equal rates inside a block, whatever the routing
 * (inequality of the means). Source: formula (a3) of the design; Turner & Grünwald 2023 (strata).
 * Reference: κ = 1 → a block of new bad, old good at old rate 0.01, L = 1.7 → 1.679463 · 1.021880 = 1.716210.
 */
import { beginWealth, bet } from './engine.ts'
import type { Wealth } from './engine.ts'
import { oddsRatios } from './mixture.ts'
import type { Side } from './side.ts'
import { splitBinary } from './split-binary.ts'

/** JSON. */
export type MatchedBlocks = {
  wealth: Wealth
  old: { bad: number; total: number }
  /** What waits for its match, oldest first, by stratum. */
  waiting: Record<string, Queues>
}

export type Queues = { new: Waiting[]; old: Waiting[] }

export type Waiting = { bad: boolean; /** Time of the assignment, s. */ at: number }

export type Matching = {
  /** κ: old answers in a block; 1 where both run side by side, 5 to 9 from the history. */
  oldPerNew: number
  /** An answer is matched within this time, s, or not at all; Infinity for the history. */
  keepS: number
}

/** Per stratum and side. Beyond it the oldest is dropped, before its match, and so its outcome, is known. */
const waitingMax = 5000
const strataMax = 500
const factors = new Float64Array(oddsRatios.effects.length)
const product = new Float64Array(oddsRatios.effects.length)

export function beginMatchedBlocks(history = { bad: 0, total: 0 }): MatchedBlocks {
  return { wealth: beginWealth(oddsRatios), old: { ...history }, waiting: {} }
}

/** In place. @returns how often the blocks that this answer completed have bet: 0 or 1 */
export function observeMatched(
  state: MatchedBlocks,
  { side, stratum, bad, at }: { side: Side; stratum: string; bad: boolean; at: number },
  { oldPerNew, keepS }: Matching,
): number {
  const queues = queuesOf(state, stratum)
  if (queues === null) return 0
  queues[side].push({ bad, at })
  if (queues[side].length > waitingMax) queues[side].shift()
  // Both sides: a new answer of a bad hour must not meet an old one of the good hour after it.
  for (const queue of [queues.new, queues.old])
    while (queue.length > 0 && at - queue[0]!.at > keepS) queue.shift()
  if (queues.new.length === 0 || queues.old.length < oldPerNew) return 0
  // The newest with the newest: where the rate changes suddenly, few blocks span the change (oldest first: ten times as many).
  const [own] = queues.new.splice(-1, 1)
  betBlock(state, own!, queues.old.splice(-oldPerNew, oldPerNew))
  return 1
}

function betBlock(state: MatchedBlocks, own: Waiting, others: readonly Waiting[]): void {
  // One guess for the whole block: it is made before any of its answers is looked at.
  const oldRate = (state.old.bad + 0.5) / (state.old.total + 20.5)
  blockFactors(product, { own: own.bad, others: others.map(({ bad }) => bad), oldRate })
  bet(state.wealth, oddsRatios, product)
  state.old.total += others.length
  for (const { bad } of others) if (bad) state.old.bad++
}

export type Block = {
  /** Did the new version's answer fail, and did the old one's? */
  own: boolean
  others: readonly boolean[]
  /** A guess made before any of them was looked at. */
  oldRate: number
}

/** The factors of one block, for `oddsRatios`. */
export function blockFactors(into: Float64Array, { own, others, oldRate }: Block): void {
  const share = 1 / (others.length + 1)
  into.fill(1)
  const multiply = (side: Side, bad: boolean) => {
    splitBinary(factors, { side, bad, share, oldRate })
    for (let k = 0; k < into.length; k++) into[k] = into[k]! * factors[k]!
  }
  multiply('new', own)
  for (const bad of others) multiply('old', bad)
}

function queuesOf({ waiting }: MatchedBlocks, stratum: string): Queues | null {
  // Strata may come from requests: the sign in front keeps names such as __proto__ ordinary.
  const key = `=${stratum}`
  const found = waiting[key]
  if (found !== undefined) return found
  if (Object.keys(waiting).length >= strataMax) return null
  return (waiting[key] = { new: [], old: [] })
}
