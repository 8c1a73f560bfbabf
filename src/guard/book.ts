/**
 * The evidence of one signal, for each question it asks: one wealth over all answers, and one over all but those of each
 * instance. A design that takes over from another multiplies the same wealths further, so one risk covers the release.
 */
import { beginWealth, bet, copyWealth, wealthOf } from '../statistics/engine.ts'
import type { Wealth } from '../statistics/engine.ts'
import { oddsRatios } from '../statistics/mixture.ts'

/** JSON. */
export type Book = {
  /** Of the average; one for each question. */
  weights: readonly number[]
  all: Wealth[]
  /** By instance: what it would be without it. */
  without: Record<string, Wealth[]>
}

export type Factors = ArrayLike<number>
/** For each question; null where nothing is bet on it now. */
export type Bets = readonly (Factors | null)[]

/** With more instances than these, one of them alone cannot carry the evidence. */
export const instancesMax = 16

export function beginBook(weights: readonly number[]): Book {
  return { weights, all: weights.map(() => beginWealth(oddsRatios)), without: {} }
}

/** In place. An answer of `instance` counts everywhere but where that instance is left out. */
export function betOn(book: Book, bets: Bets, instance: string): void {
  betAll(book.all, bets)
  for (const [name, wealths] of Object.entries(book.without))
    if (name !== keyOf(instance)) betAll(wealths, bets)
}

/** In place: from now on there is an evidence without this instance, which is all there is so far. */
export function meetInstance(book: Book, instance: string): void {
  const key = keyOf(instance)
  const known = Object.keys(book.without)
  if (known.includes(key)) return
  // The one met first is the likeliest to be gone.
  if (known.length >= instancesMax) delete book.without[known[0]!]
  book.without[key] = book.all.map(copyWealth)
}

/**
 * In place: what this instance said is taken out. What others would be without each other is not known any more, and begins
 * anew: that only makes a rollback slower.
 */
export function setAside(book: Book, instance: string): void {
  const rest = book.without[keyOf(instance)]
  if (rest !== undefined) book.all = rest
  delete book.without[keyOf(instance)]
  for (const key of Object.keys(book.without))
    book.without[key] = book.weights.map(() => beginWealth(oddsRatios))
}

/** The average over the questions. */
export function bookWealth({ weights, all }: Book): number {
  return average(weights, all)
}

/** The same without one instance; all of it where that is not known. */
export function wealthWithout(book: Book, instance: string): number {
  return average(book.weights, book.without[keyOf(instance)] ?? book.all)
}

function average(weights: readonly number[], wealths: readonly Wealth[]): number {
  let total = 0
  for (const [question, weight] of weights.entries())
    total += weight * wealthOf(wealths[question]!, oddsRatios)
  return total
}

function betAll(wealths: readonly Wealth[], bets: Bets): void {
  for (const [question, factors] of bets.entries())
    if (factors !== null) bet(wealths[question]!, oddsRatios, factors)
}

/** Names come from elsewhere: the sign in front keeps ones such as __proto__ ordinary. */
function keyOf(instance: string): string {
  return `=${instance}`
}
